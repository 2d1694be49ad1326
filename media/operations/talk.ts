import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { ResultOf } from '../protocol/requests.ts';
import { type Talk, type TalkEnd, TALK_MAX_MS } from '../protocol/talk.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import type { Peer } from '../sfu/peer.ts';

export type TalkOwner = {
  recorder: OperationRecorder;
  nowMs: () => number;
  emit: (event: MediaEvent) => void;
  /** Bring the speaker's sound to the recorder. */
  tap: (producer: types.Producer, take: Take) => Promise<void>;
};
type Speaking = { talk: Talk; peer: Peer; producer: types.Producer; take: Take; cap: NodeJS.Timeout };

/** One commander at a time speaks to operators: forwarded to their phones, and recorded as takes of an angle of its own. */
export class TalkLine {
  readonly #owner: TalkOwner;
  #speaking: Speaking | null = null;
  #busy = false;

  constructor(owner: TalkOwner) {
    this.#owner = owner;
  }

  get talk(): Talk | null {
    return this.#speaking?.talk ?? null;
  }

  /** Throws `conflict` while somebody else speaks. Resolves with the producer's id once it is recorded. */
  async start(
    peer: Peer,
    transportId: string,
    { talkId, angleId }: Pick<Talk, 'talkId' | 'angleId'>,
    rtpParameters: types.RtpParameters,
  ): Promise<string> {
    if (this.#busy || this.#speaking) throw new HubError('conflict', 'another commander is speaking', { field: 'talk' });
    this.#busy = true;
    try {
      const producer = await peer.produce(transportId, 'audio', rtpParameters);
      const take = await this.#owner.recorder.startTalk().catch((error: unknown) => {
        producer.close();
        throw error;
      });
      await this.#begin({ talkId, angleId, startedMs: this.#owner.nowMs(), heard: [] }, peer, producer, take);
      return producer.id;
    } finally {
      this.#busy = false;
    }
  }

  async #begin(talk: Talk, peer: Peer, producer: types.Producer, take: Take): Promise<void> {
    const cap = setTimeout(() => void this.#stop('too-long'), TALK_MAX_MS);
    this.#speaking = { talk, peer, producer, take, cap };
    producer.observer.once('close', () => {
      if (this.#speaking?.producer === producer) void this.#stop('connection-lost');
    });
    const { talkId, angleId, startedMs: atMs } = talk;
    this.#owner.recorder.noteTalk({ type: 'talk.started', talkId, angleId, atMs });
    try {
      await this.#owner.tap(producer, take);
    } catch (error) {
      await this.#stop('connection-lost');
      throw error;
    }
    this.#tell();
  }

  /** What is said to this angle's phone now, paused; nothing when nobody speaks, or not to it. */
  async consume(
    peer: Peer,
    transportId: string,
    angleId: string,
    rtpCapabilities: types.RtpCapabilities,
  ): Promise<ResultOf<'consumeTalk'>['consumers']> {
    const speaking = this.#speaking;
    if (!speaking || (speaking.talk.angleId !== null && speaking.talk.angleId !== angleId)) return [];
    const { id, kind, rtpParameters } = await peer.consume(transportId, speaking.producer, rtpCapabilities, () => undefined);
    return [{ consumerId: id, producerId: speaking.producer.id, angleId, kind, rtpParameters }];
  }

  /** This angle's phone plays it. */
  heardBy(angleId: string): void {
    const speaking = this.#speaking;
    if (!speaking || speaking.talk.heard.includes(angleId)) return;
    speaking.talk = { ...speaking.talk, heard: [...speaking.talk.heard, angleId] };
    this.#tell();
  }

  /** The button is let go, or whoever held it is gone. Harmless when another speaks. */
  async end(peer: Peer, reason: TalkEnd): Promise<void> {
    if (this.#speaking?.peer === peer) await this.#stop(reason);
  }

  async close(reason: TalkEnd): Promise<void> {
    await this.#stop(reason);
  }

  async #stop(reason: TalkEnd): Promise<void> {
    const speaking = this.#speaking;
    if (!speaking) return;
    this.#speaking = null;
    clearTimeout(speaking.cap);
    const { talk, producer, take } = speaking;
    producer.close();
    this.#tell();
    const { takeId } = take;
    this.#owner.recorder.noteTalk({
      type: 'talk.ended',
      talkId: talk.talkId,
      atMs: this.#owner.nowMs(),
      takeId,
      heard: talk.heard,
      reason,
    });
    await this.#owner.recorder.endTake(take, reason === 'released' || reason === 'too-long' ? 'stopped-by-operator' : reason);
  }

  #tell(): void {
    const { recorder, emit } = this.#owner;
    emit({ type: 'talk', operationId: recorder.operationId, talk: this.talk });
  }
}
