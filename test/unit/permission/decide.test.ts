import { describe, expect, it } from 'vitest';
import { type Actor, type Bounds, decide, permissionsOn, squadsWith } from '../../../server/permission/decide.ts';
import { onBrigade, onCase, onDevice, ONGOING, onHub, onOperation, signedIn } from '../../../server/permission/rules.ts';
import { OPERATION_STAGES } from '../../../server/protocol/cases.ts';
import type { RoleGrant } from '../../../server/protocol/people.ts';

const somebody = (grants: RoleGrant[], more: Partial<Actor> = {}): Actor => ({
  personId: 'pe-1',
  login: 'somebody',
  name: '某人',
  grants,
  mustChange: false,
  sessionHash: 'hash',
  sessionId: 'se-1',
  scopes: null,
  tokenId: null,
  ...more,
});
const near: RoleGrant[] = [{ role: 'commander', squadId: 'sq-near' }];
const bounds = (more: Partial<Bounds> = {}): Bounds => ({
  squadIds: ['sq-near'],
  confidentiality: 'internal',
  officerIds: [],
  state: 'live',
  ...more,
});
const watch = onOperation('live.watch').config.rule;

describe('who may do what with an operation', () => {
  it('whoever has the role in one of its squads, or in the whole brigade', () => {
    expect(decide(watch, somebody(near), bounds())).toBe('allowed');
    expect(decide(watch, somebody([{ role: 'commander', squadId: null }]), bounds())).toBe('allowed');
    expect(decide(watch, somebody([{ role: 'reviewer', squadId: 'sq-near' }]), bounds())).toBe('forbidden');
    // a role here and another there do not add up
    const both: RoleGrant[] = [
      { role: 'reviewer', squadId: 'sq-near' },
      { role: 'commander', squadId: 'sq-far' },
    ];
    expect(decide(watch, somebody(both), bounds())).toBe('forbidden');
  });

  it('all of it at once, as each would be decided', () => {
    const both: RoleGrant[] = [...near, { role: 'operator', squadId: 'sq-far' }];
    const here = permissionsOn(somebody(both), bounds());
    expect(here).toEqual(expect.arrayContaining(['operation.see', 'operation.run', 'live.watch', 'recording.view']));
    // a role in another squad is none here
    expect(permissionsOn(somebody(both), bounds({ squadIds: ['sq-far'] }))).toEqual(['operation.see', 'shot-list.see', 'device.see']);
    expect(permissionsOn(somebody(both), bounds({ squadIds: ['sq-none'] }))).toEqual([]);
    expect(permissionsOn(somebody(near, { scopes: ['operation.see'] }), bounds())).toEqual(['operation.see']);
    expect(permissionsOn(somebody(near), bounds({ confidentiality: 'secret' }))).toEqual([]);
  });

  it('to others it is as if it were not there', () => {
    const far = somebody([{ role: 'commander', squadId: 'sq-far' }]);
    expect(decide(watch, far, bounds())).toBe('unknown-operation');
    expect(decide(watch, far, null)).toBe('unknown-operation');
    expect(decide(watch, somebody(near), bounds({ squadIds: [] }))).toBe('unknown-operation'); // of no squad: the brigade's
  });

  it.each(['sensitive', 'secret'] as const)('%s: leaders, the legal unit, custodians and those who were on it', (confidentiality) => {
    expect(decide(watch, somebody(near), bounds({ confidentiality }))).toBe('unknown-operation');
    expect(decide(watch, somebody(near), bounds({ confidentiality, officerIds: ['pe-1'] }))).toBe('allowed');
    for (const role of ['leader', 'legal'] as const)
      expect(decide(watch, somebody([{ role, squadId: 'sq-near' }]), bounds({ confidentiality }))).toBe('allowed');
    // trusted in another squad is not trusted in this one
    const elsewhere = somebody([...near, { role: 'leader', squadId: 'sq-far' }]);
    expect(decide(watch, elsewhere, bounds({ confidentiality }))).toBe('unknown-operation');
  });
});

