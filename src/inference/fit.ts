/** The NLL of a piece + that of a model's test pieces -> where it lies among them, and whether it is like them at all. */
import type { Warning } from "../errors.ts";
import type { MusicModel } from "../model/music-model.ts";

export interface Fit {
  readonly percentile?: number; // of the test pieces, those that surprised the model less
  readonly warnings: readonly Warning[];
}

/**
 * Where a piece lies among the test pieces of a model's set, by linear interpolation between their deciles. At another frame
 * rate than theirs it has no place among them, and a warning says so.
 * @param nll mean of the piece, nats per frame
 * @param framesPerQuarter at which the piece was read
 * @param adaptive whether the piece was scored adaptively; its place is then among the test pieces that were scored adaptively too
 * @returns undefined when nothing is known of the test pieces
 */
export function fitOf(
  model: MusicModel,
  nll: number,
  { framesPerQuarter, adaptive = false }: { framesPerQuarter: number; adaptive?: boolean },
): Fit | undefined {
  const { id, set, metrics } = model;
  const deciles = (adaptive ? metrics.adaptiveTest : metrics.test)?.deciles;
  if (!deciles) return undefined;
  if (framesPerQuarter !== model.framesPerQuarter) {
    const detail = `At framesPerQuarter ${framesPerQuarter} there is no percentile: the test pieces of ${set} were read at ${model.framesPerQuarter}.`;
    return { warnings: [{ code: "other-frame-rate", count: 1, detail }] };
  }
  const [least, most] = [deciles[0], deciles[deciles.length - 1]];
  if (nll < least || nll > most) {
    const [than, all] = nll < least ? ["less", `${least.toFixed(2)} or more`] : ["more", `${most.toFixed(2)} or less`];
    const detail = `At ${nll.toFixed(2)} nats a frame this piece is ${than} surprising than any test piece of ${set} (${all}): it is unlike the music that ${id} knows.`;
    return { percentile: nll < least ? 0 : 100, warnings: [{ code: "unlike-training-music", count: 1, detail }] };
  }
  const above = deciles.findIndex((decile, k) => k > 0 && nll <= decile);
  const [low, high] = [deciles[above - 1], deciles[above]];
  const share = high > low ? (nll - low) / (high - low) : 1;
  return { percentile: 10 * (above - 1 + share), warnings: [] };
}
