import { SequenceCount } from '../../rtp/sequence-count.ts';

/** Longer than any camera's name. */
const MODEL_LENGTH = 60;
/** What says nothing of the camera: the standard's own placeholders, and names that every maker gives. */
const NAMELESS = /^(-|\.|no name|unnamed|session|stream(ed)?|media (server|presentation)|rtsp (server|session)|n\/?a)?$/i;

/** What is learnt of a camera on the way of its stream: who it says it is, what of its packets is missing, how fast it answers. */
export class CameraMeter {
  readonly #streams = new Map<number, SequenceCount>();
  #server: string | null = null;
  #session: string | null = null;
  roundTripMs: number | null = null;

  /** As it calls itself: the `Server` of its answers (RFC 2326, 12.36), else the name of its session (RFC 8866, 5.3). */
  get model(): string | null {
    return this.#server ?? this.#session;
  }

  /** Of the present stream; null before its first packet. */
  get packets(): { expected: number; lost: number } | null {
    const counts = [...this.#streams.values()].map((stream) => stream.counts);
    if (counts.length === 0) return null;
    return { expected: counts.reduce((sum, each) => sum + each.expected, 0), lost: counts.reduce((sum, each) => sum + each.lost, 0) };
  }

  /** A new stream begins. */
  begin(): void {
    this.#streams.clear();
  }

  server(name: string | null): void {
    this.#server = named(name) ?? this.#server;
  }

  session(sdp: string): void {
    this.#session = named(/^s=(.*)$/m.exec(sdp)?.[1] ?? null);
  }

  /** An RTP packet of this channel; its number stands in bytes 2 and 3 (RFC 3550, 5.1). */
  packet(channel: number, bytes: Buffer): void {
    if (bytes.length < 12) return;
    const present = this.#streams.get(channel);
    const stream = present ?? new SequenceCount();
    if (!present) this.#streams.set(channel, stream);
    stream.note(bytes.readUInt16BE(2));
  }
}

function named(text: string | null): string | null {
  // eslint-disable-next-line no-control-regex
  const name = (text ?? '').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim();
  return NAMELESS.test(name) ? null : name.slice(0, MODEL_LENGTH);
}
