/** Long work gives way: between two of its steps it lets the runtime answer other requests. */

/** How long others wait at most, but for a single step. A pause takes 1 ms, so not every step has one. */
const MAX_TURN_MS = 10;
/** And for how many steps: on Workers the clock stands still while a request computes. */
const MAX_TURN_STEPS = 64;
let turnBegan = 0;
let steps = 0;

/** Between two steps of long work: if it is time, lets the runtime answer other requests first. */
export async function yieldToEventLoop(): Promise<void> {
  steps += 1;
  if (steps < MAX_TURN_STEPS && performance.now() - turnBegan < MAX_TURN_MS) return;
  steps = 0;
  await new Promise((resolve) => setTimeout(resolve));
  turnBegan = performance.now();
}
