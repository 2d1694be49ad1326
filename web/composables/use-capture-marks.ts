import { computed, onScopeDispose, reactive, ref, type ShallowRef, shallowRef, watch } from 'vue';
import type { CaptureSession, Mark, Message, Talk } from '../../server/protocol/http.ts';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { newPeerId, type Signalling } from '../media/signalling.ts';
import { ApiFailure } from './api.ts';
import { mergeMarks, mergeMessages, messagesFor } from './marks.ts';
import { type Letter, Outbox } from './outbox.ts';
import { useShots } from './use-shots.ts';

export type JoinedNotes = { marks: Mark[]; messages: Message[]; talk: Talk | null; rtpCapabilities: Record<string, unknown> | null };

/** What the capture page's other half needs of the first: the way to the hub, and the time. */
export type CaptureLine = {
  session: ShallowRef<CaptureSession | null>;
  channel: ShallowRef<Signalling<CaptureRequests> | null>;
  /** What the hub knew of this angle when it was last joined. */
  joinedNotes: ShallowRef<JoinedNotes>;
  readMs: () => number;
};
/** A time that the page spent in the background, hub time. */
export type Hidden = { fromMs: number; toMs: number };
type MarkParams = Pick<Mark, 'markId' | 'kind' | 'atMs' | 'text'>;
/** A mark as its operator sees it: `waiting` until the hub has it on its disk. */
export type OwnMark = MarkParams & { state: 'waiting' | 'sent' | 'refused'; acknowledged: Mark['acknowledged'] };

const LABEL_MAX = 60;
/** Only these say that the hub will never take it. */
const FINAL = new Set(['gone', 'bad_request', 'forbidden', 'not_found', 'conflict']);

