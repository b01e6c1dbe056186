/**
 * Notes in ticks -> frames on a grid, by sampling: a pitch is in frame t if it sounds at the sample point of frame t. A pitch
 * sounds or it does not (Boulanger-Lewandowski et al., ICML 2012).
 */
import { expected, SurprisalError, type Warning } from "../errors.ts";
import { FRAMES_PER_QUARTER, MAX_FRAMES, MAX_SILENT_FRAMES } from "../limits.ts";
import { hasBeat } from "./midi-beat.ts";
import type { MidiNotes } from "./midi-notes.ts";
import { counted } from "./midi-repairs.ts";
import type { PianoRoll } from "./piano-roll.ts";

/**
 * Where a frame is sampled, in frames after its grid point. The published sets were made by sampling, and this is the point at
 * which editions of the same pieces give most of their frames, in percent (JSB Chorales: 73 test chorales at sixteenths, also
 * with onsets that jitter by 5% of a quarter; Piano-midi.de: 11 pieces; Nottingham: 802 tunes):
 *
 * | sample point | 0 | 1/8 | 1/4 | 3/8 | 1/2 | 5/8 |
 * | --- | --- | --- | --- | --- | --- | --- |
 * | JSB Chorales | 98.7 | 98.7 | 98.2 | 98.2 | 46.1 | 46.1 |
 * | JSB Chorales with jitter | 13.2 | 95.7 | 98.3 | 97.2 | 55.8 | 46.1 |
 * | Piano-midi.de | 92.5 | 93.7 | 95.6 | 97.9 | 74.0 | 73.9 |
 * | Nottingham | 75.5 | | | 75.6 | 75.6 | 75.5 |
 *
 * No other edition of MuseData was to hand; it is taken to be made in the same way.
 */
export const SAMPLE_POINT = 3 / 8;

/** A file's notes on a grid, and how well they fit it. */
export interface Quantized {
  readonly roll: PianoRoll; // begins and ends with a frame that sounds
  readonly betweenFrames: number; // notes that cover no sample point, so that they are in no frame
  readonly offGrid: number; // onsets that lie between grid points, wherever the grid begins
  readonly first: number; // frames of the grid before the roll's first
  readonly starts: Float64Array; // (notes), frame of the roll in which each begins
  readonly ends: Float64Array; // (notes), the frame after its last; its start if it is in no frame
}

export interface GridOptions {
  readonly maxFrames?: number;
  readonly samplePoint?: number; // in frames, from 0 to below 1
}

/**
 * Lays notes on a grid that begins at tick 0. A note sounds from its onset until just before its offset; notes of one pitch that
 * overlap are one. The roll is cut to the first and the last frame that sounds.
 * @throws SurprisalError `too-large` when the notes span more than `maxFrames`, or when one silence is most of a long piece,
 *   `nothing-to-score` when no note covers a sample point, `malformed-request` for a grid out of range.
 */
export function quantize(
  notes: MidiNotes,
  framesPerQuarter: number,
  { maxFrames = MAX_FRAMES, samplePoint = SAMPLE_POINT }: GridOptions = {},
): Quantized {
  checkFramesPerQuarter(framesPerQuarter);
  const { ticksPerQuarter, pitches, onsets, offsets } = notes;
  // The first frame whose sample point is not before a tick. Ticks are whole and the point is in eighths: one division of
  // whole numbers, so nothing is lost where the grid's rate is whole too.
  const frameFrom = (tick: number) =>
    Math.ceil((8 * tick * framesPerQuarter - 8 * samplePoint * ticksPerQuarter) / (8 * ticksPerQuarter));
  const starts = onsets.map(frameFrom);
  const ends = offsets.map(frameFrom);

  let [first, end, betweenFrames] = [Number.POSITIVE_INFINITY, 0, 0];
  starts.forEach((start, i) => {
    if (start === ends[i]) betweenFrames++;
    else [first, end] = [Math.min(first, start), Math.max(end, ends[i])];
  });
  if (betweenFrames === starts.length) {
    const found = `${counted(betweenFrames, "note")} between the frames of a grid of ${framesPerQuarter} a quarter note`;
    throw new SurprisalError("nothing-to-score", `${expected("notes that last to a sample point", found)}`);
  }
  if (end - first > Math.min(maxFrames, MAX_SILENT_FRAMES)) {
    checkFrames(notes, framesPerQuarter, { frames: end - first, maxFrames });
  }
  return {
    roll: fill(pitches, starts, ends, { first, frames: end - first }),
    betweenFrames,
    offGrid: countOffGrid(notes, framesPerQuarter),
    first,
    starts: starts.map((frame) => frame - first),
    ends: ends.map((frame) => frame - first),
  };
}

