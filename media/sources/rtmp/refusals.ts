import type { GatewayReason } from '../../protocol/gateway.ts';
import { type Amf, membersOf } from './amf0.ts';
import { reasonOf } from '../gateway/reasons.ts';

/**
 * Why a server refuses, from the information object of its `_error` or `onStatus` (RTMP 1.0, 7.2). Its words may repeat what
 * it was sent, keys too, so that nothing of them is passed on: they are only looked through for what is known.
 */
export function refusalOfRtmp(about: Amf | undefined): GatewayReason {
  const { code = '', description = '', ex = null } = membersOf(about);
  const words = typeof description === 'string' ? description.slice(0, 1000) : '';
  const name = typeof code === 'string' ? code : '';
  // Adobe's servers send elsewhere so
  if ('redirect' in membersOf(ex)) return reasonOf('redirected');
  if (/NotFound$|InvalidApp$/.test(name)) return reasonOf('no-such-stream');
  if (/Auth/.test(name) || /authmod=|code=403|(bad|wrong|invalid) (password|credentials|token)|authenti|authori[sz]/i.test(words))
    return reasonOf('password-refused');
  if (/not (found|exist)|no (such|one is publishing)|does ?n.t exist/i.test(words)) return reasonOf('no-such-stream');
  return reasonOf('stream-refused');
}