/** The operator's marks: kept on the phone until the hub has them, whatever the network does. */
export function useCaptureMarks({ session, channel, joinedNotes, readMs }: CaptureLine) {
  const known = reactive(new Map<string, Mark>());
  const messages = reactive(new Map<string, Message>());
  const filmed = reactive(new Set<string>());
  const letters = shallowRef<Letter[]>([]);
  const refused = reactive(new Map<string, MarkParams>());
  const connected = ref(false);
  let outbox: Outbox | null = null;
  const shots = useShots('/capture/shots');

  watch(
    () => session.value && `fieldhub.outbox.${session.value.operationId}.${session.value.angleId}`,
    (key) => {
      outbox?.close();
      outbox =
        key === null
          ? null
          : new Outbox({ storage: localStorage, key, send, isFinal, changed: (now) => (letters.value = now), refused: giveUp });
    },
    { immediate: true },
  );
  watch(
    channel,
    (made) => {
      connected.value = made?.socket.connected ?? false;
      made?.on('mark', ({ mark }) => mergeMarks(known, [mark]));
      made?.on('message', ({ message }) => hear([message]));
      made?.on('shots', ({ list }) => shots.take(list));
      made?.socket.on('connect', () => {
        connected.value = true;
        void shots.load();
        outbox?.flush();
      });
      made?.socket.on('disconnect', () => (connected.value = false));
    },
    { immediate: true, flush: 'sync' },
  );
  watch(
    joinedNotes,
    (told) => {
      mergeMarks(known, told.marks);
      hear(told.messages);
    },
    { immediate: true },
  );
  onScopeDispose(() => outbox?.close());

  async function send({ request, params }: Letter): Promise<void> {
    const line = channel.value;
    if (!line?.socket.connected) throw new ApiFailure('network', 'not connected');
    if (request === 'tickShot') await shots.tick((params as { shotId: string }).shotId, { atMs: (params as { atMs: number }).atMs });
    else if (request === 'seeMessage')
      mergeMessages(messages, [await line.request('seeMessage', params as { messageId: string; atMs: number })]);
    else if (request === 'noteHidden') await line.request('noteHidden', params as Hidden);
    else if (request === 'mark') mergeMarks(known, [await line.request('mark', params as MarkParams)]);
    else mergeMarks(known, [await line.request('labelMark', params as { markId: string; text: string })]);
  }
  function isFinal(error: unknown): boolean {
    return error instanceof ApiFailure && FINAL.has(error.code);
  }
  function giveUp({ request, params }: Letter): void {
    if (request === 'tickShot') void shots.load();
    if (request !== 'mark') return;
    const mark = params as MarkParams;
    refused.set(mark.markId, mark);
  }

  function hear(told: Message[]): void {
    const news = told.some(({ messageId }) => !messages.has(messageId));
    mergeMessages(messages, told);
    if (news && shown.value.fresh) navigator.vibrate?.([120, 60, 120, 60, 120]);
  }
  const isSeen = ({ messageId, seen }: Message): boolean =>
    seen.some(({ angleId }) => angleId === session.value?.angleId) || letters.value.some(({ id }) => id === `seen-${messageId}`);
  const shown = computed(() => messagesFor(messages.values(), isSeen, filmed));
  function see(messageId: string): void {
    outbox?.put({ id: `seen-${messageId}`, request: 'seeMessage', params: { messageId, atMs: readMs() } });
  }
  /** The page was in the background. */
  const hide = ({ fromMs, toMs }: Hidden): void =>
    outbox?.put({ id: `hidden-${fromMs}`, request: 'noteHidden', params: { fromMs, toMs } satisfies Hidden });
  /** What was to be filmed is filmed: the item of the list that was meant, or a mark that says so. */
  function film({ messageId, text }: Message): void {
    filmed.add(messageId);
    const meant = shots.list.value?.shots.find(({ zh, tick }) => zh === text && tick === null);
    if (meant) tick(meant.shotId);
    else mark('moment', 0, text.slice(0, LABEL_MAX));
  }
  function tick(shotId: string): void {
    if (ticking.value.has(shotId)) return;
    outbox?.put({ id: `shot-${shotId}-${newPeerId().slice(0, 8)}`, request: 'tickShot', params: { shotId, atMs: readMs() } });
    navigator.vibrate?.(40);
  }
  const ticking = computed(
    () => new Set(letters.value.flatMap(({ request, params }) => (request === 'tickShot' ? [(params as { shotId: string }).shotId] : []))),
  );

  /** `agoMs`: how long ago it was touched. */
  function mark(kind: Mark['kind'], agoMs = 0, text: string | null = null): string {
    const markId = newPeerId();
    const params: MarkParams = { markId, kind, atMs: readMs() - agoMs, text };
    outbox?.put({ id: markId, request: 'mark', params }, kind === 'blocked');
    navigator.vibrate?.(kind === 'blocked' ? [200, 80, 200] : 40);
    return markId;
  }

  function label(markId: string, text: string): void {
    if (outbox?.amend(markId, (letter) => ({ ...letter, params: { ...(letter.params as MarkParams), text } }))) return;
    outbox?.put({ id: `${markId}-label-${newPeerId().slice(0, 8)}`, request: 'labelMark', params: { markId, text } });
  }

  const own = computed<OwnMark[]>(() => {
    const found = new Map<string, OwnMark>();
    for (const params of refused.values()) found.set(params.markId, { ...params, state: 'refused', acknowledged: null });
    for (const { request, params } of letters.value)
      if (request === 'mark') found.set((params as MarkParams).markId, { ...(params as MarkParams), state: 'waiting', acknowledged: null });
    for (const { markId, kind, atMs, text, by, acknowledged } of known.values())
      if (by === 'operator') found.set(markId, { markId, kind, atMs, text, state: 'sent', acknowledged });
    for (const { request, params } of letters.value) {
      const { markId, text } = params as MarkParams;
      const labelled = request === 'labelMark' ? found.get(markId) : undefined;
      if (labelled) found.set(markId, { ...labelled, text });
    }
    return [...found.values()].toSorted((a, b) => a.atMs - b.atMs);
  });

  return {
    own,
    connected,
    waiting: computed(() => letters.value.length),
    mark,
    label,
    shown,
    see,
    film,
    hide,
    shots: shots.list,
    tick,
    ticking,
  };
}
