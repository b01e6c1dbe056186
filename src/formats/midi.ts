/**
 * MIDI file bytes -> notes in ticks, of the channels, tracks and programs that a caller wants. midi-grid.ts lays them on a grid
 * of frames, midi-writer.ts goes back from frames to bytes. Tempo plays no part: only ticks count.
 */
import { expected, SurprisalError, type Warning } from "../errors.ts";
import { MIDI_LIMITS, type MidiLimits } from "../limits.ts";
import { type MidiNotes, type Note, readScore } from "./midi-notes.ts";
import { counted, malformed, Repairs } from "./midi-repairs.ts";
import { type MidiTracks, readTracks } from "./midi-tracks.ts";

export { type MidiClock, midiClock } from "./midi-clock.ts";
export { isMidi } from "./midi-container.ts";
export { gridWarnings, type Quantized, quantize, SAMPLE_POINT } from "./midi-grid.ts";
export type { MidiNotes, TempoChange } from "./midi-notes.ts";
export { type WriteOptions, writeMidi } from "./midi-writer.ts";

/** The channels that are read by default: all but 10, the drums. */
const MELODIC_CHANNELS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16];

const DRUMS = 10;

/** What to read of a file. A note is read if its channel, its track and its program are chosen. */
export interface MidiOptions {
  readonly channels?: readonly number[] | undefined; // 1…16; default: all but 10
  readonly tracks?: readonly number[] | undefined; // in the order of the file, from 1; default: all
  readonly programs?: readonly number[] | undefined; // General MIDI, 1 (Acoustic Grand Piano) … 128; default: all
  readonly pedal?: boolean | undefined; // lengthen notes by the sustain pedal; default: false
  readonly limits?: Partial<MidiLimits> | undefined;
}

/**
 * Reads the notes of a file of format 0 or 1, or of one track of format 2. Notes are paired with their ends on their track,
 * channel and pitch, first in, first out; see midi-notes.ts for files that lack ends. What is damaged so that every note can be
 * recovered is read with a warning.
 * @throws SurprisalError `malformed-midi` when notes are lost or there is no MIDI, `too-large`, `nothing-to-score` when no note
 *   is left, `malformed-request` for options out of range.
 */
export function parseMidi(bytes: Uint8Array, options: MidiOptions = {}): MidiNotes {
  const limits = { ...MIDI_LIMITS, ...options.limits };
  checkOption("channels", options.channels, 16);
  checkOption("tracks", options.tracks, 2 ** 16 - 1);
  checkOption("programs", options.programs, 128);
  if (bytes.length > limits.bytes) {
    throw new SurprisalError("too-large", expected(`a MIDI file of at most ${limits.bytes} bytes`, bytes.length));
  }

  const repairs = new Repairs();
  const file = readTracks(bytes, repairs);
  const score = readScore(file.tracks, { pedal: options.pedal === true });
  checkFormat(file, score.notes, options.tracks);
  const { chosen, leftOut } = choose(score.notes, options);
  if (chosen.length === 0) throw nothingChosen(score.notes, leftOut, options);
  if (chosen.length > limits.notes) {
    throw new SurprisalError("too-large", expected(`a MIDI file of at most ${limits.notes} notes`, chosen.length));
  }

  const offsets = Float64Array.from(chosen, ({ offset }) => offset);
  const end = offsets.reduce((a, b) => Math.max(a, b));
  return {
    ticksPerQuarter: file.ticksPerQuarter,
    pitches: Uint8Array.from(chosen, ({ pitch }) => pitch),
    onsets: Float64Array.from(chosen, ({ onset }) => onset),
    offsets,
    channels: Uint8Array.from(chosen, ({ channel }) => channel),
    tracks: Uint16Array.from(chosen, ({ track }) => track),
    durationQuarters: (end - chosen[0].onset) / file.ticksPerQuarter,
    tempo: file.isSmpte ? undefined : score.tempos.at(0)?.tempo,
    tempos: score.tempos,
    timeSignature: score.timeSignatures.at(0)?.signature,
    timeSignatures: score.timeSignatures,
    warnings: [...repairs.warnings(), ...endWarnings(chosen), ...leftOutWarnings(leftOut)],
  };
}

function checkOption(name: string, values: readonly number[] | undefined, max: number): void {
  const odd = values?.find((value) => !Number.isInteger(value) || value < 1 || value > max);
  if (odd !== undefined) {
    throw new SurprisalError("malformed-request", expected(`${name} of integers from 1 to ${max}`, odd));
  }
}

