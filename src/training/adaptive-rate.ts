/** Checkpoint of music + validation pieces -> the rate of adaptive scoring under which the pieces cost least. */
import type { PianoRoll } from "../formats/piano-roll.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { MusicNetwork } from "../model/music-network.ts";
import { evaluate } from "./evaluate.ts";

/** Six a decade: validation is flat between two of them, within 0.01 nats a frame of the shipped models. */
const RATES = [1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500].map(
  (thousandths) => thousandths / 1000,
);

/** The search ends after this many rates without a better one: beyond the best one the NLL only grows. */
const PATIENCE = 2;

/** NLL of the validation pieces under one rate, nats per frame, micro. */
export interface RateTried {
  readonly rate: number;
  readonly valid: number;
}

/** The rates tried, from the lowest on; the best is not among the last PATIENCE unless RATES ran out. */
export async function tryAdaptiveRates(
  checkpoint: Checkpoint,
  kernel: WebAssembly.Module,
  pieces: readonly PianoRoll[],
): Promise<RateTried[]> {
  const tried: RateTried[] = [];
  for (const rate of RATES) {
    const network = new MusicNetwork(withAdaptiveRate(checkpoint, rate), "", kernel);
    const { micro } = await evaluate({ score: (piece: PianoRoll) => network.adaptiveScore(piece) }, pieces);
    tried.push({ rate, valid: micro });
    if (tried.length - 1 - tried.indexOf(best(tried)) >= PATIENCE) break;
  }
  return tried;
}

/** The rate of the lowest NLL. */
export const best = (tried: readonly RateTried[]): RateTried =>
  tried.reduce((least, each) => (each.valid < least.valid ? each : least));

/** A checkpoint whose metadata name the rate. */
export const withAdaptiveRate = ({ metadata, ...rest }: Checkpoint, rate: number): Checkpoint => ({
  ...rest,
  metadata: { ...metadata, adaptiveRate: String(rate) },
});
