/**
 * The work of one request: how much is done, how much is allowed, and whether anybody still waits for it. Long work says how
 * much it will be before it starts, and counts its steps; between two steps it lets others go first.
 */
import { expected, SurprisalError } from "../errors.ts";
import { yieldToEventLoop } from "./yield.ts";

/** Multiply-adds that are done, and that all of it will take as far as it has been planned. */
export type Progress = Pick<Work, "done" | "expected">;

export interface WorkOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** Multiply-adds that may be done, see model/cost.ts; without it any number. */
  readonly limit?: number | undefined;
  /** Lets others go first if it is time; the runtime's event loop unless a scheduler is given. */
  readonly pause?: ((work: Progress) => Promise<void>) | undefined;
}

export class Work {
  readonly limit: number;
  readonly #signal: AbortSignal | undefined;
  readonly #pause: (work: Progress) => Promise<void>;
  #done = 0;
  #expected = 0;

  constructor({ signal, limit = Number.POSITIVE_INFINITY, pause = yieldToEventLoop }: WorkOptions = {}) {
    this.limit = limit;
    this.#signal = signal;
    this.#pause = pause;
  }

  /** Multiply-adds of the steps so far. */
  get done(): number {
    return this.#done;
  }

  /** Multiply-adds that all of it will take, as far as it has been planned. */
  get expected(): number {
    return this.#expected;
  }

  get isAborted(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /**
   * Called before long work starts.
   * @param multiplyAdds that all of it will take
   * @param what it is, such as "16 models"
   * @throws SurprisalError `too-much-work` when that is more than may be done.
   */
  plan(multiplyAdds: number, what: string): void {
    this.#expected = Math.max(this.#expected, this.#done + multiplyAdds);
    if (this.#expected > this.limit) throw this.#tooMuch(`${billions(this.#expected)} for ${what}`);
  }

  /**
   * Called after each step of long work.
   * @param multiplyAdds that the step took
   * @throws the signal's reason once it is aborted, or an AbortError that quotes it; SurprisalError `too-much-work` when more is done than may be.
   */
  async step(multiplyAdds: number): Promise<void> {
    this.#done += multiplyAdds;
    this.#expected = Math.max(this.#expected, this.#done);
    this.#checkSignal();
    if (this.#done > this.limit) throw this.#tooMuch("more than that, which could not be foreseen");
    await this.#pause(this);
    this.#checkSignal();
  }

  /** Plans work that is done in one step, and counts it. @throws as plan and step */
  async single(multiplyAdds: number, what: string): Promise<void> {
    this.plan(multiplyAdds, what);
    await this.step(multiplyAdds);
  }

  #tooMuch(sum: string): SurprisalError {
    const wanted = `work of at most ${billions(this.limit)} multiply-adds, which a body of this size may ask for`;
    return new SurprisalError(
      "too-much-work",
      `${expected(wanted, sum)} Ask for fewer models or steps, or send a shorter piece or recording.`,
    );
  }

  #checkSignal(): void {
    if (!this.#signal?.aborted) return;
    const { reason } = this.#signal;
    throw reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
  }
}

const billions = (count: number) => `${(count / 1e9).toFixed(1)} billion`;