describe('who may do what with an operation as far as it has come', () => {
  const all = (rule: Parameters<typeof decide>[0], actor: Actor) => OPERATION_STAGES.map((state) => decide(rule, actor, bounds({ state })));

  it('where the rule says in which states; who has no right hears nothing of the state', () => {
    const link = onOperation('operation.run', 'link.made', ONGOING).config.rule;
    expect(all(link, somebody(near))).toEqual(['allowed', 'allowed', 'over', 'over']);
    const pack = onOperation('package.make', 'package.asked', { states: ['ended', 'sealed'] }).config.rule;
    expect(all(pack, somebody([{ role: 'leader', squadId: null }]))).toEqual(['too-early', 'too-early', 'allowed', 'allowed']);
    expect(new Set(all(pack, somebody(near)))).toEqual(new Set(['forbidden']));
    expect(new Set(all(link, somebody([{ role: 'commander', squadId: 'sq-far' }])))).toEqual(new Set(['unknown-operation']));
    expect(new Set(all(watch, somebody(near)))).toEqual(new Set(['allowed']));
  });
});

describe('rules of cases and devices', () => {
  const see = onCase('operation.see').config.rule;
  const plan = onCase('operation.plan').config.rule;

  it('a case is its squad’s, the brigade’s own is seen by all and changed by whoever plans for the brigade', () => {
    const far = somebody([{ role: 'commander', squadId: 'sq-far' }]);
    const own = bounds({ squadIds: [], brigades: true, state: null });
    expect([decide(see, far, bounds({ state: null })), decide(plan, far, bounds({ state: null }))]).toEqual([
      'unknown-case',
      'unknown-case',
    ]);
    expect([decide(see, far, own), decide(plan, far, own)]).toEqual(['allowed', 'forbidden']);
    expect(decide(plan, somebody([{ role: 'commander', squadId: null }]), own)).toBe('allowed');
    expect(decide(see, far, { ...own, confidentiality: 'secret' })).toBe('unknown-case');
    expect(decide(see, far, { ...own, confidentiality: 'secret', officerIds: ['pe-1'] })).toBe('allowed');
    const token = somebody([{ role: 'commander', squadId: null }], { scopes: ['operation.plan'], tokenId: 'to-1' });
    expect(decide(plan, token, own)).toBe('unknown-case'); // it may change nothing that it may not see
  });

  it('a device is its squad’s, and kept by its leader and custodian', () => {
    const keep = onDevice('device.keep').config.rule;
    expect(decide(keep, somebody(near), bounds())).toBe('forbidden');
    expect(decide(keep, somebody([{ role: 'custodian', squadId: 'sq-near' }]), bounds())).toBe('allowed');
    expect(decide(keep, somebody([{ role: 'custodian', squadId: 'sq-far' }]), bounds())).toBe('unknown-device');
    const both = somebody([...near, { role: 'custodian', squadId: 'sq-far' }]);
    expect(decide(keep, both, bounds())).toBe('forbidden'); // a role here and another there do not add up
  });
});

describe('rules beside operations', () => {
  it('a role in one squad is enough for what is the hub’s, not for what is the brigade’s', () => {
    const manager = somebody([{ role: 'administrator', squadId: 'sq-near' }]);
    expect(decide(onHub('people.see').config.rule, manager, null)).toBe('allowed');
    expect(decide(onBrigade('people.manage').config.rule, manager, null)).toBe('forbidden');
    expect(decide(onBrigade('people.manage').config.rule, somebody([{ role: 'administrator', squadId: null }]), null)).toBe('allowed');
  });

  it('nobody, and whoever must change a password, gets no further', () => {
    expect(decide(watch, null, bounds())).toBe('sign-in');
    const fresh = somebody(near, { mustChange: true });
    expect(decide(watch, fresh, bounds())).toBe('must-change');
    expect(decide(signedIn().config.rule, fresh, null)).toBe('must-change');
    expect(decide(signedIn({ whileMustChange: true }).config.rule, fresh, null)).toBe('allowed');
  });

  it('a token does what its owner may, of that only what it is for, and looks after nobody’s account', () => {
    const token = somebody(near, { scopes: ['operation.see', 'shot-list.edit'], tokenId: 'to-1', sessionHash: null });
    expect(decide(onOperation('operation.see').config.rule, token, bounds())).toBe('allowed');
    expect(decide(watch, token, bounds())).toBe('forbidden');
    expect(squadsWith(token, 'shot-list.edit')).toEqual([]); // its owner may not
    expect(decide(signedIn().config.rule, token, null)).toBe('forbidden');
  });
});
