import { z } from 'zod';
import { computed, onScopeDispose, reactive, ref, shallowReactive } from 'vue';
import {
  type Alarm,
  type Mark,
  type Message,
  type SourceCreate,
  type Still,
  type Talk,
  AngleState,
  OperationView,
  PackageStatus,
  SourceMade,
} from '../../server/protocol/http.ts';
import type { ConsoleRequests } from '../../server/protocol/socket.ts';
import { newPeerId, Signalling } from '../media/signalling.ts';
import { Talker } from '../media/talker.ts';
import { Viewer } from '../media/viewer.ts';
import { api } from './api.ts';
import { measureClock } from './clock-exchange.ts';
import { mergeMarks, mergeMessages } from './marks.ts';
import { useNow } from './use-now.ts';
import { useTalk } from './use-talk.ts';
import { useSession } from './use-session.ts';

export type Connection = 'loading' | 'online' | 'offline' | 'failed';

/** One operation's live console: its state as the hub tells it, and a stream for each angle. */
export function useConsole(operationId: string) {
  const session = useSession();
  const { nowMs, readMs, sync, correct } = useNow();
  const operation = ref<OperationView | null>(null);
  const connection = ref<Connection>('loading');
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
  const viewer = new Viewer(signalling, (angleId, stream) => streams.set(angleId, stream));

  const talker = new Talker(signalling);
  const talk = ref<Talk | null>(null);
  const speech = useTalk(talker, talk);

  function take(told: OperationView): void {
    operation.value = told;
    standing.clear();
    mergeMarks(marks, told.marks);
    mergeMessages(messages, told.messages);
    for (const still of told.stills) stills.set(still.stillId, still);
    for (const alarm of told.alarms) standing.set(alarm.alarmId, alarm);
  }

  async function join(): Promise<void> {
    try {
      const joined = await signalling.request('join', { peerId, operationId });
      take(joined.operation);
      connection.value = 'online';
      void measureClock(signalling).then((clock) => clock && correct(clock.offsetMs));
      const mine = viewer.transportIds;
      const alive = joined.peerExists && mine.length > 0 && mine.every((id) => joined.transports.includes(id));
      speech.hear(joined.talk);
      if (joined.operation.status === 'live' && !alive) {
        await viewer.reset(joined.rtpCapabilities);
        await talker.reset(joined.rtpCapabilities);
      }
      for (const angle of joined.operation.angles) viewer.watch(angle);
    } catch (error) {
      failure.value = error;
      connection.value = operation.value ? 'offline' : 'failed';
      setTimeout(() => {
        if (signalling.socket.connected) void join();
      }, 2000);
    }
  }

  signalling.socket.on('connect', () => void join());
  signalling.socket.on('disconnect', () => {
    connection.value = 'offline';
  });
  signalling.socket.on('connect_error', () => {
    connection.value = operation.value ? 'offline' : 'loading';
  });
  signalling.on('angle', ({ state }) => {
    const angles = operation.value?.angles;
    const at = angles?.findIndex((angle) => angle.angleId === state.angleId) ?? -1;
    if (angles && at >= 0) angles[at] = state;
    else angles?.push(state);
    viewer.watch(state);
  });
  signalling.on('operation', (told) => {
    if (told.operation.operationId !== operationId) return;
    take(told.operation);
    for (const angle of told.operation.angles) viewer.watch(angle);
  });
  signalling.on('peer-closed', () => void join());
  signalling.on('alarm', (alarm) => standing.set(alarm.alarmId, alarm));
  signalling.on('mark', ({ mark }) => mergeMarks(marks, [mark]));
  signalling.on('still', ({ still }) => stills.set(still.stillId, still));
  signalling.on('talk', (told) => speech.hear(told.talk));
  signalling.on('message', ({ message }) => mergeMessages(messages, [message]));
  signalling.on('alarm-cleared', ({ alarmId }) => standing.delete(alarmId));
  signalling.connect();
  onScopeDispose(() => {
    viewer.close();
    signalling.close();
  });

  return {
    operation,
    connection,
    failure,
    streams,
    alarms,
    marks,
    stills,
    messages,
    talk,
    speech,
    nowMs,
    show: (angleId: string, heightPx: number) => viewer.show(angleId, heightPx),
    dismissAlarm: (alarmId: string) => signalling.request('dismissAlarm', { alarmId }),
    /** Mark this moment, of one angle or (null) of the operation as a whole. */
    mark: async (angleId: string | null) =>
      mergeMarks(marks, [await signalling.request('mark', { markId: newPeerId(), angleId, atMs: readMs(), text: null })]),
    labelMark: async (markId: string, text: string) => mergeMarks(marks, [await signalling.request('labelMark', { markId, text })]),
    sendMessage: async (message: Pick<Message, 'kind' | 'angleId' | 'text'>) =>
      mergeMessages(messages, [await signalling.request('sendMessage', { messageId: newPeerId(), ...message })]),
    answerCall: async (markId: string, text: string) => mergeMarks(marks, [await signalling.request('acknowledgeMark', { markId, text })]),
    addAngle: (name: string) => api(AngleState, 'POST', `/operations/${operationId}/angles`, { name }),
    addCamera: (angleId: string, camera: SourceCreate) =>
      api(SourceMade, 'POST', `/operations/${operationId}/angles/${angleId}/source`, camera),
    /** Of an encoder that pushes: the key until now is void, and whoever pushes with it is cut off. */
    renewKey: async (angleId: string, listen: 'rtmp' | 'srt') => {
      const path = `/operations/${operationId}/angles/${angleId}/source`;
      await api(z.null(), 'DELETE', path);
      return api(SourceMade, 'POST', path, { listen });
    },
    removeCamera: (angleId: string) => api(z.null(), 'DELETE', `/operations/${operationId}/angles/${angleId}/source`),
    packAgain: () => api(PackageStatus, 'POST', `/operations/${operationId}/package`),
    end: async () => {
      take(await api(OperationView, 'POST', `/operations/${operationId}/end`));
    },
  };
}