/** @param starts in frames of the grid, as `ends`; the roll has the frames from `first` on. */
function fill(
  pitchOf: Uint8Array,
  starts: Float64Array,
  ends: Float64Array,
  { first, frames }: { first: number; frames: number },
): PianoRoll {
  const sounds = new Uint8Array(frames * 128); // (frames, 128), 0 or 1
  const offsets = new Uint32Array(frames + 1);
  const filled = new Float64Array(128); // frame to which a pitch is done, so that no cell is visited twice
  pitchOf.forEach((pitch, i) => {
    const end = ends[i] - first;
    for (let t = Math.max(starts[i] - first, filled[pitch]); t < end; t++) {
      sounds[t * 128 + pitch] = 1;
      offsets[t + 1]++;
    }
    if (ends[i] > starts[i]) filled[pitch] = Math.max(filled[pitch], end);
  });
  for (let t = 0; t < frames; t++) offsets[t + 1] += offsets[t];

  const pitches = new Uint8Array(offsets[frames]);
  let count = 0;
  for (let cell = 0; cell < sounds.length; cell++) {
    if (sounds[cell] === 1) pitches[count++] = cell % 128;
  }
  return { offsets, pitches };
}

/**
 * Onsets that no grid of these frames takes in with most of the others: a piece that is late as a whole, by a recorder's delay,
 * say, has none. An onset is on a grid less than half a tick from its point: the file could not have said it more exactly.
 */
function countOffGrid({ onsets, ticksPerQuarter }: MidiNotes, framesPerQuarter: number): number {
  const ticksPerFrame = ticksPerQuarter / framesPerQuarter;
  // After the grid point before, ascending, and once around again.
  const phases = onsets.map((tick) => tick - Math.floor(tick / ticksPerFrame) * ticksPerFrame).sort();
  const around = [...phases, ...phases.map((phase) => phase + ticksPerFrame)];
  let [most, from] = [0, 0];
  around.forEach((phase, i) => {
    while (phase - around[from] >= 1) from++;
    most = Math.max(most, i - from + 1);
  });
  return onsets.length - Math.min(most, onsets.length);
}

/** Names the silence that makes a piece too long, where it is most of the piece: one note hours after the others, say. */
function checkFrames(
  notes: MidiNotes,
  framesPerQuarter: number,
  { frames, maxFrames }: { frames: number; maxFrames: number },
): void {
  const { onsets, offsets, ticksPerQuarter } = notes;
  let [sounding, silence, from, at] = [offsets[0], 0, 0, 0];
  onsets.forEach((onset, i) => {
    if (onset - sounding > silence) [silence, from, at] = [onset - sounding, sounding, i];
    sounding = Math.max(sounding, offsets[i]);
  });
  const isMostlySilent = silence > (sounding - onsets[0]) / 2;
  const limit = isMostlySilent ? Math.min(maxFrames, MAX_SILENT_FRAMES) : maxFrames;
  if (frames <= limit) return;
  const sentence = expected(
    `at most ${limit} frames`,
    `${frames} at ${counted(framesPerQuarter, "frame")} a quarter note`,
  );
  if (!isMostlySilent) throw new SurprisalError("too-large", sentence);
  const quarters = (ticks: number) => Math.round(ticks / ticksPerQuarter).toLocaleString("en-US");
  const after = onsets.length - at;
  const rest = after === 1 ? "the last note" : `the last ${after} notes`;
  const cause = `${quarters(silence)} quarters of silence lie between quarter ${quarters(from)} and ${rest}`;
  throw new SurprisalError("too-large", `${sentence.slice(0, -1)}: ${cause}.`);
}

/** What a grid does to a file's notes, for the reader of its score. */
export function gridWarnings(
  { betweenFrames, offGrid }: Quantized,
  framesPerQuarter: number,
  notes: MidiNotes,
): Warning[] {
  const count = notes.pitches.length;
  const grid = `at ${counted(framesPerQuarter, "frame")} a quarter note`;
  const warnings: Warning[] = [];
  if (betweenFrames > 0) {
    const fall = betweenFrames === 1 ? "falls" : "fall";
    const detail = `${betweenFrames} of ${counted(count, "note")} ${fall} between frames ${grid}; a higher framesPerQuarter reads more, but no model was trained at another rate than its own.`;
    warnings.push({ code: "notes-between-frames", count: betweenFrames, detail });
  }
  if (!hasBeat(notes)) {
    const detail = `The onsets of ${counted(count, "note")} follow no beat and the tempo is MIDI's default, as in a recorded performance: frames of this file are not the note values that models know.`;
    warnings.push({ code: "no-beat", count, detail });
  } else if (offGrid > 0) {
    const lie = offGrid === 1 ? "lies" : "lie";
    const detail = `${offGrid} of ${counted(count, "onset")} ${lie} between grid points ${grid}.`;
    warnings.push({ code: "onsets-off-grid", count: offGrid, detail });
  }
  return warnings;
}

/** @throws SurprisalError `malformed-request` */
export function checkFramesPerQuarter(framesPerQuarter: number): void {
  const { min, max } = FRAMES_PER_QUARTER;
  if (!(framesPerQuarter >= min && framesPerQuarter <= max)) {
    throw new SurprisalError("malformed-request", expected(`framesPerQuarter from ${min} to ${max}`, framesPerQuarter));
  }
}
