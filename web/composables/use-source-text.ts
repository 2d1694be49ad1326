import { useI18n } from 'vue-i18n';
import type { AngleState } from '../../server/protocol/http.ts';

type SourceRow = { key: string; label: string; value: string };

/** What is known of the source of an angle, row by row, in the words of the chosen language. What is not known says so. */
export function useSourceText(): (angle: AngleState) => SourceRow[] {
  const { t } = useI18n();
  const unknown = (): string => t('source.unknown');

  function device({ source, gateway, sourceKind }: AngleState): string {
    const kind = gateway ? gateway.protocol.toUpperCase() : sourceKind ? t(`source.kind.${sourceKind}`) : '';
    const model = gateway?.model ?? source?.model;
    return [kind, model ?? unknown()].filter(Boolean).join(' · ');
  }
  function picture({ source, gateway, width, height, fps }: AngleState): string {
    const codec = source?.video ?? gateway?.video?.codec;
    const profile = gateway?.video?.profile;
    const size = width && height ? `${width}×${height}` : null;
    const live = gateway?.video ? t(`camera.live.${gateway.video.live}`) : null;
    const facts = [
      codec && profile ? `${codec} ${profile}` : codec,
      size,
      typeof fps === 'number' ? t('source.fps', { n: fps }) : null,
      live,
    ];
    return facts.filter(Boolean).join(' · ') || unknown();
  }
  function sound({ source, gateway, producers }: AngleState): string {
    const audio = gateway?.audio;
    if (audio) return `${audio.codec} · ${audio.sampleRate / 1000} kHz`;
    if (source?.audio) return source.audio;
    return gateway?.video || producers.length > 0 ? t('source.noSound') : unknown();
  }
  function loss({ source }: AngleState): string {
    if (!source?.loss) return unknown();
    const { percent, packets: n } = source.loss;
    return percent === null ? t('source.lossCount', { n }) : t('source.lossFacts', { percent, n });
  }
  const roundTrip = ({ source }: AngleState): string => {
    const ms = source?.roundTripMs ?? null;
    return ms === null ? unknown() : t('source.ms', { n: ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms) });
  };
  function clock({ alignmentMethod, alignmentErrorMs, gateway }: AngleState): string {
    if (alignmentMethod === null || alignmentErrorMs === null) return unknown();
    // of RTMP and SRT, whose packets' own times are taken as reports of their sender
    const streams = alignmentMethod === 'sender-report' && gateway && !gateway.protocol.startsWith('rtsp');
    return t('source.clockFacts', { method: t(`source.method.${streams ? 'stream' : alignmentMethod}`), ms: Math.ceil(alignmentErrorMs) });
  }

  return (angle) =>
    Object.entries({
      device: device(angle),
      picture: picture(angle),
      sound: sound(angle),
      bitrate: angle.status === 'recording' ? t('source.rate', { n: (angle.bitrateBps / 1e6).toFixed(2) }) : unknown(),
      loss: loss(angle),
      roundTrip: roundTrip(angle),
      clock: clock(angle),
      pictures: t('source.picturesFacts', { missing: angle.missingFrames, withheld: angle.withheldFrames }),
    }).map(([key, value]) => ({ key, label: t(`source.${key}`), value }));
}
