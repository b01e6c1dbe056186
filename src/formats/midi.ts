/**
 * MIDI files <-> piano rolls: bytes -> notes in ticks -> frames on a grid, and frames -> bytes. A pitch sounds in a frame or it
 * does not (Boulanger-Lewandowski et al., ICML 2012). Tempo plays no part: only ticks count.
 */

import { type MidiEvent, writeMidi as writeMidiFile } from "midi-file";
import { expected, SurprisalError, type Warning } from "../errors.ts";
import { FRAMES_PER_QUARTER, MAX_FRAMES, MIDI_LIMITS, type MidiLimits } from "../limits.ts";
import { readTracks } from "./midi-tracks.ts";
import { frameCount, type PianoRoll, pianoRoll } from "./piano-roll.ts";

/** The channels that are read by default: all but 10, the drums. */
export const MELODIC_CHANNELS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16];

/** Notes in the order of their onsets, at least one. */
export interface MidiNotes {
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
  readonly pitches: Uint8Array; // (notes), MIDI pitch 1…127
  readonly onsets: Float64Array; // (notes), ticks, ascending
  readonly offsets: Float64Array; // (notes), ticks, not before the onset
  readonly durationQuarters: number; // from the first onset to the last offset
  readonly tempo: number | undefined; // quarter notes a minute, of the first set-tempo
  readonly timeSignature: readonly [number, number] | undefined;
  readonly warnings: readonly Warning[];
}

interface Note {
  readonly channel: number; // 1…16
  readonly pitch: number; // 0…127
  readonly onset: number; // ticks
  offset: number; // ticks
  closed: boolean;
}

/**
 * Reads the notes of a file of format 0 or 1, bare or in a RIFF wrapper. A note-off ends the oldest note that sounds on its
 * track, channel and pitch; pedals and other controllers are not read.
 * @throws SurprisalError `malformed-midi`, `too-large`, `nothing-to-score` when no note is left, `malformed-request`.
 */
export function parseMidi(
  bytes: Uint8Array,
  {
    channels = MELODIC_CHANNELS,
    limits = {},
  }: { channels?: readonly number[] | undefined; limits?: Partial<MidiLimits> } = {},
): MidiNotes {
  const { bytes: maxBytes, notes: maxNotes } = { ...MIDI_LIMITS, ...limits };
  const odd = channels.find((channel) => !Number.isInteger(channel) || channel < 1 || channel > 16);
  if (odd !== undefined) {
    throw new SurprisalError("malformed-request", `MIDI channel ${odd} is chosen; wanted integers from 1 to 16.`);
  }
  if (bytes.length > maxBytes) {
    throw new SurprisalError("too-large", `The MIDI file has ${bytes.length} bytes; wanted at most ${maxBytes}.`);
  }

  const { ticksPerQuarter, tracks } = readTracks(bytes);
  const all = tracks.flatMap(readNotes);
  const chosen = all.filter(({ channel }) => channels.includes(channel));
  const notes = chosen.filter(({ pitch }) => pitch > 0).sort((a, b) => a.onset - b.onset);
  if (notes.length === 0) {
    const found = `The MIDI file has ${all.length} notes, ${chosen.length} of them on channels ${nameChannels(channels)}`;
    throw new SurprisalError("nothing-to-score", `${found}; wanted at least one there, of pitch 1 to 127.`);
  }
  if (notes.length > maxNotes) {
    throw new SurprisalError("too-large", `The MIDI file has ${notes.length} notes; wanted at most ${maxNotes}.`);
  }

  const offsets = Float64Array.from(notes, ({ offset }) => offset);
  const end = offsets.reduce((a, b) => Math.max(a, b));
  return {
    ticksPerQuarter,
    pitches: Uint8Array.from(notes, ({ pitch }) => pitch),
    onsets: Float64Array.from(notes, ({ onset }) => onset),
    offsets,
    durationQuarters: (end - notes[0].onset) / ticksPerQuarter,
    tempo: undefined,
    timeSignature: undefined,
    warnings: [],
  };
}

const nameChannels = (channels: readonly number[]) =>
  channels === MELODIC_CHANNELS ? "1 to 16 but 10" : channels.join(", ");

/** Pairs note-ons and note-offs of one track, first in, first out. A note-off that ends nothing is passed over. */
function readNotes(events: readonly MidiEvent[]): Note[] {
  const notes: Note[] = [];
  const queues = new Map<number, { notes: Note[]; closed: number }>(); // by channel and pitch
  let tick = 0;
  for (const event of events) {
    tick += event.deltaTime;
    if (event.type !== "noteOn" && event.type !== "noteOff") continue;
    const key = event.channel * 128 + event.noteNumber;
    const queue = queues.get(key) ?? { notes: [], closed: 0 };
    queues.set(key, queue);
    if (event.type === "noteOn") {
      const note = { channel: event.channel + 1, pitch: event.noteNumber, onset: tick, offset: tick, closed: false };
      queue.notes.push(note);
      notes.push(note);
    } else if (queue.closed < queue.notes.length) {
      const note = queue.notes[queue.closed++];
      note.offset = tick;
      note.closed = true;
    }
  }
  for (const note of notes) {
    if (!note.closed) note.offset = tick;
  }
  return notes;
}

/**
 * Where a frame is sampled, in frames behind its grid point. The sets were made by sampling, and 3/8 gives their own rolls back
 * best over all of them.
 */
export const SAMPLE_POINT = 3 / 8;

