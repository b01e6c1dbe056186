/** MIDI files -> piano rolls on one grid, in C major or C minor or as they are: by the same reader as uploads. */
import { expected, SurprisalError } from "../../errors.ts";
import { type MidiNotes, parseMidi, quantize } from "../../formats/midi.ts";
import { checkFramesPerQuarter } from "../../formats/midi-grid.ts";
import { clipRoll, frameCount, type PianoRoll, transposeRoll } from "../../formats/piano-roll.ts";
import { sum } from "../../util/statistics.ts";
import { keyOf, shiftToC } from "./key.ts";
import { type CorpusFile, type CorpusPiece, hashOfParts, type Reading, readEach } from "./piece.ts";

export const KEYS = ["auto", "none"] as const;

export interface MusicOptions {
  readonly framesPerQuarter?: number | undefined; // the fewest that nearly all notes are in unless given
  /** auto: each piece is moved into C major or C minor, where the published sets stand; none: it stays where it is. */
  readonly key?: (typeof KEYS)[number];
  /** D where a model sets it: pitches above are left out. Else it is the highest pitch of the corpus. */
  readonly highestPitch?: number | undefined;
}

/** Frames a quarter note to choose from. */
const FRAME_RATES = [1, 2, 3, 4, 6, 8, 12];

/** Share of all notes that may lie between the frames of a grid: ornaments, the first notes of arpeggios. */
const BETWEEN_FRAMES = 0.05;

/**
 * Reads files of music.
 * @throws SurprisalError `malformed-request` for a frame rate out of range.
 */
export async function readMusic(
  files: readonly CorpusFile[],
  { framesPerQuarter, key = "auto", highestPitch }: MusicOptions = {},
): Promise<Reading> {
  if (framesPerQuarter !== undefined) checkFramesPerQuarter(framesPerQuarter);
  const scores = await readEach(files, async ({ file, read }) => ({ file, notes: parseMidi(await read()) }));
  const rate = framesPerQuarter ?? chooseFrameRate(scores.read.map(({ notes }) => notes));
  const { read, unread } = await readEach(scores.read, ({ file, notes }) => {
    const { roll, betweenFrames } = quantize(notes, rate);
    const shift = key === "auto" ? shiftToC(keyOf(roll)) : 0;
    const moved = transposeRoll(roll, shift);
    const clipped = clipRoll(moved.roll, highestPitch ?? 127);
    return {
      piece: pieceOf(file, clipped.roll),
      roll: clipped.roll,
      notes: notes.pitches.length,
      betweenFrames,
      leftOut: moved.leftOut + clipped.leftOut,
      isMoved: shift !== 0,
    };
  });
  const total = (name: "notes" | "betweenFrames" | "leftOut") => sum(read.map((each) => each[name]));
  const [between, leftOut] = [total("betweenFrames"), total("leftOut")];
  const chosen = framesPerQuarter === undefined ? ", the fewest that nearly all notes are in" : "";
  return {
    kind: "music",
    inputs: highestPitch ?? highestOf(read.map(({ roll }) => roll)),
    pieces: read.map(({ piece }) => piece),
    unread: [...scores.unread, ...unread],
    notes: [
      `Frames a quarter note: ${rate}${chosen}.`,
      ...(key === "auto"
        ? [`Pieces moved into C major or C minor: ${read.filter(({ isMoved }) => isMoved).length}.`]
        : []),
      ...(between > 0 ? [`Notes that lie between the frames, of ${total("notes")}: ${between}.`] : []),
      ...(leftOut > 0 ? [`Pitches of frames that were left out as too high or too low: ${leftOut}.`] : []),
    ],
    described: { framesPerQuarter: String(rate), key },
  };
}

/** The fewest frames a quarter note that nearly all notes of the corpus are in; the most of FRAME_RATES if none are enough. */
export function chooseFrameRate(scores: readonly MidiNotes[]): number {
  const notes = sum(scores.map(({ pitches }) => pitches.length));
  const lost = (rate: number) => sum(scores.map((score) => betweenFrames(score, rate)));
  return FRAME_RATES.find((rate) => lost(rate) <= BETWEEN_FRAMES * notes) ?? Math.max(...FRAME_RATES);
}

function betweenFrames(notes: MidiNotes, rate: number): number {
  try {
    return quantize(notes, rate).betweenFrames;
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    return error.code === "nothing-to-score" ? notes.pitches.length : 0; // too long: not to be read at this rate
  }
}

/** @throws SurprisalError `nothing-to-score` when it has nothing to predict */
function pieceOf(file: string, roll: PianoRoll): CorpusPiece {
  const frames = frameCount(roll);
  if (frames < 2) throw new SurprisalError("nothing-to-score", expected("at least 2 frames", frames));
  const lowest = roll.pitches.reduce((a, b) => Math.min(a, b), 127);
  const fromLowest = roll.pitches.map((pitch) => pitch - lowest); // the same in whatever key
  return { file, content: hashOfParts(roll.offsets, fromLowest), sequences: [roll] };
}

const highestOf = (rolls: readonly PianoRoll[]): number =>
  rolls.reduce((highest, { pitches }) => pitches.reduce((a, b) => Math.max(a, b), highest), 0);
