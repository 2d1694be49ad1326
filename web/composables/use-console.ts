import { z } from 'zod';
import { computed, onScopeDispose, reactive, ref, shallowReactive } from 'vue';
import {
  type Alarm,
  type AngleCreate,
  type GatewayState,
  type Mark,
  type Message,
  type SourceCreate,
  type Still,
  type Talk,
  AngleState,
  OperationView,
  SourceMade,
} from '../../server/protocol/http.ts';
import type { ConsoleRequests, HubEvents } from '../../server/protocol/socket.ts';
import { newPeerId, Signalling } from '../media/signalling.ts';
import { Talker } from '../media/talker.ts';
import { Viewer } from '../media/viewer.ts';
import { api } from './api.ts';
import { measureClock } from './clock-exchange.ts';
import { mergeMarks, mergeMessages } from './marks.ts';
import { useNow } from './use-now.ts';
import { operationsApi } from './use-operations.ts';
import { useShots } from './use-shots.ts';
import { useTalk } from './use-talk.ts';
import { useSession } from './use-session.ts';

type Joined = z.infer<ConsoleRequests['join']['result']>;
export type Connection = 'loading' | 'online' | 'offline' | 'failed';

/** One operation's live console: its state as the hub tells it, and a stream for each angle. */
export function useConsole(operationId: string) {
  const session = useSession();
  const { nowMs, readMs, sync, correct } = useNow();
  const operation = ref<OperationView | null>(null);
  /** What whoever is here may do with it. */
  const may = ref<string[]>([]);
  const connection = ref<Connection>('loading');
  const offlineSinceMs = ref<number | null>(null);
  const failure = ref<unknown>(null);
  const streams = shallowReactive(new Map<string, MediaStream>());
  const standing = reactive(new Map<string, Alarm>());
  const stills = reactive(new Map<string, Still>());
  const messages = reactive(new Map<string, Message>());
  const marks = reactive(new Map<string, Mark>());
  const alarms = computed(() => [...standing.values()].sort((one, other) => other.atMs - one.atMs));
  const peerId = newPeerId();

  const signalling = new Signalling<ConsoleRequests>('/console', async () => {
    const { socketToken, hubTimeMs } = await session.check();
    sync(hubTimeMs);
    return socketToken;
  });
  const viewer = new Viewer(signalling, (angleId, stream) => {
    if (stream) streams.set(angleId, stream);
    else streams.delete(angleId);
  });

  const talker = new Talker(signalling);
  const talk = ref<Talk | null>(null);
  const speech = useTalk(talker, talk);
  const shots = useShots(`/operations/${operationId}/shots`);

  function take(told: OperationView): void {
    operation.value = told;
    standing.clear();
    mergeMarks(marks, told.marks);
    mergeMessages(messages, told.messages);
    for (const still of told.stills) stills.set(still.stillId, still);
    for (const alarm of told.alarms) standing.set(alarm.alarmId, alarm);
  }

  /** Told while the hub was asked for the whole: which of the two is newer nobody knows, so it is heard after the answer once more. */
  let meanwhile: (() => void)[] | null = null;
  let joinAgain = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  async function join(): Promise<void> {
    if (meanwhile) {
      joinAgain = true;
      return;
    }
    clearTimeout(retry);
    meanwhile = [];
    try {
      const joined = await signalling.request('join', { peerId, operationId });
      may.value = joined.may;
      take(joined.operation);
      speech.hear(joined.talk);
      void shots.load();
      for (const hear of meanwhile.splice(0)) hear();
      connection.value = 'online';
      void measureClock(signalling).then((clock) => clock && correct(clock.offsetMs));
      if (joined.may.includes('live.watch')) await receive(joined);
    } catch (error) {
      failure.value = error;
      connection.value = operation.value ? 'offline' : 'failed';
      joinAgain = false;
      // a socket that is gone joins when it is back
      retry = setTimeout(() => void (signalling.socket.connected && join()), 2000);
    }
    meanwhile = null;
    if (joinAgain) {
      joinAgain = false;
      await join();
    }
  }

  /** Carry on with the pictures where the media plane still knows us, else begin anew. */
  async function receive(joined: Joined): Promise<void> {
    const mine = viewer.transportIds;
    if (joined.peerExists && mine.length > 0 && mine.every((id) => joined.transports.includes(id))) viewer.carryOn(joined.consumers);
    else if (joined.operation.status === 'live') {
      await viewer.reset(joined.rtpCapabilities);
      await talker.reset(joined.rtpCapabilities);
    }
    // in the order of the operation: what was told of before the page knew that came in any
    viewer.watchAll(operation.value?.angles ?? []);
  }

  function on<K extends keyof HubEvents>(name: K, hear: (told: HubEvents[K]) => void): void {
    signalling.on(name, (told) => {
      hear(told);
      meanwhile?.push(() => hear(told));
    });
  }

  signalling.socket.on('connect', () => void join());
  signalling.socket.on('disconnect', () => {
    offlineSinceMs.value = readMs();
    connection.value = 'offline';
  });
  signalling.socket.on('connect_error', () => {
    connection.value = operation.value ? 'offline' : 'loading';
  });
  on('angle', ({ state }) => {
    const angles = operation.value?.angles;
    const at = angles?.findIndex((angle) => angle.angleId === state.angleId) ?? -1;
    if (angles && at >= 0) angles[at] = state;
    else angles?.push(state);
    viewer.watch(state);
  });
  on('operation', (told) => {
    if (told.operation.operationId !== operationId) return;
    take(told.operation);
    for (const angle of told.operation.angles) viewer.watch(angle);
  });
  signalling.on('peer-closed', () => void join());
  on('alarm', (alarm) => standing.set(alarm.alarmId, alarm));
  on('mark', ({ mark }) => mergeMarks(marks, [mark]));
  on('still', ({ still }) => stills.set(still.stillId, still));
  on('talk', (told) => speech.hear(told.talk));
  signalling.on('shots', (told) => told.operationId === operationId && shots.take(told.list));
  on('message', ({ message }) => mergeMessages(messages, [message]));
  on('alarm-cleared', ({ alarmId }) => standing.delete(alarmId));
  signalling.connect();
  onScopeDispose(() => {
    clearTimeout(retry);
    viewer.close();
    signalling.close();
  });

  const sourceOf = (angleId: string): string => `/operations/${operationId}/angles/${angleId}/source`;
  const addCamera = (angleId: string, camera: SourceCreate) => api(SourceMade, 'POST', sourceOf(angleId), camera);
  const removeCamera = (angleId: string) => api(z.null(), 'DELETE', sourceOf(angleId));

  return {
    operation,
    may: (permission: string): boolean => may.value.includes(permission),
    connection,
    offlineSinceMs,
    failure,
    streams,
    alarms,
    marks,
    stills,
    messages,
    talk,
    speech,
    shots: shots.list,
    tickShot: (shotId: string, angleId: string) => shots.tick(shotId, { angleId, atMs: readMs() }),
    untickShot: shots.untick,
    nowMs,
    show: (angleId: string, heightPx: number) => viewer.show(angleId, heightPx),
    answerTakeover: (requestId: string, agree: boolean) => signalling.request('answerTakeover', { requestId, agree }),
    listen: (angleId: string | null) => viewer.hear(angleId),
    dismissAlarm: (alarmId: string) => signalling.request('dismissAlarm', { alarmId }),
    /** Mark this moment, of one angle or (null) of the operation as a whole. */
    mark: async (angleId: string | null) =>
      mergeMarks(marks, [await signalling.request('mark', { markId: newPeerId(), angleId, atMs: readMs(), text: null })]),
    labelMark: async (markId: string, text: string) => mergeMarks(marks, [await signalling.request('labelMark', { markId, text })]),
    sendMessage: async (message: Pick<Message, 'kind' | 'angleId' | 'text'>) =>
      mergeMessages(messages, [await signalling.request('sendMessage', { messageId: newPeerId(), ...message })]),
    answerCall: async (markId: string, text: string) => mergeMarks(marks, [await signalling.request('acknowledgeMark', { markId, text })]),
    addAngle: (angle: AngleCreate) => api(AngleState, 'POST', `/operations/${operationId}/angles`, angle),
    addCamera,
    /** Of an encoder that pushes: the key until now is void, and whoever pushes with it is cut off. */
    renewKey: async (angleId: string, protocol: GatewayState['protocol']) => {
      await removeCamera(angleId);
      return addCamera(angleId, { listen: protocol === 'srt' ? 'srt' : 'rtmp' });
    },
    removeCamera,
    packAgain: () => operationsApi.packAgain(operationId),
    end: async () => {
      take(await api(OperationView, 'POST', `/operations/${operationId}/end`));
    },
  };
}
