/** Numbers of a model -> an error where one is not finite: weights can be finite and still too large for finite answers. */
import { expected, SurprisalError } from "../errors.ts";

/** @throws SurprisalError `malformed-checkpoint` when a number is infinite or not a number. */
export function checkFinite(id: string, numbers: ArrayLike<number>): void {
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isFinite(numbers[i])) {
      throw new SurprisalError("malformed-checkpoint", expected(`finite numbers from ${id}`, numbers[i]));
    }
  }
}
