/** How far long work is: a bar with the time left on a terminal, plain lines elsewhere. On standard error, beside the results. */

const BAR = 24; // characters

/** Such as `1 h 5 min`, of whole units. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export class Progress {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #pauseMs: number;
  readonly #start = performance.now();
  #first: number | undefined; // what was done before this process began

  #shown = Number.NEGATIVE_INFINITY; // ms, when

  /** @param pause of what is shown many times a second: ms from one time to the next, on a terminal and elsewhere */
  constructor(total: number, stream: NodeJS.WriteStream = process.stderr, pause: readonly [number, number] = [0, 0]) {
    this.#total = total;
    this.#stream = stream;
    this.#pauseMs = pause[stream.isTTY ? 0 : 1];
  }

  /** @param done of the total @param what one line: what was just done */
  show(done: number, what: string): void {
    this.#first ??= Math.max(done - 1, 0);
    const now = performance.now();
    if (now - this.#shown < this.#pauseMs) return;
    this.#shown = now;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${done}/${this.#total}  ${what}\n`);
      return;
    }
    const filled = Math.round((BAR * done) / this.#total);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR - filled)}`;
    const text = `${bar} ${done}/${this.#total}  ${this.#timeLeft(done)}  ${what}`;
    this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  /** Takes the bar away, so that what follows begins on a line of its own. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }

  #timeLeft(done: number): string {
    const doneHere = done - (this.#first ?? 0);
    if (doneHere === 0) return "started";
    const seconds = (performance.now() - this.#start) / 1000;
    return `at most ${duration((seconds / doneHere) * (this.#total - done))} left`;
  }
}
