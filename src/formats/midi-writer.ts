/** Frames -> the bytes of a MIDI file. */
import { type MidiEvent, writeMidi as writeMidiFile } from "midi-file";
import { expected, SurprisalError } from "../errors.ts";
import { checkFramesPerQuarter } from "./midi-grid.ts";
import { frameCount, type PianoRoll } from "./piano-roll.ts";

export interface WriteOptions {
  readonly framesPerQuarter: number;
  readonly tempo?: number | undefined; // quarter notes a minute; default: 120
  readonly timeSignature?: readonly [number, number] | undefined; // such as [6, 8]
}

/** midi-file copies all it has written for a delta of two bytes (10,000 chords: 22 s against 22 ms), so frames are short. */
const TICKS_PER_FRAME = 24;

/** Quarter notes a minute: a file has the microseconds of one in 24 bits. */
const TEMPOS = { min: 60e6 / (2 ** 24 - 1), max: 60e6 } as const;

/**
 * Writes a file of format 0. A pitch that sounds on in the next frame is held. Read back at the same framesPerQuarter it is the
 * same roll, without silence at the ends.
 * @throws SurprisalError `malformed-request`.
 */
export function writeMidi(
  roll: PianoRoll,
  { framesPerQuarter, tempo = 120, timeSignature }: WriteOptions,
): Uint8Array<ArrayBuffer> {
  checkFramesPerQuarter(framesPerQuarter);
  if (!(tempo >= TEMPOS.min && tempo <= TEMPOS.max)) {
    const wanted = `a tempo of ${TEMPOS.min.toFixed(2)} to ${TEMPOS.max} quarter notes a minute`;
    throw new SurprisalError("malformed-request", expected(wanted, tempo));
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
  if (timeSignature) events.push(signatureEvent(timeSignature));
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

/** MIDI clocks of a click, and 32nd notes of a quarter note, as MIDI has them by default. */
const [METRONOME, THIRTYSECONDS] = [24, 8];

function signatureEvent([numerator, denominator]: readonly [number, number]): MidiEvent {
  const isPower = Number.isInteger(Math.log2(denominator)) && denominator >= 1 && denominator <= 128;
  if (!(Number.isInteger(numerator) && numerator >= 1 && numerator <= 255 && isPower)) {
    const wanted = "a time signature of 1 to 255 over a power of 2 up to 128";
    throw new SurprisalError("malformed-request", expected(wanted, `${numerator}/${denominator}`));
  }
  return {
    deltaTime: 0,
    type: "timeSignature",
    numerator,
    denominator,
    metronome: METRONOME,
    thirtyseconds: THIRTYSECONDS,
  };
}
