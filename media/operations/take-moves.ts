import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { MoveOrder, TakePlace } from '../protocol/moves.ts';
import { moveTake } from '../recorder/move-take.ts';
import { type MoveSide, resumedSide } from '../recorder/move-side.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import { operationDir } from '../recordings/paths.ts';
import type { Signer } from '../recordings/signer.ts';
import type { Turns } from './turns.ts';

export type TakeMovesHost = {
  dataDir: string;
  signer: Signer;
  log: Log;
  turns: Turns;
  nowMs: () => number;
  emit: (event: MediaEvent) => void;
  refuse: (dir: string) => HubError | null;
  live: (operationId: string) => OperationRecorder | null;
};

/** Moves takes between operations, whether they are live or have ended. */
export class TakeMoves {
  readonly #host: TakeMovesHost;
  readonly #underWay = new Set<string>();

  constructor(host: TakeMovesHost) {
    this.#host = host;
  }

  /** Ids of moves that wait for their turn or run now. */
  get underWay(): string[] {
    return [...this.#underWay];
  }

  /** Throws `not_found`, `conflict` with the field, `corrupt`, `disk_full`, `unavailable`. */
  async move(order: MoveOrder): Promise<TakePlace> {
    this.#underWay.add(order.moveId);
    try {
      return await this.#inTurn(order);
    } finally {
      this.#underWay.delete(order.moveId);
    }
  }

  #inTurn(order: MoveOrder): Promise<TakePlace> {
    const { turns, nowMs, log, emit } = this.#host;
    const { operationId } = order.from;
    const toOperationId = order.to.operationId;
    return turns.take([...new Set([operationId, toOperationId])], async () => {
      const from = await this.#side(operationId, 'operationId');
      try {
        const to = toOperationId === operationId ? from : await this.#side(toOperationId, 'toOperationId');
        try {
          const place = await moveTake(order, from, to, nowMs, log);
          emit({ type: 'take.moved', moveId: order.moveId, from: order.from, to: place });
          log.info({ moveId: order.moveId, from: order.from, to: place }, 'take moved');
          return place;
        } finally {
          if (to !== from) await to.close();
        }
      } finally {
        await from.close();
      }
    });
  }

  async #side(operationId: string, field: 'operationId' | 'toOperationId'): Promise<MoveSide> {
    const { dataDir, signer, refuse, live } = this.#host;
    const dir = operationDir(dataDir, operationId);
    const refusal = refuse(dir);
    if (refusal) throw refusal;
    const recorder = live(operationId);
    if (recorder) return recorder.moveSide();
    const side = await resumedSide(operationId, dir, signer);
    if (side.lines.some(({ type }) => type === 'operation.ended')) return side;
    await side.close();
    throw new HubError('conflict', `${field}: it has not ended, and cannot be taken up at the moment`, { field });
  }
}