export interface Quantized {
  readonly roll: PianoRoll;
  readonly betweenFrames: number; // notes that cover no sample point, so they are in no frame
  readonly offGrid: number; // onsets that lie between grid points
}

/**
 * Samples notes on a grid that begins at tick 0: a pitch is in frame t if it sounds `samplePoint` frames behind grid point t.
 * The roll is cut to the first and the last frame that sounds.
 * @throws SurprisalError `too-large` when the notes span more than `maxFrames`, `malformed-request`.
 */
export function quantize(
  notes: MidiNotes,
  framesPerQuarter: number,
  { maxFrames = MAX_FRAMES, samplePoint = SAMPLE_POINT }: { maxFrames?: number; samplePoint?: number } = {},
): Quantized {
  checkFramesPerQuarter(framesPerQuarter);
  const { pitches: pitchOf, onsets, offsets: releases, ticksPerQuarter } = notes;
  const firstSampleFrom = (tick: number) => Math.ceil((tick * framesPerQuarter) / ticksPerQuarter - samplePoint - 1e-9);
  const starts = onsets.map(firstSampleFrom);
  const ends = releases.map(firstSampleFrom);
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  let [betweenFrames, offGrid] = [0, 0];
  for (let i = 0; i < starts.length; i++) {
    if (!Number.isInteger((onsets[i] * framesPerQuarter) / ticksPerQuarter)) offGrid += 1;
    if (ends[i] <= starts[i]) betweenFrames += 1;
    else [first, last] = [Math.min(first, starts[i]), Math.max(last, ends[i])];
  }
  if (first === Number.POSITIVE_INFINITY) [first, last] = [0, 0];
  const frames = last - first;
  if (frames > maxFrames) {
    throw new SurprisalError(
      "too-large",
      expected(`notes of at most ${maxFrames} frames at ${framesPerQuarter} frames a quarter note`, `${frames} frames`),
    );
  }
  const rows = Array.from({ length: frames }, (): number[] => []);
  for (let i = 0; i < starts.length; i++) {
    for (let t = starts[i]; t < ends[i]; t++) rows[t - first].push(pitchOf[i]);
  }
  return { roll: pianoRoll(rows), betweenFrames, offGrid };
}

/** What the grid does not show of the notes. */
export function gridWarnings(
  { betweenFrames, offGrid }: Quantized,
  framesPerQuarter: number,
  notes: number,
): Warning[] {
  const warnings: Warning[] = [];
  if (betweenFrames > 0) {
    const detail = `${betweenFrames} of ${notes} notes fall between frames at ${framesPerQuarter} frames a quarter note and are not scored.`;
    warnings.push({ code: "notes-between-frames", count: betweenFrames, detail });
  }
  if (offGrid > 0) {
    const detail = `${offGrid} of ${notes} onsets lie between grid points at ${framesPerQuarter} frames a quarter note.`;
    warnings.push({ code: "onsets-off-grid", count: offGrid, detail });
  }
  return warnings;
}

/** midi-file copies all it has written for a delta of two bytes (10,000 chords: 22 s against 22 ms), so frames are short. */
const TICKS_PER_FRAME = 24;

/**
 * Writes a file of format 0. A pitch that sounds on in the next frame is held. Read back at the same framesPerQuarter it is the
 * same roll, without silence at the ends.
 * @param options.tempo quarter notes a minute, 4 to 1000.
 * @throws SurprisalError `malformed-request`.
 */
export function writeMidi(
  roll: PianoRoll,
  { framesPerQuarter, tempo = 120 }: { framesPerQuarter: number; tempo?: number },
): Uint8Array<ArrayBuffer> {
  checkFramesPerQuarter(framesPerQuarter);
  if (!(tempo >= 4 && tempo <= 1000)) {
    throw new SurprisalError("malformed-request", `The tempo is ${tempo} quarter notes a minute; wanted 4 to 1000.`);
  }
  const ticksPerBeat = Math.max(1, Math.round(framesPerQuarter * TICKS_PER_FRAME));
  const frames = frameCount(roll);
  let tick = 0;
  const deltaTo = (frame: number) => {
    const before = tick;
    tick = Math.round((frame * ticksPerBeat) / framesPerQuarter);
    return tick - before;
  };

  const events: MidiEvent[] = [{ deltaTime: 0, type: "setTempo", microsecondsPerBeat: Math.round(60e6 / tempo) }];
  let sounding = new Set<number>();
  for (let t = 0; t <= frames; t++) {
    const next = new Set(t < frames ? roll.pitches.subarray(roll.offsets[t], roll.offsets[t + 1]) : []);
    for (const noteNumber of sounding) {
      if (!next.has(noteNumber)) {
        events.push({ deltaTime: deltaTo(t), type: "noteOff", channel: 0, noteNumber, velocity: 0 });
      }
    }
    for (const noteNumber of next) {
      if (!sounding.has(noteNumber)) {
        events.push({ deltaTime: deltaTo(t), type: "noteOn", channel: 0, noteNumber, velocity: 80 });
      }
    }
    sounding = next;
  }
  events.push({ deltaTime: deltaTo(frames), type: "endOfTrack" });
  return Uint8Array.from(writeMidiFile({ header: { format: 0, numTracks: 1, ticksPerBeat }, tracks: [events] }));
}

function checkFramesPerQuarter(framesPerQuarter: number): void {
  const { min, max } = FRAMES_PER_QUARTER;
  if (!(framesPerQuarter >= min && framesPerQuarter <= max)) {
    throw new SurprisalError("malformed-request", `framesPerQuarter is ${framesPerQuarter}; wanted ${min} to ${max}.`);
  }
}
