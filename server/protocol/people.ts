import { z } from 'zod';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';

/** 拍摄员, 指挥员, 负责人, 复核, 法制股, 保管员, 管理员. */
export const ROLES = ['operator', 'commander', 'leader', 'reviewer', 'legal', 'custodian', 'administrator'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** A role in one squad, or (null) in the whole brigade. */
export const RoleGrant = z.object({ role: Role, squadId: Id.nullable() });
export type RoleGrant = z.infer<typeof RoleGrant>;

/** What somebody signs in with. Not case-sensitive. */
export const Login = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,39}$/, 'letters, digits, dot, hyphen and underscore, 2 to 40 of them');
/** Any characters, long rather than colourful (NIST SP 800-63B, 3.1.1.2). */
export const NewPassword = z.string().min(10).max(200);

export const Squad = z.object({ squadId: Id, name: Name, people: z.int() });
export type Squad = z.infer<typeof Squad>;
export const Squads = z.object({ squads: z.array(Squad) });
export const SquadCreate = z.object({ name: Name });

export const Person = z.object({
  personId: Id,
  login: z.string(),
  name: Name,
  /** 执法证号, where there is one. */
  badge: z.string().nullable(),
  state: z.enum(['active', 'blocked']),
  roles: z.array(RoleGrant),
  /** The password was given by an administrator: nothing else can be done before another is chosen. */
  mustChange: z.boolean(),
  totp: z.boolean(),
  createdMs: HubTimeMs,
  version: z.int(),
});
export type Person = z.infer<typeof Person>;
/** Somebody to be chosen; `squadIds`: where there is a role. */
const PersonName = Person.pick({ personId: true, name: true, badge: true }).extend({ squadIds: z.array(Id) });
/** With everything for whoever manages the brigade's people, and for nobody else. */
export const PersonListed = z.union([Person.extend(PersonName.shape), PersonName]);
export type PersonListed = z.infer<typeof PersonListed>;
export const PeoplePage = z.object({ people: z.array(PersonListed), total: z.int() });
const Badge = z.string().trim().max(40).nullable();
export const PersonCreate = z.object({ login: Login, name: Name, badge: Badge.default(null), roles: z.array(RoleGrant).max(60) });
/** `password`: given once, to be changed at the first sign-in. */
export const PersonCreated = z.object({ person: Person, password: z.string() });
/** What is not named stays. `version`: that which was read; whoever comes second is refused. Without it, nobody is. */
export const PersonChange = z.object({
  name: Name.optional(),
  badge: Badge.optional(),
  roles: z.array(RoleGrant).max(60).optional(),
  state: z.enum(['active', 'blocked']).optional(),
  version: z.int().optional(),
});

export const SignIn = z.object({
  login: z.string().min(1).max(100),
  password: z.string().min(1).max(200),
  /** Of the authenticator, where one is set up. */
  code: z.string().max(20).optional(),
});
export const PasswordChange = z.object({ current: z.string().min(1).max(200), next: NewPassword });

/** Whoever is signed in: what the screens may offer, and the token of the sockets. */
export const Me = z.object({
  person: Person,
  permissions: z.array(z.string()),
  /** Those of them that hold in the whole brigade. */
  brigade: z.array(z.string()),
  /** The squads in which the others hold. */
  squads: z.record(z.string(), z.array(Id)),
  socketToken: z.string(),
  hubTimeMs: HubTimeMs,
});
export type Me = z.infer<typeof Me>;

export const SessionItem = z.object({
  sessionId: Id,
  createdMs: HubTimeMs,
  seenMs: HubTimeMs,
  address: z.string(),
  device: z.string(),
  current: z.boolean(),
});
export type SessionItem = z.infer<typeof SessionItem>;

/** `permissions`: names of the table of permissions; a token does what its owner may, and of that only these. */
export const AccessTokenItem = z.object({
  tokenId: Id,
  name: Name,
  permissions: z.array(z.string()),
  createdMs: HubTimeMs,
  expiresMs: HubTimeMs,
  usedMs: HubTimeMs.nullable(),
});
export type AccessTokenItem = z.infer<typeof AccessTokenItem>;
export const AccessTokenList = z.object({ tokens: z.array(AccessTokenItem) });
/** `password`: of whoever makes it, once more. */
export const AccessTokenCreate = z.object({
  name: Name,
  permissions: z.array(z.string()).min(1).max(40),
  days: z.int().min(1).max(730),
  password: z.string().min(1).max(200),
});
/** What is done with one operation: who may not see it may do none of it. */
export const ABOUT_OPERATIONS: readonly string[] = [
  'operation.plan',
  'operation.run',
  'operation.label',
  'operation.seal',
  'operation.hand-over',
  'operation.keep',
  'package.make',
  'live.watch',
  'recording.view',
  'shot-list.see',
];
/** With `operation.see` where one of them is about operations: a token without it would be told that there is none. */
export const withSeeing = (permissions: readonly string[]): string[] =>
  permissions.some((each) => ABOUT_OPERATIONS.includes(each)) ? [...new Set(['operation.see', ...permissions])] : [...permissions];
/** `token`: told once, here. */
export const AccessTokenMade = z.object({ token: z.string(), item: AccessTokenItem });

/** For an authenticator app; set up once a code of it has been given. */
export const TotpSetup = z.object({ secret: z.string(), uri: z.string() });
export const TotpConfirm = z.object({ code: z.string().min(6).max(20) });
export const PasswordGiven = z.object({ password: z.string().min(1).max(200) });

/** `q`: a part of name or badge. Of login too, and by `role`, only for whoever manages the brigade's people. */
export const PeopleQuery = z.object({
  q: z.string().max(80).default(''),
  squad: Id.optional(),
  role: Role.optional(),
  state: Person.shape.state.optional(),
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  size: z.coerce.number().int().min(1).max(200).default(50),
});
export type PersonChange = z.infer<typeof PersonChange>;
/** Told to whoever made it, to be handed on and changed at the first sign-in. */
export const OneTimePassword = z.object({ password: z.string() });
