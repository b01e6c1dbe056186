/** The notes of a MIDI file, compared with those that a model heard: when each sounds, and why some have no score of their own. */
import { type MidiNotes, midiClock } from "../formats/midi.ts";
import type { MusicModel } from "../model/music-model.ts";
import type { Bar, NoteTime, UnscoredNote } from "../schema/score.ts";
import { type ModelInput, onsets, type Piece } from "./piece.ts";

export interface FileNotes {
  /** When the file's note that begins at each onset sounds, in the order of `onsets`. */
  readonly times: readonly NoteTime[];
  readonly unscored: readonly UnscoredNote[];
  /** Where frame 0 begins, in quarter notes from the beginning of the file. */
  readonly startQuarters: number;
}

/** @param input what the model reads of the piece */
export function fileNotes(file: NonNullable<Piece["file"]>, model: MusicModel, input: ModelInput): FileNotes {
  const { notes, onGrid } = file;
  const { first, starts, ends } = onGrid(input.framesPerQuarter);
  const timeOf = timer(notes);
  const heard = new Map(onsets(input.roll).map(({ frame, pitch }, k) => [frame * 128 + pitch, k]));
  const times: NoteTime[] = [];
  const unscored: UnscoredNote[] = [];
  notes.pitches.forEach((pitch, i) => {
    const own = pitch + input.shift;
    const key = starts[i] * 128 + own;
    const k = heard.get(key);
    const isInFrame = ends[i] > starts[i];
    if (isInFrame && k !== undefined && times[k] === undefined) {
      times[k] = timeOf(i);
      return;
    }
    const isKnown = own >= 1 && own <= model.pitches;
    const reason = !isKnown ? "out-of-range" : !isInFrame ? "between-frames" : k === undefined ? "held" : "doubled";
    unscored.push({ pitch, frame: isKnown && isInFrame ? starts[i] : null, reason, ...timeOf(i) });
  });
  return { times, unscored, startQuarters: first / input.framesPerQuarter };
}

function timer(notes: MidiNotes): (i: number) => NoteTime {
  const { onsets, offsets, channels, tracks } = notes;
  const clock = midiClock(notes);
  return (i) => {
    const onsetSeconds = clock.seconds(onsets[i]);
    return {
      onsetQuarters: clock.quarters(onsets[i]),
      durationQuarters: clock.quarters(offsets[i] - onsets[i]),
      onsetSeconds,
      durationSeconds: clock.seconds(offsets[i]) - onsetSeconds,
      ...clock.place(onsets[i]),
      channel: channels[i],
      track: tracks[i],
    };
  };
}

/** More bars than a piece may have frames are no real bars. */
const MAX_BARS = 10_000;

/** The bars of a file from its first to its last note. */
export function barsOf(notes: MidiNotes): Bar[] {
  const clock = midiClock(notes);
  const end = notes.offsets.reduce((a, b) => Math.max(a, b));
  return clock.bars(end, MAX_BARS).map((tick) => ({ quarters: clock.quarters(tick), seconds: clock.seconds(tick) }));
}
