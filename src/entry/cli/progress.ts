/** How far a long command is: a bar with the time left on a terminal, else a line now and then. */

/** Time between two reports, ms. */
const ON_TERMINAL = 100;
const ELSEWHERE = 10_000;
const BAR = 24; // characters

export interface Progress {
  /** One more is done. */
  step(): void;
  /** Prints a sentence on a line of its own. */
  say(sentence: string): void;
  /** Removes the bar. */
  end(): void;
}

/** @param what is counted, such as "files" */
export function progress(total: number, what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const began = performance.now();
  const pause = stream.isTTY ? ON_TERMINAL : ELSEWHERE;
  let done = 0;
  let shown = stream.isTTY ? Number.NEGATIVE_INFINITY : began;
  const clear = () => void (stream.isTTY && stream.write("\r\x1b[K"));

  function show(): void {
    const now = performance.now();
    if (now - shown < pause) return;
    shown = now;
    const left = timeText(((now - began) / done) * (total - done));
    const count = `${done} of ${total} ${what}`;
    if (!stream.isTTY) stream.write(`${count}, ${left} left\n`);
    else stream.write(`\r\x1b[K${barOf(done / total)} ${count}, ${left} left`);
  }

  return {
    step() {
      done += 1;
      show();
    },
    say(sentence) {
      clear();
      stream.write(`${sentence}\n`);
    },
    end: clear,
  };
}

const barOf = (share: number): string => "█".repeat(Math.round(share * BAR)).padEnd(BAR, "░");

/** Such as 45 s, 2:05 min or 1:02 h. @param ms at least 0 */
export function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (count: number) => String(count).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${two(seconds % 60)} min` : `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
}
