/** The events of a file's tracks -> its notes: note-ons and note-offs are paired, each note knows its program, pedals lengthen. */
import type { MidiEvent } from "midi-file";
import type { Warning } from "../errors.ts";
import { lengthenByPedal, type PedalEvent } from "./midi-pedal.ts";

export interface Note {
  readonly track: number; // from 1
  readonly channel: number; // 1…16
  readonly program: number; // General MIDI, 1…128
  readonly pitch: number; // 0…127
  readonly onset: number; // ticks
  offset: number; // ticks
  ending: "note-off" | "re-strike" | "nothing";
}

export interface TimeSignature {
  readonly tick: number;
  readonly signature: readonly [number, number]; // such as [6, 8]
}

export interface TempoChange {
  readonly tick: number;
  readonly tempo: number; // quarter notes a minute
}

/** Notes in the order of their onsets, at least one, and what the file says of their time. */
export interface MidiNotes {
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
  readonly pitches: Uint8Array; // (notes), MIDI pitch 1…127
  readonly onsets: Float64Array; // (notes), ticks, ascending
  readonly offsets: Float64Array; // (notes), ticks, not before the onset
  readonly channels: Uint8Array; // (notes), 1…16
  readonly tracks: Uint16Array; // (notes), from 1
  readonly durationQuarters: number; // from the first onset to the last offset
  readonly tempo: number | undefined; // quarter notes a minute, the first of the file; none in SMPTE time
  readonly tempos: readonly TempoChange[]; // ascending by tick
  readonly timeSignature: readonly [number, number] | undefined; // the first of the file, such as [6, 8]
  readonly timeSignatures: readonly TimeSignature[]; // ascending by tick
  readonly warnings: readonly Warning[];
}

/** What a file says of its music. */
export interface Score {
  readonly notes: readonly Note[]; // ascending by onset
  readonly tempos: readonly TempoChange[]; // ascending by tick
  readonly timeSignatures: readonly TimeSignature[]; // ascending by tick
}

/** A note-on or note-off of one track, channel and pitch. */
interface Stroke {
  readonly tick: number;
  readonly note: Note | undefined; // of a note-on
}

interface ProgramChange {
  readonly tick: number;
  readonly program: number;
}

/** @param options.pedal lengthen notes by the sustain pedal. */
export function readScore(tracks: readonly (readonly MidiEvent[])[], { pedal }: { pedal: boolean }): Score {
  const programs = programsByChannel(tracks);
  const tempos: TempoChange[] = [];
  const timeSignatures: TimeSignature[] = [];
  const notes: Note[] = [];
  const ends: number[] = []; // ticks, by track
  let lastStroke = 0; // tick of the last note-on or note-off of all

  tracks.forEach((events, index) => {
    const strokes = new Map<number, Stroke[]>(); // by channel and pitch
    const pedals = new Map<number, PedalEvent[]>(); // by channel
    const current = new Map<number, number>(); // program by channel, as this track set it
    const trackNotes: Note[] = [];
    let tick = 0;
    for (const event of events) {
      tick += event.deltaTime;
      if (event.type === "noteOn" || event.type === "noteOff") {
        lastStroke = Math.max(lastStroke, tick);
        const { channel, noteNumber: pitch } = event;
        const note: Note | undefined =
          event.type === "noteOff"
            ? undefined
            : {
                track: index + 1,
                channel: channel + 1,
                program: 1 + (current.get(channel) ?? programAt(programs.get(channel), tick)),
                pitch,
                onset: tick,
                offset: tick,
                ending: "nothing",
              };
        if (note) trackNotes.push(note);
        push(strokes, channel * 128 + pitch, { tick, note });
      } else if (event.type === "programChange") current.set(event.channel, event.programNumber);
      else if (event.type === "controller") push(pedals, event.channel, { tick, value: event.value });
      else if (event.type === "setTempo") tempos.push({ tick, tempo: 60e6 / event.microsecondsPerBeat });
      else if (event.type === "timeSignature") {
        timeSignatures.push({ tick, signature: [event.numerator, event.denominator] });
      }
    }
    ends.push(tick);
    for (const list of strokes.values()) pair(list);
    if (pedal) lengthenByPedal(trackNotes, pedals);
    for (const note of trackNotes) notes.push(note);
  });

  for (const note of notes) {
    if (note.ending === "nothing") note.offset = Math.max(note.onset, Math.min(lastStroke, ends[note.track - 1]));
  }
  notes.sort((a, b) => a.onset - b.onset);
  tempos.sort((a, b) => a.tick - b.tick);
  timeSignatures.sort((a, b) => a.tick - b.tick);
  return { notes, tempos, timeSignatures };
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/**
 * Ends the notes of one track, channel and pitch. Between two moments at which none of them sounds there are as many note-offs
 * as note-ons: first in, first out. After the last such moment note-offs are lacking: there a re-strike ends the note before
 * it, so that one lost note-off costs one note its length and not all that follow. A note-off that ends nothing is passed over.
 */
function pair(strokes: readonly Stroke[]): void {
  let depth = 0;
  let whole = 0; // strokes up to the last moment of silence
  strokes.forEach(({ note }, i) => {
    if (note) depth++;
    else if (depth > 0) depth--;
    if (depth === 0) whole = i + 1;
  });

  const waiting: Note[] = [];
  let first = 0;
  strokes.forEach(({ tick, note }, i) => {
    if (note && i >= whole && first < waiting.length) end(waiting[first++], tick, "re-strike");
    if (note) waiting.push(note);
    else if (first < waiting.length) end(waiting[first++], tick, "note-off");
  });
}

function end(note: Note, tick: number, ending: Note["ending"]): void {
  note.offset = tick;
  note.ending = ending;
}

/** Program changes of all tracks, ascending by tick: for channels that another track sets than the one that plays on them. */
function programsByChannel(tracks: readonly (readonly MidiEvent[])[]): Map<number, ProgramChange[]> {
  const changes = new Map<number, ProgramChange[]>();
  for (const events of tracks) {
    let tick = 0;
    for (const event of events) {
      tick += event.deltaTime;
      if (event.type === "programChange") push(changes, event.channel, { tick, program: event.programNumber });
    }
  }
  for (const list of changes.values()) list.sort((a, b) => a.tick - b.tick);
  return changes;
}

/** The last program set up to a tick, by bisection; 0 before the first. */
function programAt(changes: readonly ProgramChange[] = [], tick: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle].tick <= tick) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : changes[low - 1].program;
}
