export type Sent = {
  framesEncoded: number;
  bytes: number;
  /** What holds the encoder of the best layer back: `none`, `bandwidth`, `cpu`, `other`. */
  limitation: string;
  /** Share of what was sent that did not arrive, 0 to 1, as the hub reported last. */
  lossShare: number;
  framesPerSecond: number;
  /** The shorter side of the largest picture that is being sent. */
  lines: number;
};

const figure = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** The statistics of a video sender (webrtc-stats), over all its layers. */
export function readSent(stats: Record<string, unknown>[]): Sent {
  const sent: Sent = { framesEncoded: 0, bytes: 0, limitation: 'none', lossShare: 0, framesPerSecond: 0, lines: 0 };
  for (const entry of stats) {
    if (entry['type'] === 'remote-inbound-rtp') sent.lossShare = Math.max(sent.lossShare, figure(entry['fractionLost']));
    if (entry['type'] !== 'outbound-rtp') continue;
    sent.framesEncoded += figure(entry['framesEncoded']);
    sent.bytes += figure(entry['bytesSent']);
    const lines = Math.min(figure(entry['frameWidth']), figure(entry['frameHeight']));
    const fps = figure(entry['framesPerSecond']);
    if (fps === 0 || lines < sent.lines) continue; // a layer that is switched off keeps its last size
    sent.lines = lines;
    sent.framesPerSecond = fps;
    const { qualityLimitationReason: limitation } = entry;
    if (typeof limitation === 'string') sent.limitation = limitation;
  }
  return sent;
}
