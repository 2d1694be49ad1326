import { configKey } from '../mp4/sample-entry.ts';
import type { CodecConfig } from '../rtp/codec.ts';

/** Configurations by what an initialisation segment is bound to; read anew only where the depacketiser has made another object. */
export class Configs {
  #video: { config: CodecConfig; key: string } | null = null;
  #audio: { config: CodecConfig; key: string } | null = null;

  key(config: CodecConfig | null): string {
    if (!config) return '';
    if (this.#video?.config !== config) this.#video = { config, key: configKey(config) };
    return this.#video.key;
  }

  /** The object that stood for an equal configuration of sound before, so that it can be told by identity. */
  same(config: CodecConfig | null): CodecConfig | null {
    if (!config || this.#audio?.config === config) return config;
    const key = configKey(config);
    if (this.#audio?.key !== key) this.#audio = { config, key };
    return this.#audio.config;
  }
}
