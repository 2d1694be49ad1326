/**
 * A bare RTCPeerConnection that speaks WHIP and WHEP with fetch, in a page of any site: `peer.publish`, `peer.watch`,
 * `peer.restartIce`, `peer.stop`. No library: what a browser offers by itself is what is tested.
 */
(() => {
  let pc = null;
  let session = null;
  let token = null;
  const authorization = () => (token ? { authorization: `Bearer ${token}` } : {});

  async function exchange(url) {
    await pc.setLocalDescription();
    const offer = pc.localDescription.sdp;
    const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp', ...authorization() }, body: offer });
    const answer = await reply.text();
    const { status } = reply;
    if (status !== 201) {
      pc.close();
      return { status, answer, offer, retryAfter: reply.headers.get('retry-after') };
    }
    session = { url: new URL(reply.headers.get('location'), url).href, etag: reply.headers.get('etag') };
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    return { status, answer, offer, session: session.url, etag: session.etag };
  }

  async function patch(headers, lines) {
    const body = lines.join('\r\n') + '\r\n';
    const type = { 'content-type': 'application/trickle-ice-sdpfrag' };
    const reply = await fetch(session.url, { method: 'PATCH', headers: { ...type, ...headers, ...authorization() }, body });
    return { status: reply.status, etag: reply.headers.get('etag'), text: await reply.text() };
  }

  const field = (sdp, name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)[1].trim();

  globalThis.peer = {
    async publish(url, secret, { encodings, audio = true, captureTime = false } = {}) {
      token = secret;
      pc = new RTCPeerConnection();
      const stream = await navigator.mediaDevices.getUserMedia({ audio, video: { width: 640, height: 360 } });
      for (const track of stream.getTracks()) {
        const sendEncodings = track.kind === 'video' && encodings ? { sendEncodings: encodings } : {};
        const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream], ...sendEncodings });
        if (!captureTime) continue;
        const extensions = transceiver.getHeaderExtensionsToNegotiate();
        for (const extension of extensions) if (/abs-capture-time/.test(extension.uri)) extension.direction = 'sendrecv';
        transceiver.setHeaderExtensionsToNegotiate(extensions);
      }
      return exchange(url);
    },

    async watch(url, secret, kinds = ['audio', 'video']) {
      token = secret;
      pc = new RTCPeerConnection();
      const stream = new MediaStream();
      const video = document.querySelector('video') ?? document.body.appendChild(document.createElement('video'));
      Object.assign(video, { muted: true, autoplay: true, playsInline: true, srcObject: stream });
      pc.addEventListener('track', ({ track }) => stream.addTrack(track));
      for (const kind of kinds) pc.addTransceiver(kind, { direction: 'recvonly' });
      return exchange(url);
    },

    /** Candidates as they are found, in one request (RFC 9725, 4.3.2). */
    trickle(headers) {
      const sdp = pc.localDescription.sdp;
      const candidates = sdp.split('\r\n').filter((line) => line.startsWith('a=candidate'));
      const ice = [`a=ice-ufrag:${field(sdp, 'ice-ufrag')}`, `a=ice-pwd:${field(sdp, 'ice-pwd')}`];
      return patch(headers ?? { 'if-match': session.etag }, [
        ...ice,
        'm=audio 9 UDP/TLS/RTP/SAVPF 0',
        'a=mid:0',
        ...candidates,
        'a=end-of-candidates',
      ]);
    },

    /** RFC 9725, 4.3.3. */
    async restartIce() {
      pc.restartIce();
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const reply = await patch({ 'if-match': '*' }, [
        `a=ice-ufrag:${field(offer.sdp, 'ice-ufrag')}`,
        `a=ice-pwd:${field(offer.sdp, 'ice-pwd')}`,
      ]);
      if (reply.status !== 200) return reply;
      session.etag = reply.etag;
      const sdp = pc.currentRemoteDescription.sdp
        .replaceAll(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${field(reply.text, 'ice-ufrag')}`)
        .replaceAll(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${field(reply.text, 'ice-pwd')}`);
      await pc.setRemoteDescription({ type: 'answer', sdp });
      return reply;
    },

    async stop() {
      const reply = await fetch(session.url, { method: 'DELETE', headers: authorization() });
      pc.close();
      return reply.status;
    },

    /** Still there, but sends no picture and no sound. */
    hush: () => Promise.all(pc.getSenders().map((sender) => sender.replaceTrack(null))).then(() => undefined),
    /** Gone without a word: not even DTLS says goodbye. */
    vanish: () => pc.close(),
    state: () => pc.connectionState,
    async sent() {
      const stats = [...(await pc.getStats()).values()];
      const video = stats.filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');
      // after a restart of ICE the pair before it is still listed, and as good
      const { selectedCandidatePairId } = stats.find(({ type }) => type === 'transport') ?? {};
      const pair = stats.find(({ id }) => id === selectedCandidatePairId);
      return {
        frames: video.reduce((sum, { framesSent = 0 }) => sum + framesSent, 0),
        codecs: stats.filter(({ type }) => type === 'codec').map(({ mimeType }) => mimeType),
        bytes: pair?.bytesSent ?? 0,
      };
    },
    shown() {
      const video = document.querySelector('video');
      return { width: video.videoWidth, frames: video.getVideoPlaybackQuality().totalVideoFrames, time: video.currentTime };
    },
    async received() {
      const stats = [...(await pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
      return Object.fromEntries(stats.map(({ kind, packetsReceived, framesDecoded = 0 }) => [kind, { packetsReceived, framesDecoded }]));
    },
  };
})();
