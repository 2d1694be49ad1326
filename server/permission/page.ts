import type { RuledRoute } from '../http/permit.ts';
import { type Role, ROLES } from '../protocol/people.ts';
import { consoleRights, captureRequests } from '../protocol/socket.ts';
import { PERMISSIONS, type Rule } from './rules.ts';

const NAMES: Record<(typeof ROLES)[number], string> = {
  operator: '拍摄员',
  commander: '指挥员',
  leader: '负责人',
  reviewer: '复核员',
  legal: '法制股',
  custodian: '保管员',
  administrator: '管理员',
};

/** docs/permissions.md: who may do what, by route and by socket event, as the code has it. */
export function permissionsPage(routes: RuledRoute[]): string {
  const shown = routes.filter(({ method, url }) => method !== 'HEAD' && method !== 'OPTIONS' && !url.startsWith('/api/docs'));
  const rows = shown.toSorted((a, b) => a.url.localeCompare(b.url) || a.method.localeCompare(b.method));
  const permissions = Object.entries(PERMISSIONS).map(([name, roles]) => [`\`${name}\``, ...ROLES.map((role) => markIf(roles, role))]);
  const events = Object.entries(consoleRights).map(([name, permission]) => [
    `\`${name}\``,
    ...ROLES.map((role) => markIf(PERMISSIONS[permission], role)),
    `\`${permission}\` on the operation joined`,
  ]);
  return [
    '# Who may do what',
    '',
    'Written by `node scripts/permissions.ts` from the rules in the code (`server/permission/rules.ts`, and beside the schema of each',
    'route and socket event); a test fails while this page says something else, and the hub does not start with a route that has no',
    'rule. A role is held in a squad or in the whole brigade. A rule "on the operation" (case, device) asks for the role in one of',
    'its squads; a case of no squad is the brigade’s own, and every squad sees it. What is sensitive or secret is seen by leaders,',
    'the legal unit, custodians, the officers of an operation and whoever entered a case only. What somebody may not see is',
    'answered as if it did not exist. Access tokens do what their owner may, and of that only what they were made for.',
    '',
    '## Roles',
    '',
    ...table('Permission', permissions),
    '',
    '## Routes',
    '',
    '`HEAD` as `GET`. ✓: this role may, held in a squad or in the whole brigade. ◆: held in the whole brigade only. Nothing in any',
    'column: no role is asked for. "State": of the operation, where one is asked for; what a step must find besides (nothing missing',
    'for a seal, nobody faster) is looked at where it is taken. "Logged": what the custody log has of it before it happens.',
    '',
    ...table(
      'Route',
      rows.map(({ method, url, rule }) => [`\`${method} ${url}\``, ...marks(rule), who(rule), states(rule), logged(rule)]),
      'Who',
      'State',
      'Logged',
    ),
    '',
    '## Socket events',
    '',
    '`/console`, for whoever is signed in:',
    '',
    ...table('Event', events, 'Who'),
    '',
    '`/capture`, for phones: the right is the capture link, for its own angle only, and gone when the link is revoked:',
    '',
    `${Object.keys(captureRequests)
      .map((name) => `\`${name}\``)
      .join(', ')}.`,
    '',
  ].join('\n');
}

/** One column a role, between a first and perhaps some last ones. */
function table(first: string, lines: string[][], ...last: string[]): string[] {
  const head = [first, ...ROLES.map((role) => `${role} ${NAMES[role]}`), ...last];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines.map((line) => `| ${line.join(' | ')} |`)];
}

const markIf = (roles: readonly Role[], role: Role, mark = '✓'): string => (roles.includes(role) ? mark : '');

/** What each role is for a route. */
function marks(rule: Rule): string[] {
  if (rule.by === 'anyone' || rule.by === 'link') return ROLES.map(() => '');
  if (rule.by === 'signed-in') return ROLES.map(() => '✓');
  return ROLES.map((role) => markIf(PERMISSIONS[rule.permission], role, rule.of === 'brigade' ? '◆' : '✓'));
}

function who(rule: Rule): string {
  if (rule.by === 'anyone') return `anyone: ${rule.why}`;
  if (rule.by === 'link') return rule.why;
  if (rule.by === 'signed-in')
    return `whoever is signed in${rule.whileMustChange === true ? ', also with a password that must be changed' : ''}`;
  return `\`${rule.permission}\`${OF[rule.of]}`;
}

const OF = { operation: ' on the operation', case: ' on the case', device: ' on the device', hub: '', brigade: ' in the whole brigade' };

const states = (rule: Rule): string => ('states' in rule ? (rule.states ?? []).join(', ') : '');
const logged = (rule: Rule): string => ('logged' in rule && rule.logged !== undefined ? `\`${rule.logged}\`` : '');
