import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
/** Of a peer-reflexive candidate, component 1 (RFC 8445, 5.1.2.1). */
const PRIORITY = (110 << 24) | (65_535 << 8) | 255;
const TIE_BREAKER = randomBytes(8);

/**
 * A connectivity check of a controlling agent that nominates at once (RFC 8445, 7.2.2; RFC 8489 for the format): all that
 * is needed towards a server of ICE lite with one address.
 */
export function bindingRequest(user: string, password: string): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(BINDING_REQUEST, 0);
  head.writeUInt32BE(MAGIC, 4);
  randomBytes(12).copy(head, 8);
  const priority = Buffer.alloc(4);
  priority.writeUInt32BE(PRIORITY >>> 0);
  const body = [
    attribute(0x0006, Buffer.from(user)),
    attribute(0x0024, priority),
    attribute(0x802a, TIE_BREAKER), // ICE-CONTROLLING
    attribute(0x0025, Buffer.alloc(0)), // USE-CANDIDATE
  ];
  let message = Buffer.concat([head, ...body]);
  // both checks cover a length that counts them in (RFC 8489, 14.5 and 14.7)
  message.writeUInt16BE(message.length - 20 + 24, 2);
  message = Buffer.concat([message, attribute(0x0008, createHmac('sha1', password).update(message).digest())]);
  message.writeUInt16BE(message.length - 20 + 8, 2);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(message) ^ 0x5354554e) >>> 0);
  return Buffer.concat([message, attribute(0x8028, fingerprint)]);
}

/** Whether this is the answer to a check that went well. */
export const isBindingSuccess = (bytes: Buffer): boolean => bytes.length >= 20 && bytes.readUInt16BE(0) === BINDING_SUCCESS;

/** One attribute (RFC 8489, 14), padded to four bytes. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}
