import type { RuledRoute } from '../http/permit.ts';
import { ROLES } from '../protocol/people.ts';
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
  const head = ['', ...ROLES.map((role) => `${role} ${NAMES[role]}`)];
  const table = (first: string, lines: string[][]): string[] => [
    `| ${[first, ...head.slice(1)].join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...lines.map((line) => `| ${line.join(' | ')} |`),
  ];
  const permissions = Object.entries(PERMISSIONS).map(([name, roles]) => [
    `\`${name}\``,
    ...ROLES.map((role) => ((roles as readonly string[]).includes(role) ? 'yes' : '')),
  ]);
  const events = Object.entries(consoleRights).map(([name, permission]) => `| \`${name}\` | \`${permission}\` on the operation joined |`);
  return [
    '# Who may do what',
    '',
    'Written by `node scripts/permissions.ts` from the rules in the code (`server/permission/rules.ts`, and beside the schema of each',
    'route and socket event); a test fails while this page says something else, and the hub does not start with a route that has no',
    'rule. A role is held in a squad or in the whole brigade. A rule "on the operation" asks for the role in one of the operation’s',
    'squads; a sensitive or secret operation is seen by its officers, leaders, the legal unit and custodians only. An operation that',
    'somebody may not see is answered as one that does not exist. Access tokens do what their owner may, and of that only what they',
    'were made for.',
    '',
    '## Roles',
    '',
    ...table('Permission', permissions),
    '',
    '## Routes',
    '',
    '`HEAD` as `GET`. "Logged": what the custody log has of it before it happens.',
    '',
    '| Route | Who | Logged |',
    '| --- | --- | --- |',
    ...rows.map(({ method, url, rule }) => `| \`${method} ${url}\` | ${who(rule)} | ${logged(rule)} |`),
    '',
    '## Socket events',
    '',
    '`/console`, for whoever is signed in:',
    '',
    '| Event | Who |',
    '| --- | --- |',
    ...events,
    '',
    '`/capture`, for phones: the right is the capture link, for its own angle only, and gone when the link is revoked:',
    '',
    `${Object.keys(captureRequests)
      .map((name) => `\`${name}\``)
      .join(', ')}.`,
    '',
  ].join('\n');
}

function who(rule: Rule): string {
  if (rule.by === 'anyone') return `anyone: ${rule.why}`;
  if (rule.by === 'link') return rule.why;
  if (rule.by === 'signed-in')
    return `whoever is signed in${rule.whileMustChange === true ? ', also with a password that must be changed' : ''}`;
  return `\`${rule.permission}\`${OF[rule.of]}`;
}

const OF = { operation: ' on the operation', hub: '', brigade: ' in the whole brigade' };

const logged = (rule: Rule): string => ('logged' in rule && rule.logged !== undefined ? `\`${rule.logged}\`` : '');
