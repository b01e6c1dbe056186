/** Long work gives way: between two of its steps it lets the runtime answer other requests. */

/** How long others wait at most, but for a single step. A pause takes 1 ms, so not every step has one. */
const LONGEST_TURN_MS = 10;
let turnBegan = 0;

/** Between two steps of long work: if it is time, lets the runtime answer other requests first. */
export async function letOthersIn(): Promise<void> {
  if (performance.now() - turnBegan < LONGEST_TURN_MS) return;
  await new Promise((resolve) => setTimeout(resolve));
  turnBegan = performance.now();
}
