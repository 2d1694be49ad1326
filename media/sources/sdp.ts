import type { TrackInput } from '../recorder/input.ts';

/** The first track of an SDP (RFC 8866, 6.6 and 6.15) as the recorder needs to know it; null where there is none. Payload types without `rtpmap` are RFC 3551's. */
export function trackOfSdp(sdp: string): Omit<TrackInput, 'requestKeyFrame' | 'reports'> | null {
  const [, kind, payloadType] = /^m=(video|audio) \d+ \S+ (\d+)/m.exec(sdp) ?? [];
  if (kind !== 'video' && kind !== 'audio') return null;
  const [, name = payloadType === '8' ? 'PCMA' : 'PCMU', rate = '8000', channels] =
    /^a=rtpmap:\d+ ([\w-]+)\/(\d+)(?:\/(\d+))?/m.exec(sdp) ?? [];
  const parameters: Record<string, string> = {};
  for (const part of (/^a=fmtp:\d+ (.*)$/m.exec(sdp)?.[1] ?? '').split(';')) {
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
