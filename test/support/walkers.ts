import { type Role, ROLES } from '../../server/protocol/people.ts';
import { insertCase } from '../../server/store/cases.ts';
import type { Store } from '../../server/store/database.ts';
import { insertDevice } from '../../server/store/devices.ts';
import { insertAngle, insertOperation, markEnded } from '../../server/store/operations.ts';
import { insertPerson, saveSquad, setPassword } from '../../server/store/people.ts';
import type { ConsoleRequests } from '../../server/protocol/socket.ts';

/** Somebody with one role, in the squad of what is asked for, in another one or (null) in the whole brigade; or nobody. */
export type Walker = { name: string; role: Role | null; squadId: string | null; onDuty: boolean; personId: string };

const NEAR = 'sq-near';
export const FAR = 'sq-far';
/** What is asked for, all of the near squad; one is a secret to those who were not on it, one has ended. */
export const OPERATIONS = { plain: '20260101-aaaaaaaa', secret: '20260101-bbbbbbbb', ended: '20260101-cccccccc' } as const;
/** Likewise; one is of no squad. */
export const CASES = { near: 'cs-aaaaaaaa', secret: 'cs-bbbbbbbb', brigades: 'cs-cccccccc' } as const;
export const DEVICE = 'de-aaaaaaaa';
const ANGLE = 'an-aaaaaaaa';

/** Every role in every place, a commander who is on the secret operation, and nobody; beside them somebody who manages people. */
export async function walkersIn(store: Store): Promise<Walker[]> {
  const nowMs = Date.now();
  await saveSquad(store, NEAR, '一中队', { nowMs });
  await saveSquad(store, FAR, '二中队', { nowMs });
  const walkers: Walker[] = [{ name: 'nobody', role: null, squadId: null, onDuty: false, personId: '' }];
  for (const role of ROLES)
    for (const [where, squadId] of [
      ['near', NEAR],
      ['far', FAR],
      ['brigade', null],
    ] as const)
      // prettier-ignore
      walkers.push({ name: `${role}, ${where}`, role, squadId, onDuty: false, personId: `pe-${role}-${where}` });
  walkers.push({ name: 'commander, on duty', role: 'commander', squadId: NEAR, onDuty: true, personId: 'pe-on-duty' });
  for (const { personId, role, squadId } of [...walkers, { personId: 'pe-root', role: 'administrator' as const, squadId: null }]) {
    if (role === null) continue;
    const person = { personId, login: personId, name: role, badge: null, roles: [{ role, squadId }], passwordHash: 'none' };
    await insertPerson(store, person, nowMs);
    await setPassword(store, personId, 'none', null);
  }
  return walkers;
}

/** What they ask for, all of the near squad: operations, cases, a device. */
export async function furnishedFor(store: Store): Promise<void> {
  const nowMs = Date.now();
  for (const [name, operationId] of Object.entries(OPERATIONS)) {
    const confidentiality = name === 'secret' ? ('secret' as const) : ('internal' as const);
    const officers = [{ personId: 'pe-on-duty', name: '李强' }];
    const facts = { confidentiality, squadIds: [NEAR], officers, planned: false, who: null };
    await insertOperation(store, { operationId, name: `行动 ${name}`, openedMs: nowMs, segmentMs: 4000 }, facts);
    await insertAngle(store, operationId, ANGLE, '东门');
  }
  await markEnded(store, OPERATIONS.ended, nowMs);
  for (const [name, caseId] of Object.entries(CASES)) {
    const confidentiality = name === 'secret' ? ('secret' as const) : ('internal' as const);
    const facts = { number: name, cause: '占道经营', parties: [], stage: 'filing' as const, confidentiality };
    await insertCase(store, caseId, { ...facts, squadId: name === 'brigades' ? null : NEAR }, { personId: 'pe-on-duty', nowMs });
  }
  const device = { squadId: NEAR, type: 'phone' as const, serial: 'SN-1', model: 'T8', ownerId: null, state: 'in-service' as const };
  await insertDevice(store, DEVICE, device, nowMs);
}

const transport = { transportId: 'tr-1' };
const rtpParameters = { codecs: [], headerExtensions: [], encodings: [{ ssrc: 1 }], rtcp: {} };
/** What each event of the console is asked with. */
export const EVENT_PARAMS: Record<keyof ConsoleRequests, object> = {
  join: {},
  createTransport: { direction: 'recv' },
  connectTransport: { ...transport, dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }] } },
  restartIce: transport,
  clock: { t0: 1 },
  consume: { ...transport, angleId: 'an-aaaaaaaa', rtpCapabilities: { codecs: [], headerExtensions: [] } },
  resumeConsumer: { consumerId: 'co-1' },
  pauseConsumer: { consumerId: 'co-1' },
  showConsumer: { consumerId: 'co-1', heightPx: 0 },
  closeConsumer: { consumerId: 'co-1' },
  answerTakeover: { requestId: 'none', agree: true },
  dismissAlarm: { alarmId: 'none' },
  mark: { markId: 'mark-00000001', angleId: null, atMs: 1, text: '' },
  labelMark: { markId: 'mark-00000001', text: '' },
  startTalk: { ...transport, rtpParameters, talkId: 'talk-00000001', angleId: null },
  stopTalk: {},
  sendMessage: { messageId: 'message-00000001', kind: 'text', angleId: null, text: '你好' },
  acknowledgeMark: { markId: 'mark-00000001', text: '来了' },
};
