import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { monitorEventLoopDelay } from 'node:perf_hooks';
import type { types } from 'mediasoup';
import type { EventLog, MediaHandlers } from '../protocol/channel.ts';
import type { HubClock } from '../time/hub-clock.ts';
import { uploadsDir } from '../recordings/paths.ts';
import type { WorkerPool } from '../sfu/workers.ts';
import type { Alarms } from './alarms.ts';
import type { Figures } from './figures.ts';
import type { Registry } from './registry.ts';

export type HandlerContext = {
  registry: Registry;
  alarms: Alarms;
  events: EventLog;
  clock: HubClock;
  workers: WorkerPool;
  figures: Figures;
  loop: ReturnType<typeof monitorEventLoopDelay>;
  dataDir: string;
};

/** What the media plane does for each request of the control plane. */
export function mediaHandlers({ registry, alarms, events, clock, workers, figures, loop, dataDir }: HandlerContext): MediaHandlers {
  return {
    hello: async () => ({ bootId: events.bootId, pid: process.pid, lastSeq: events.lastSeq, hubTimeMs: clock.nowMs() }),
    getState: async () => ({ hubTimeMs: clock.nowMs(), lastSeq: events.lastSeq, operations: registry.states() }),
    openOperation: async ({ operationId, name }) => (await registry.open(operationId, name)).state(),
    addAngle: async ({ operationId, angleId, name }) => {
      const operation = registry.get(operationId);
      await operation.recorder.addAngle(angleId, name);
      return operation.angle(angleId);
    },
    renameAngle: async ({ operationId, angleId, name }) => registry.get(operationId).renameAngle(angleId, name),
    removeAngle: async ({ operationId, angleId }) => {
      await registry.get(operationId).removeAngle(angleId);
      return {};
    },
    moveTake: async (order) => ({ to: await registry.moves.move(order) }),
    movesUnderWay: async () => ({ moveIds: registry.moves.underWay }),
    endOperation: async ({ operationId }) => registry.end(operationId),
    routerCapabilities: async ({ operationId }) => ({
      rtpCapabilities: registry.get(operationId).rtpCapabilities,
    }),
    createTransport: async ({ operationId, peerId, owner }) => registry.get(operationId).createTransport(peerId, owner),
    connectTransport: async ({ peerId, transportId, dtlsParameters }) => {
      await registry.peer(peerId).peer.connect(transportId, dtlsParameters as types.DtlsParameters);
      return {};
    },
    restartIce: async ({ peerId, transportId }) => {
      const transport = registry.peer(peerId).peer.transport(transportId);
      return { iceParameters: await transport.restartIce(), iceCandidates: transport.iceCandidates };
    },
    produce: async ({ peerId, transportId, angleId, kind, rtpParameters, sourceKind = 'phone', device }) => {
      const { operation, peer } = registry.peer(peerId);
      peer.device = device ?? peer.device;
      const track = { kind, rtpParameters: rtpParameters as unknown as types.RtpParameters };
      return { producerId: await operation.produce(peer, transportId, angleId, track, sourceKind) };
    },
    noteClock: async ({ peerId, offsetMs, roundTripMs }) => {
      const { operation, peer } = registry.peer(peerId);
      operation.noteClock(peer, { offsetMs, roundTripMs });
      return {};
    },
    notePreflight: async ({ operationId, preflight }) => ({
      atMs: await registry.get(operationId).recorder.notePreflight(preflight),
    }),
    noteHidden: async ({ operationId, ...hidden }) => {
      await registry.get(operationId).recorder.noteHidden(hidden);
      return {};
    },
    setProducerPaused: async ({ peerId, producerId, paused }) => {
      const producer = registry.peer(peerId).peer.producers.get(producerId);
      await (paused ? producer?.pause() : producer?.resume());
      return {};
    },
    consume: async ({ peerId, transportId, angleId, rtpCapabilities, own = false }) => {
      const { operation, peer } = registry.peer(peerId);
      if (own) operation.sources.assertOwned(angleId, peer.owner);
      return { consumers: await operation.consume(peer, transportId, angleId, rtpCapabilities as types.RtpCapabilities) };
    },
    angleTracks: async ({ operationId, angleId }) => ({ tracks: registry.get(operationId).angleTracks(angleId) }),
    watch: async (params) => registry.get(params.operationId).watch(params),
    resumeConsumer: async ({ peerId, consumerId }) => {
      await registry.peer(peerId).peer.consumers.get(consumerId)?.resume();
      return {};
    },
    pauseConsumer: async ({ peerId, consumerId }) => {
      await registry.peer(peerId).peer.consumers.get(consumerId)?.pause();
      return {};
    },
    showConsumer: async ({ peerId, consumerId, heightPx }) => {
      const { operation, peer } = registry.peer(peerId);
      await operation.show(peer, consumerId, heightPx);
      return {};
    },
    closeConsumer: async ({ peerId, consumerId }) => {
      registry.peer(peerId).peer.consumers.get(consumerId)?.close();
      return {};
    },
    peerState: async ({ peerId }) => {
      const peer = registry.findPeer(peerId)?.peer;
      return {
        exists: peer !== undefined,
        transports: peer?.transportIds ?? [],
        producers: [...(peer?.producers.keys() ?? [])],
        consumers: [...(peer?.consumers.keys() ?? [])],
        operationId: peer?.operationId ?? null,
        owner: peer?.owner ?? null,
        iceUfrags: peer?.iceUfrags ?? [],
      };
    },
    closePeer: async ({ peerId, reason }) => {
      await registry.findPeer(peerId)?.operation.closePeer(peerId, reason, null);
      return {};
    },
    sourceOwners: async ({ operationId }) => ({ owners: registry.get(operationId).sources.owners() }),
    replaceSource: async ({ operationId, angleId }) => {
      await registry.get(operationId).replaceSource(angleId);
      return {};
    },
    noteTakeover: async ({ operationId, ...takeover }) => {
      await registry.get(operationId).recorder.noteTakeover(takeover);
      return {};
    },
    closeOwned: async ({ owner, operationId }) => ({ closed: await registry.closeOwned(owner, operationId ?? null) }),
    owners: async () => ({ owners: registry.owners() }),
    addPlainSource: async ({ operationId, angleId, reuse }) => registry.get(operationId).addCamera(angleId, reuse ?? null),
    removePlainSource: async ({ operationId, angleId }) => {
      await registry.get(operationId).cameras.remove(angleId);
      return {};
    },
    addGateway: async ({ operationId, angleId, spec, again }) => registry.get(operationId).addGateway(angleId, spec, again),
    removeGateway: async ({ operationId, angleId }) => {
      await registry.get(operationId).gateways.remove(angleId);
      return {};
    },
    addMark: async ({ operationId, ...mark }) => {
      const { recorder } = registry.get(operationId);
      if (mark.angleId !== null) recorder.angle(mark.angleId);
      return recorder.marks.add(mark);
    },
    labelMark: async ({ operationId, markId, angleId, by, text }) =>
      registry.get(operationId).recorder.marks.label(markId, angleId, by, text),
    acknowledgeMark: async ({ operationId, markId, text }) => registry.get(operationId).recorder.marks.acknowledge(markId, text),
    addStill: async ({ operationId, upload, ...still }) => {
      const { recorder } = registry.get(operationId);
      recorder.angle(still.angleId);
      return recorder.stills.add(still, join(uploadsDir(dataDir), upload));
    },
    sendMessage: async ({ operationId, ...message }) => {
      const { recorder } = registry.get(operationId);
      if (message.angleId !== null) recorder.angle(message.angleId);
      return recorder.messages.send(message);
    },
    seeMessage: async ({ operationId, messageId, angleId, atMs }) =>
      registry.get(operationId).recorder.messages.seen(messageId, angleId, atMs),
    startTalk: async ({ peerId, transportId, rtpParameters, ...talk }) => {
      const { operation, peer } = registry.peer(peerId);
      if (talk.angleId !== null) operation.recorder.angle(talk.angleId);
      return { producerId: await operation.talk.start(peer, transportId, talk, rtpParameters as unknown as types.RtpParameters) };
    },
    stopTalk: async ({ peerId, reason }) => {
      const found = registry.findPeer(peerId);
      await found?.operation.talk.end(found.peer, reason);
      return {};
    },
    talkState: async ({ operationId }) => ({ talk: registry.get(operationId).talk.talk }),
    consumeTalk: async ({ peerId, transportId, angleId, rtpCapabilities }) => {
      const { operation, peer } = registry.peer(peerId);
      return { consumers: await operation.talk.consume(peer, transportId, angleId, rtpCapabilities as types.RtpCapabilities) };
    },
    resumeTalk: async ({ peerId, consumerId, angleId }) => {
      const { operation, peer } = registry.peer(peerId);
      await peer.consumers.get(consumerId)?.resume();
      operation.talk.heardBy(angleId);
      return {};
    },
    alarms: async () => ({ alarms: alarms.standing }),
    dismissAlarm: async ({ alarmId }) => {
      alarms.dismiss(alarmId);
      return {};
    },
    figures: async () => {
      const disk = await statfs(dataDir);
      const usage = await Promise.all(workers.slots.map(async (slot) => ({ slot, usage: await slot.worker.getResourceUsage() })));
      const dumps = await Promise.all(workers.slots.map(({ worker, server }) => Promise.all([worker.dump(), server.dump()])));
      const result = {
        eventLoopP99Ms: loop.percentile(99) / 1e6,
        eventLoopMaxMs: loop.max / 1e6,
        workers: usage.map(({ slot, usage: used }) => ({
          pid: slot.worker.pid,
          cpuSeconds: (used.ru_utime + used.ru_stime) / 1000,
          routers: slot.routers,
        })),
        recording: registry
          .states()
          .flatMap((state) => state.angles)
          .filter((angle) => angle.status === 'recording').length,
        routers: dumps.reduce((sum, [worker]) => sum + worker.routerIds.length, 0),
        webRtcTransports: dumps.reduce((sum, [, server]) => sum + server.webRtcTransportIds.length, 0),
        ...figures.totals(registry.states()),
        diskFreeBytes: disk.bavail * disk.bsize,
        rssBytes: process.memoryUsage.rss(),
      };
      loop.reset();
      return result;
    },
  };
}
