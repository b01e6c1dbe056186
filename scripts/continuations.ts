/** Models of music -> how often they sample a chord that their training pieces have. */
import { type PianoRoll, pianoRoll } from "../src/formats/piano-roll.ts";
import type { MusicModel } from "../src/model/music-model.ts";
import { isRoll } from "../src/training/batches.ts";
import { uniform } from "../src/util/random.ts";
import { setOf } from "./models.ts";

const GIVEN = 16; // frames of each test piece that are read
const SAMPLED = 32; // frames that are sampled then, at temperature 1; the piece's number is the seed

/** Of the frames that are not silent, the share whose pitches sound together in a frame of the training pieces. */
export interface Continuations {
  readonly model: string;
  readonly frames: number; // sampled, not silent
  readonly known: number; // share of them
  readonly knownInTest: number; // the same share of the test pieces' own frames
}

export async function continuations(model: MusicModel): Promise<Continuations> {
  const { train, test } = await setOf(model);
  const rolls = test.filter(isRoll);
  const chords = new Set(train.filter(isRoll).flatMap(chordsOf));
  const sampled: string[] = [];
  for (const [i, roll] of rolls.entries()) sampled.push(...(await sample(model, firstFrames(roll, GIVEN), uniform(i))));
  const share = (frames: readonly string[]) => frames.filter((chord) => chords.has(chord)).length / frames.length;
  return {
    model: model.id,
    frames: sampled.length,
    known: share(sampled),
    knownInTest: share(rolls.flatMap(chordsOf)),
  };
}

async function sample(model: MusicModel, given: PianoRoll, draw: () => number): Promise<string[]> {
  let { state, next } = await model.advance(model.initialState(), given);
  const chords: string[] = [];
  for (let t = 0; t < SAMPLED; t++) {
    const frame = next.sample(draw, 1);
    if (frame.length > 0) chords.push(frame.join());
    ({ state, next } = await model.advance(state, pianoRoll([frame])));
  }
  return chords;
}

const firstFrames = ({ offsets, pitches }: PianoRoll, frames: number): PianoRoll => {
  const kept = offsets.slice(0, frames + 1);
  return { offsets: kept, pitches: pitches.slice(0, kept[kept.length - 1]) };
};

/** The pitches of each frame that is not silent, as text. */
const chordsOf = ({ offsets, pitches }: PianoRoll): string[] =>
  Array.from(offsets.subarray(1), (end, t) => pitches.subarray(offsets[t], end).join()).filter(Boolean);
