/** Work on an operation's journal as a whole waits for what came before it: taking it up, ending it, moving takes. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** `work`, once all that was begun before on any of these operations is over. */
  take<T>(operationIds: string[], work: () => Promise<T>): Promise<T> {
    const before = operationIds.map((id) => this.#last.get(id) ?? Promise.resolve());
    const done = Promise.allSettled(before).then(work);
    const over = done.then(
      () => undefined,
      () => undefined, // told to whoever asked for it
    );
    for (const id of operationIds) this.#last.set(id, over);
    void over.then(() => {
      for (const id of operationIds) if (this.#last.get(id) === over) this.#last.delete(id);
    });
    return done;
  }
}
