import { PeoplePage, PersonCreated, type RoleGrant, ROLES, Squads } from '../../server/protocol/people.ts';
import { call } from './hub.ts';
import { DEMO_PASSWORD, signIn } from './sign-in.ts';

const NAMES: Record<(typeof ROLES)[number], string> = {
  operator: '拍摄员 王芳',
  commander: '指挥员 李强',
  leader: '负责人 赵敏',
  reviewer: '复核 孙丽',
  legal: '法制股 周平',
  custodian: '保管员 吴刚',
  administrator: '管理员 郑洁',
};
const SQUAD = '一中队';

/** One user a role, of one squad; whoever works for all of them in the whole brigade. Made once a data folder. Resolves with the squad's id. */
export async function demoPeople(hub: { url: string }): Promise<string> {
  const { squads } = await call(hub, Squads, 'GET', '/squads');
  const { squadId } =
    squads.find(({ name }) => name === SQUAD) ?? (await call(hub, Squads.shape.squads.element, 'POST', '/squads', { name: SQUAD }));
  const { people } = await call(hub, PeoplePage, 'GET', '/people?size=200');
  const make = async (role: (typeof ROLES)[number]): Promise<void> => {
    const everywhere = role === 'legal' || role === 'administrator' || role === 'custodian';
    const roles: RoleGrant[] = [{ role, squadId: everywhere ? null : squadId }];
    const { password } = await call(hub, PersonCreated, 'POST', '/people', { login: role, name: NAMES[role], roles });
    await signIn(hub.url, role, password, DEMO_PASSWORD);
  };
  await Promise.all(ROLES.filter((role) => !people.some((each) => 'login' in each && each.login === role)).map(make));
  return squadId;
}

/** As they are printed. */
export const peopleLines = (): string[] => [
  `sign in as (password of all: "${DEMO_PASSWORD}"):`,
  ...ROLES.map((role) => `  ${role.padEnd(14)} ${NAMES[role]}`),
];
