/** A picture on its way to the hub. `owner`: the operation and angle that it is for. */
export type KeptStill = { stillId: string; owner: string; atMs: number; sha256: string; type: string; bytes: ArrayBuffer };

const NAME = 'fieldhub-stills';
const TABLE = 'stills';

/** Pictures that have not arrived yet, in IndexedDB, so that a reload loses none. Where that is forbidden, they live as long as the page. */
export class StillStore {
  #database: Promise<IDBDatabase> | null = null;

  async all(owner: string): Promise<KeptStill[]> {
    const kept = await this.#run<KeptStill[]>('readonly', (table) => table.getAll() as IDBRequest<KeptStill[]>).catch(
      (): KeptStill[] => [],
    );
    return kept.filter((still) => still.owner === owner);
  }

  async put(still: KeptStill): Promise<void> {
    await this.#run('readwrite', (table) => table.put(still)).catch(() => undefined);
  }

  async remove(stillId: string): Promise<void> {
    await this.#run('readwrite', (table) => table.delete(stillId)).catch(() => undefined);
  }

  async #run<T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    this.#database ??= open();
    const table = (await this.#database).transaction(TABLE, mode).objectStore(TABLE);
    return done(work(table));
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.addEventListener('upgradeneeded', () => void request.result.createObjectStore(TABLE, { keyPath: 'stillId' }));
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB')));
  });
}
