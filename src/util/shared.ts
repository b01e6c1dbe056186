/** Work that many callers want and that is done once, such as reading a file: the first begins it, the others wait for the same. */

/** A failure stands for so long; the next caller after that begins again. */
const RETRY_MS = 1000;
/** After this, work counts as lost: Workers may end the request in which it runs, without notice. */
const PATIENCE_MS = 10_000;

interface Run<T> {
  readonly result: Promise<T>;
  readonly began: number; // ms
  failedAt: number | undefined; // ms
}

export class Shared<T extends object> {
  readonly #work: () => Promise<T>;
  readonly #patienceMs: number;
  #last: Run<T> | undefined;
  #value: T | undefined;
  #error: unknown;

  /** @param patienceMs after which work counts as lost; if that is without end, no timer is set */
  constructor(work: () => Promise<T>, patienceMs = PATIENCE_MS) {
    this.#work = work;
    this.#patienceMs = patienceMs;
  }

  /** The result, once there is one. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Why there is none, where the last try failed. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * The result, for which the work is begun unless it is under way or done.
   * @param again begins it also right after a failure
   * @throws what the work throws
   */
  async result(again = false): Promise<T> {
    if (this.#value) return this.#value;
    const now = Date.now();
    const { failedAt, began } = this.#last ?? {};
    const isDue = failedAt === undefined ? now - (began ?? 0) >= this.#patienceMs : again || now - failedAt >= RETRY_MS;
    const run = this.#last && !isDue ? this.#last : this.#begin();
    if (run.failedAt !== undefined) return run.result;
    const lost = Promise.withResolvers<void>();
    const isPatient = this.#patienceMs === Number.POSITIVE_INFINITY;
    const timer = isPatient ? undefined : setTimeout(lost.resolve, run.began + this.#patienceMs - now);
    try {
      return await Promise.race([run.result, lost.promise.then(() => this.result())]);
    } catch (error) {
      if (this.#last === run) throw error;
      return await this.result(); // one was begun after it, which decides
    } finally {
      clearTimeout(timer);
    }
  }

  #begin(): Run<T> {
    const run: Run<T> = { result: this.#work(), began: Date.now(), failedAt: undefined };
    this.#last = run;
    run.result.then(
      (value) => {
        this.#value ??= value; // also of a run that was given up too soon
        this.#error = undefined;
      },
      (error) => {
        run.failedAt = Date.now();
        if (this.#last === run && !this.#value) this.#error = error;
      },
    );
    return run;
  }
}
