/** Offers as encoders make them, after their sources: OBS 30 and 31 (plugins/obs-webrtc with libdatachannel), ffmpeg 8 (libavformat/whip.c), GStreamer's webrtcbin. */
const FINGERPRINT = Array.from({ length: 32 }, (_, index) => (index + 16).toString(16).toUpperCase()).join(':');

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`;
const transport = (setup: string): string[] => [
  'a=ice-ufrag:Wx3k',
  'a=ice-pwd:p2fXl4vYV7mJk0wYQ1n3c8sd',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  `a=setup:${setup}`,
  'a=rtcp-mux',
];
const head = (name: string, mids: string): string[] => [
  'v=0',
  `o=${name} 4611731400430051336 2 IN IP4 127.0.0.1`,
  's=-',
  't=0 0',
  `a=group:BUNDLE ${mids}`,
];

const opus = (direction = 'sendonly', setup = 'actpass'): string[] => [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  `a=${direction}`,
  'a=ssrc:1111 cname:kQ8s',
  'a=ssrc:1111 msid:stream stream-audio',
  'a=msid:stream stream-audio',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1',
  ...transport(setup),
];
const obsVideo = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=mid:1',
  'a=sendonly',
  'a=ssrc:1112 cname:kQ8s',
  'a=ssrc:1112 msid:stream stream-video',
  'a=msid:stream stream-video',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'a=rtpmap:96 H264/90000',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtcp-fb:96 goog-remb',
  'a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1',
  ...transport('actpass'),
];

export const obsOffer = lines(...head('rtc', '0 1'), 'a=msid-semantic:WMS *', 'a=ice-options:ice2,trickle', ...opus(), ...obsVideo);
/** Three layers, as OBS 31 lists them: 0 is the full picture. */
export const obsSimulcastOffer = lines(
  ...head('rtc', '0 1'),
  ...opus(),
  ...obsVideo,
  'a=rid:0 send',
  'a=rid:1 send',
  'a=rid:2 send',
  'a=simulcast:send 0;1;2',
);
export const ffmpegOffer = lines(
  ...head('FFmpeg', '0 1'),
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  ...opus('sendonly', 'passive').filter((line) => !line.startsWith('a=fmtp')),
  'm=video 9 UDP/TLS/RTP/SAVPF 106',
  'c=IN IP4 0.0.0.0',
  ...transport('passive'),
  'a=mid:1',
  'a=sendonly',
  'a=msid:FFmpeg video',
  'a=rtcp-rsize',
  'a=rtpmap:106 H264/90000',
  'a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64401f',
  'a=ssrc:2222 cname:FFmpeg',
  'a=ssrc:2222 msid:FFmpeg video',
);
/** Bundled, the second section with port 0 as max-bundle has it; parameter sets in the SDP; a data channel that nobody needs. */
export const gstreamerOffer = lines(
  ...head('-', 'video0 audio1 application2'),
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
  'c=IN IP4 0.0.0.0',
  ...transport('actpass'),
  'a=rtcp-mux-only',
  'a=sendonly',
  'a=rtpmap:96 H264/90000',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtcp-fb:96 ccm fir',
  'a=rtcp-fb:96 transport-cc',
  'a=fmtp:96 packetization-mode=1;profile-level-id=42c015;level-asymmetry-allowed=1;sprop-parameter-sets=Z0LAFdkDxWhAAAADAEAAAAwDxYuS,aMuMsg==',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'a=ssrc-group:FID 3333 3334',
  'a=ssrc:3333 msid:user17@host-7 webrtctransceiver0',
  'a=ssrc:3333 cname:user17@host-7',
  'a=ssrc:3334 cname:user17@host-7',
  'a=mid:video0',
  'm=audio 0 UDP/TLS/RTP/SAVPF 98',
  'c=IN IP4 0.0.0.0',
  ...transport('actpass'),
  'a=bundle-only',
  'a=sendonly',
  'a=rtpmap:98 OPUS/48000/2',
  'a=ssrc:3335 cname:user17@host-7',
  'a=mid:audio1',
  'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  ...transport('actpass'),
  'a=bundle-only',
  'a=mid:application2',
  'a=sctp-port:5000',
);
/** A player that takes what browsers take. */
export const playerOffer = obsOffer.replaceAll('a=sendonly', 'a=recvonly').replaceAll(/a=(ssrc|msid).*\r\n/g, '');
