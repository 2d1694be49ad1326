import { Message } from '../../media/protocol/messages.ts';
import type { Store } from './database.ts';

/** Enter a message, or who has seen it: what is older than what is known changes nothing. */
export async function saveMessage(store: Store, operationId: string, message: Message): Promise<void> {
  const { messageId, version } = message;
  const state = { at_ms: Math.round(message.atMs), version, data: JSON.stringify(message) };
  await store
    .insertInto('message')
    .values({ operation_id: operationId, message_id: messageId, ...state })
    .onConflict((oc) => oc.columns(['operation_id', 'message_id']).doUpdateSet(state).where('message.version', '<', version))
    .execute();
}

export async function messagesOf(store: Store, operationId: string): Promise<Message[]> {
  const rows = await store.selectFrom('message').where('operation_id', '=', operationId).select('data').orderBy('at_ms').execute();
  return rows.map(({ data }) => Message.parse(JSON.parse(data)));
}