/** Tracks of format 2 are pieces of their own: one of them can be read. */
function checkFormat({ format }: MidiTracks, notes: readonly Note[], tracks: readonly number[] | undefined): void {
  if (format !== 2) return;
  const playing = new Set(notes.map(({ track }) => track));
  const pieces = [...playing].filter((track) => tracks?.includes(track) ?? true);
  if (pieces.length > 1) {
    const found = `MIDI format 2 with ${pieces.length} pieces, in tracks ${pieces.sort((a, b) => a - b).join(", ")}`;
    throw malformed(`${expected("one piece of music", found)} Choose one, such as tracks=${pieces[0]}.`);
  }
}

/** Notes that are not read, by the option that left them out. A note counts once. */
interface LeftOut {
  drums: number; // by the default of channels
  channels: number;
  tracks: number;
  programs: number;
  pitch0: number;
}

function choose(notes: readonly Note[], options: MidiOptions): { chosen: Note[]; leftOut: LeftOut } {
  const channels = new Set(options.channels ?? MELODIC_CHANNELS);
  const tracks = options.tracks && new Set(options.tracks);
  const programs = options.programs && new Set(options.programs);
  const leftOut: LeftOut = { drums: 0, channels: 0, tracks: 0, programs: 0, pitch0: 0 };
  const chosen = notes.filter((note) => {
    if (tracks && !tracks.has(note.track)) leftOut.tracks++;
    else if (!channels.has(note.channel)) leftOut[options.channels ? "channels" : "drums"]++;
    else if (programs && !programs.has(note.program)) leftOut.programs++;
    else if (note.pitch === 0) leftOut.pitch0++;
    else return true;
    return false;
  });
  return { chosen, leftOut };
}

const ALL_CHANNELS = `channels=${Array.from({ length: 16 }, (_, i) => i + 1).join(",")}`;

function nothingChosen(notes: readonly Note[], leftOut: LeftOut, options: MidiOptions): SurprisalError {
  const refuse = (detail: string) => new SurprisalError("nothing-to-score", detail);
  if (notes.length === 0) return refuse(expected("a MIDI file with notes", "none"));
  if (leftOut.drums === notes.length) {
    const found = `${counted(notes.length, "note")}, all of them drums on channel ${DRUMS}`;
    return refuse(`${expected("notes that are not drums", found)} channels=${DRUMS} reads them as pitches.`);
  }
  const has = (key: "channel" | "track" | "program") =>
    [...new Set(notes.map((note) => note[key]))].sort((a, b) => a - b).join(", ");
  const wanted = [
    options.channels ? `on channels ${options.channels.join(", ") || "(none)"}` : `on channels other than ${DRUMS}`,
    ...(options.tracks ? [`in tracks ${options.tracks.join(", ") || "(none)"}`] : []),
    ...(options.programs ? [`of programs ${options.programs.join(", ") || "(none)"}`] : []),
  ].join(" ");
  const places = `on channels ${has("channel")} in tracks ${has("track")} of programs ${has("program")}`;
  return refuse(expected(`notes of pitch 1 to 127 ${wanted}`, `${counted(notes.length, "note")} ${places}`));
}

/** Notes without an end of their own. */
function endWarnings(notes: readonly Note[]): Warning[] {
  const count = (ending: Note["ending"]) => notes.filter((note) => note.ending === ending).length;
  const have = (n: number) => (n === 1 ? "1 note has" : `${n} notes have`);
  const [restruck, unclosed] = [count("re-strike"), count("nothing")];
  const warnings: Warning[] = [];
  if (restruck > 0) {
    const detail = `${have(restruck)} no note-off and ${restruck === 1 ? "ends" : "end"} where the same pitch is struck again.`;
    warnings.push({ code: "restruck-notes", count: restruck, detail });
  }
  if (unclosed > 0) {
    const detail = `${have(unclosed)} no end and ${unclosed === 1 ? "lasts" : "last"} to the last note event or the end of the track.`;
    warnings.push({ code: "unclosed-notes", count: unclosed, detail });
  }
  return warnings;
}

function leftOutWarnings({ drums, channels, tracks, programs, pitch0 }: LeftOut): Warning[] {
  const reasons: [number, string, string][] = [
    [drums, `of channel ${DRUMS} (drums)`, `: ${ALL_CHANNELS} reads them too`],
    [channels, "of other channels", " by channels"],
    [tracks, "of other tracks", " by tracks"],
    [programs, "of other programs", " by programs"],
    [pitch0, "of pitch 0", ": a piano roll begins at pitch 1"],
  ];
  return reasons
    .filter(([count]) => count > 0)
    .map(([count, which, why]) => ({
      code: "notes-left-out",
      count,
      detail: `${counted(count, "note")} ${which} ${count === 1 ? "was" : "were"} left out${why}.`,
    }));
}
