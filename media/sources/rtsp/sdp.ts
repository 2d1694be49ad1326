import type { DescribedTrack } from '../gateway/recording.ts';

/** Pictures and sound of an SDP (RFC 8866, 5.14, 6.6 and 6.15), in its order. Payload types without `rtpmap` are RFC 3551's G.711. */
export function tracksOfSdp(sdp: string): DescribedTrack[] {
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  return sections.flatMap((section) => trackOf(section) ?? []);
}

function trackOf(section: string): DescribedTrack | null {
  const [, kind, payloadType] = /^m=(video|audio) \d+ \S+ (\d+)/.exec(section) ?? [];
  if (kind !== 'video' && kind !== 'audio') return null;
  const map = new RegExp(`^a=rtpmap:${payloadType} ([\\w.-]+)/(\\d+)(?:/(\\d+))?`, 'm').exec(section) ?? [];
  const [, name = payloadType === '8' ? 'PCMA' : 'PCMU', rate = '8000', channels] = map;
  const parameters: Record<string, string> = {};
  for (const part of (new RegExp(`^a=fmtp:${payloadType} (.*)$`, 'm').exec(section)?.[1] ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0) parameters[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return {
    kind,
    mimeType: `${kind}/${name}`,
    clockRate: Number(rate),
    channels: channels ? Number(channels) : null,
    payloadType: Number(payloadType),
    rtxPayloadType: null,
    parameters,
    layers: [],
  };
}
