/**
 * What reading MIDI files keeps of a set's rolls: `npm run reading`. Each test piece is written as a MIDI file, disturbed as
 * music is, and read back on the set's grid; and each piece is moved into twelve keys, from which its own is to be found again.
 * Prints two markdown tables; test/scripts/reading.test.ts holds their bounds.
 */
import { pathToFileURL } from "node:url";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { type MidiNotes, parseMidi, quantize, writeMidi } from "../src/formats/midi.ts";
import { frameCount, type PianoRoll, pianoRoll, toFrames, transposeRoll } from "../src/formats/piano-roll.ts";
import { pieceOfRoll } from "../src/inference/piece.ts";
import { shiftsBySet } from "../src/inference/shift.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import type { MusicModel } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { shiftsOf } from "../src/model/sets.ts";
import { loadMusicSet, MUSIC_SETS, type MusicSetName } from "../src/training/datasets.ts";
import { uniform } from "../src/util/random.ts";

/** Files have so many grid points for one of the set's: sixteenths where the set has quarters. */
const FINER = 4;

/** In so many frames an ornament takes the place of one note for a part of the frame. */
const ORNAMENT_SHARE = 0.2;

/** Quarters of a frame that an ornament takes: an appoggiatura the first, a passing note the last or the last two. */
const ORNAMENTS = [[0], [3], [2, 3]];

/** Standard deviation of onsets and offsets, in quarter notes. */
const JITTER_QUARTERS = 0.05;

const SEED = 1;

export interface Reading {
  readonly set: MusicSetName;
  readonly frames: number;
  readonly exact: number; // share of frames equal to the set's, of files as they were written
  readonly ornamented: number; // with notes between the sample points
  readonly disturbed: number; // with those, and jitter
}

/** Reads the test pieces of a set back in three ways. */
export async function measureReading(set: MusicSetName): Promise<Reading> {
  const { test, framesPerQuarter } = await loadMusicSet(set);
  const random = uniform(SEED);
  const equal = { exact: 0, ornamented: 0, disturbed: 0 };
  let frames = 0;
  for (const roll of test) {
    frames += frameCount(roll);
    const rate = framesPerQuarter * FINER;
    const plain = parseMidi(writeMidi(roll, { framesPerQuarter }));
    const ornamented = parseMidi(writeMidi(ornament(roll, random), { framesPerQuarter: rate }));
    equal.exact += equalFrames(roll, quantize(plain, framesPerQuarter).roll);
    equal.ornamented += equalFrames(roll, quantize(ornamented, framesPerQuarter).roll);
    equal.disturbed += equalFrames(roll, quantize(jitter(ornamented, random), framesPerQuarter).roll);
  }
  return {
    set,
    frames,
    exact: equal.exact / frames,
    ornamented: equal.ornamented / frames,
    disturbed: equal.disturbed / frames,
  };
}

/** The roll on a grid four times as fine, with notes that cover no sample point: it lies in the second quarter of a frame. */
function ornament(roll: PianoRoll, random: () => number): PianoRoll {
  const pick = (count: number) => Math.floor(random() * count);
  const frames = toFrames(roll);
  return pianoRoll(
    frames.flatMap((frame) => {
      const fine = Array.from({ length: FINER }, () => [...frame]);
      if (frame.length === 0 || random() >= ORNAMENT_SHARE) return fine;
      const note = pick(frame.length);
      const neighbour = frame[note] + (random() < 0.5 ? 2 : -2);
      for (const quarter of ORNAMENTS[pick(ORNAMENTS.length)]) fine[quarter][note] = neighbour;
      return fine;
    }),
  );
}

/** Moves both ends of every note, each by itself; normal, by Box and Muller. */
function jitter(notes: MidiNotes, random: () => number): MidiNotes {
  const deviation = JITTER_QUARTERS * notes.ticksPerQuarter;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const move = (tick: number) => Math.max(0, Math.round(tick + deviation * normal()));
  const onsets = notes.onsets.map(move);
  return { ...notes, onsets, offsets: notes.offsets.map((tick, i) => Math.max(onsets[i], move(tick))) };
}

/** Frames that two readings of a piece have in common, both laid from the first that sounds. */
function equalFrames(expected: PianoRoll, read: PianoRoll): number {
  const [wanted, got] = [toFrames(expected), toFrames(read)];
  const first = wanted.findIndex((frame) => frame.length > 0);
  return wanted.filter((frame, t) => `${frame}` === `${got[t - first] ?? []}`).length;
}

/** Keys from which a piece's own is to be found. */
const KEYS = 12;

/**
 * Moves each piece of a split down by the twelve greatest shifts of its set, the keys and registers in which people have such
 * pieces, and says in what share of all `auto` moves it back up.
 */
export async function measureKeys(
  set: MusicSetName,
  split: "valid" | "test",
  models: readonly MusicModel[],
): Promise<number> {
  const { [split]: rolls } = await loadMusicSet(set);
  const chosen = models.filter((model) => model.set === set);
  let found = 0;
  for (const shift of shiftsOf(set).slice(-KEYS)) {
    for (const roll of rolls) {
      const piece = pieceOfRoll(transposeRoll(roll, -shift).roll, DEFAULT_LIMITS);
      const shifts = await shiftsBySet(piece, chosen, chosen, { transpose: "auto" });
      found += Number(shifts.get(set)?.semitones === shift);
    }
  }
  return found / (KEYS * rolls.length);
}

const percent = (share: number) => (100 * share).toFixed(2);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log("| set | frames | as written | with ornaments | with ornaments and jitter |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const set of MUSIC_SETS) {
    const { frames, exact, ornamented, disturbed } = await measureReading(set);
    console.log(`| ${set} | ${frames} | ${percent(exact)} | ${percent(ornamented)} | ${percent(disturbed)} |`);
  }

  const models = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "music", ["*/*"]);
  console.log("\n| set | own key found, validation pieces | test pieces |");
  console.log("| --- | ---: | ---: |");
  for (const set of MUSIC_SETS) {
    const [valid, test] = [await measureKeys(set, "valid", models), await measureKeys(set, "test", models)];
    console.log(`| ${set} | ${percent(valid)} | ${percent(test)} |`);
  }
}
