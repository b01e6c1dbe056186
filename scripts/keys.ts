/** Models of music + the test pieces of their sets in all twelve keys -> how much the key in which a piece stands matters to them. */
import { type PianoRoll, transposeRoll } from "../src/formats/piano-roll.ts";
import type { MusicModel } from "../src/model/music-model.ts";
import { isRoll } from "../src/training/batches.ts";
import { evaluate } from "../src/training/evaluate.ts";
import { setOf } from "./models.ts";

const SHIFTS = Array.from({ length: 12 }, (_, k) => k - 6); // semitones, -6 … 5

/** NLL in nats per frame, micro. */
export interface Keys {
  readonly model: string;
  readonly pieces: number;
  readonly inSetsKey: number;
  readonly inAllKeys: number; // the mean over SHIFTS
}

/** Scores the test pieces all of whose pitches stay among the model's in every key. */
export async function keys(model: MusicModel): Promise<Keys> {
  const { test, inputs } = await setOf(model);
  const pieces = test.filter(isRoll).filter((roll) => staysWithin(roll, inputs));
  const nlls: number[] = [];
  for (const shift of SHIFTS) {
    const { micro } = await evaluate(
      model,
      pieces.map((roll) => transposeRoll(roll, shift).roll),
    );
    nlls.push(micro);
  }
  return {
    model: model.id,
    pieces: pieces.length,
    inSetsKey: nlls[SHIFTS.indexOf(0)],
    inAllKeys: nlls.reduce((sum, nll) => sum + nll, 0) / SHIFTS.length,
  };
}

const staysWithin = ({ pitches }: PianoRoll, highest: number): boolean =>
  pitches.every((pitch) => pitch + SHIFTS[0] >= 1 && pitch + SHIFTS[SHIFTS.length - 1] <= highest);
