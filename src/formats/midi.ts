/**
 * MIDI files <-> piano rolls: bytes -> notes in ticks -> frames on a grid, and frames -> bytes. A pitch sounds in a frame or it
 * does not (Boulanger-Lewandowski et al., ICML 2012). Tempo plays no part: only ticks count.
 */

import { type MidiEvent, writeMidi as writeMidiFile } from "midi-file";
import { SurprisalError } from "../errors.ts";
import { FRAMES_PER_QUARTER, MAX_FRAMES, MIDI_LIMITS, type MidiLimits } from "../limits.ts";
import { readTracks } from "./midi-tracks.ts";
import { frameCount, type PianoRoll } from "./piano-roll.ts";

/** The channels that are read by default: all but 10, the drums. */
export const MELODIC_CHANNELS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16];

/** Notes in the order of their onsets, at least one. */
export interface MidiNotes {
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
  readonly pitches: Uint8Array; // (notes), MIDI pitch 1…127
  readonly onsets: Float64Array; // (notes), ticks, ascending
  readonly offsets: Float64Array; // (notes), ticks, not before the onset
  readonly durationQuarters: number; // from the first onset to the last offset
  readonly unclosed: number; // notes that nothing ends: they last to the end of their track
  readonly leftOut: number; // notes of pitch 0, for which a roll has no place
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
  { channels = MELODIC_CHANNELS, limits = {} }: { channels?: readonly number[]; limits?: Partial<MidiLimits> } = {},
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
    unclosed: notes.filter(({ closed }) => !closed).length,
    leftOut: chosen.length - notes.length,
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
 * Lays notes on a grid that begins at tick 0: a pitch sounds from round(onset) to round(offset) in frames, halves up, at least
 * one frame; notes of one pitch that overlap are one. The roll is cut to the first and the last frame that sounds.
 * @throws SurprisalError `too-large` when the notes span more than `maxFrames`, `malformed-request`.
 */
export function quantize(notes: MidiNotes, framesPerQuarter: number, maxFrames = MAX_FRAMES): PianoRoll {
  checkFramesPerQuarter(framesPerQuarter);
  const { pitches: pitchOf, onsets, offsets: releases, ticksPerQuarter } = notes;
  // Ticks are whole, so multiplying first keeps halves exact.
  const frameAt = (tick: number) => Math.round((tick * framesPerQuarter) / ticksPerQuarter);
  const first = frameAt(onsets[0]);
  const starts = onsets.map((tick) => frameAt(tick) - first);
  const ends = releases.map((tick, i) => Math.max(frameAt(tick) - first, starts[i] + 1));
  const frames = ends.reduce((a, b) => Math.max(a, b));
  if (frames > maxFrames) {
    const found = `The notes span ${frames} frames at ${framesPerQuarter} frames a quarter note`;
    throw new SurprisalError("too-large", `${found}; wanted at most ${maxFrames}.`);
  }

  const sounds = new Uint8Array(frames * 128); // (frames, 128), 0 or 1
  const offsets = new Uint32Array(frames + 1);
  const filled = new Float64Array(128); // frame to which a pitch is done, so that no cell is visited twice
  pitchOf.forEach((pitch, i) => {
    for (let t = Math.max(starts[i], filled[pitch]); t < ends[i]; t++) {
      sounds[t * 128 + pitch] = 1;
      offsets[t + 1]++;
    }
    filled[pitch] = Math.max(filled[pitch], ends[i]);
  });
  for (let t = 0; t < frames; t++) offsets[t + 1] += offsets[t];

  const pitches = new Uint8Array(offsets[frames]);
  let count = 0;
  for (let cell = 0; cell < sounds.length; cell++) {
    if (sounds[cell] === 1) pitches[count++] = cell % 128;
  }
  return { offsets, pitches };
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
