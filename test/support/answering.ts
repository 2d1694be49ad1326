import type { types } from 'mediasoup';

/** What the media plane says that its router can receive, asked of a real worker. */
export async function routerCapabilities(): Promise<types.RtpCapabilities> {
  const { createWorker } = await import('mediasoup');
  const { clientCapabilities, mediaCodecs } = await import('../../media/sfu/codecs.ts');
  const worker = await createWorker({ logLevel: 'none' });
  const { rtpCapabilities } = await worker.createRouter({ mediaCodecs });
  worker.close();
  return clientCapabilities(rtpCapabilities);
}

/** A transport as the media plane describes it, one candidate for UDP and one for TCP. */
export const transport = {
  id: 't',
  iceParameters: { usernameFragment: 'hub-ufrag', password: 'hub-password', iceLite: true },
  iceCandidates: [
    { foundation: 'udpcandidate', priority: 2, address: '192.0.2.1', protocol: 'udp', port: 44000, type: 'host' },
    { foundation: 't', priority: 1, address: '192.0.2.1', protocol: 'tcp', port: 44000, type: 'host', tcpType: 'passive' },
  ],
  dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }] },
};
