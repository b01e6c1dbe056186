/** The longest delay of a timer, ms, nearly 25 days: runtimes fire one with a longer delay at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Seconds, which may be infinite -> the delay of a timer: whole milliseconds. */
export const timerMs = (seconds: number): number => Math.min(Math.ceil(1000 * seconds), MAX_TIMER_MS);
