/**
 * The work of one request: how much of it is done, and whether anybody still waits for it. What takes long counts its steps
 * here; between two steps it gives way to others, and stops when nobody waits any more.
 */
import { yieldToEventLoop } from "./yield.ts";

export interface WorkOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** Lets others go first if it is time; the runtime's event loop unless a scheduler is given. */
  readonly pause?: ((work: Work) => Promise<void>) | undefined;
}

export class Work {
  readonly #signal: AbortSignal | undefined;
  readonly #pause: (work: Work) => Promise<void>;
  #done = 0;

  constructor({ signal, pause = yieldToEventLoop }: WorkOptions = {}) {
    this.#signal = signal;
    this.#pause = pause;
  }

  /** Multiply-adds of the steps so far. */
  get done(): number {
    return this.#done;
  }

  get isAborted(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /**
   * Called after each step of long work.
   * @param multiplyAdds that the step took, or as many as take its time
   * @throws the signal's reason once it is aborted.
   */
  async step(multiplyAdds: number): Promise<void> {
    this.#done += multiplyAdds;
    this.#signal?.throwIfAborted();
    await this.#pause(this);
    this.#signal?.throwIfAborted();
  }
}
