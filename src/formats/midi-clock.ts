/** Ticks of a MIDI file -> the time that a musician or a clock would name: bar and beat, quarter notes, seconds. */
import type { MidiNotes } from "./midi-notes.ts";

type Timed = Pick<MidiNotes, "ticksPerQuarter" | "tempo" | "tempos" | "timeSignatures">;

export interface MidiClock {
  /** Quarter notes since tick 0. */
  quarters(tick: number): number;
  /** Seconds since tick 0 at the tempos of the file. */
  seconds(tick: number): number;
  /** Bar, from 1 at tick 0, and beat in it, from 1 and with fractions, of the note value that the time signature names. */
  place(tick: number): { readonly bar: number; readonly beat: number };
  /** Ticks at which the bars up to a tick begin; none once there would be more than `max`. */
  bars(end: number, max: number): number[];
}

/** MIDI's defaults where a file says nothing: 120 quarter notes a minute and 4/4. Files in SMPTE time are read at that tempo. */
const DEFAULT_TEMPO = 120;
const DEFAULT_SIGNATURE = [4, 4] as const;

interface Span {
  readonly tick: number; // where it begins
}
interface TempoSpan extends Span {
  readonly second: number; // at its beginning
  readonly secondsPerTick: number;
}
interface BarSpan extends Span {
  readonly bar: number; // that begins with it
  readonly ticksPerBeat: number;
  readonly beats: number; // of a bar
}

/** A new time signature begins a new bar, whether or not the one before is full. */
export function midiClock(notes: Timed): MidiClock {
  const { ticksPerQuarter } = notes;
  const tempos = tempoSpans(notes);
  const signatures = barSpans(notes);
  return {
    quarters: (tick) => tick / ticksPerQuarter,
    seconds(tick) {
      const span = lastAt(tempos, tick);
      return span.second + (tick - span.tick) * span.secondsPerTick;
    },
    place(tick) {
      const span = lastAt(signatures, tick);
      const beats = (tick - span.tick) / span.ticksPerBeat;
      const bars = Math.floor(beats / span.beats);
      return { bar: span.bar + bars, beat: 1 + beats - bars * span.beats };
    },
    bars(end, max) {
      const found: number[] = [];
      for (const [k, { tick, ticksPerBeat, beats }] of signatures.entries()) {
        const until = signatures[k + 1]?.tick ?? end + 1;
        const length = beats * ticksPerBeat;
        if (found.length + (Math.min(until, end) - tick) / length > max) return [];
        for (let n = 0; tick + n * length < until && tick + n * length <= end; n++) found.push(tick + n * length);
      }
      return found;
    },
  };
}

function tempoSpans({ ticksPerQuarter, tempo, tempos }: Timed): TempoSpan[] {
  const secondsPerTick = (tempo: number) => 60 / tempo / ticksPerQuarter;
  const spans: TempoSpan[] = [{ tick: 0, second: 0, secondsPerTick: secondsPerTick(DEFAULT_TEMPO) }];
  if (tempo === undefined) return spans;
  for (const change of tempos) {
    const before = spans[spans.length - 1];
    const second = before.second + (change.tick - before.tick) * before.secondsPerTick;
    const span = { tick: change.tick, second, secondsPerTick: secondsPerTick(change.tempo) };
    if (change.tick === before.tick) spans.pop();
    spans.push(span);
  }
  return spans;
}

function barSpans({ ticksPerQuarter, timeSignatures }: Timed): BarSpan[] {
  const spanOf = (tick: number, bar: number, [beats, unit]: readonly [number, number]): BarSpan => ({
    tick,
    bar,
    ticksPerBeat: (4 * ticksPerQuarter) / unit,
    beats: Math.max(1, beats), // a damaged file may say 0
  });
  const spans = [spanOf(0, 1, DEFAULT_SIGNATURE)];
  for (const { tick, signature } of timeSignatures) {
    const before = spans[spans.length - 1];
    const bars = Math.ceil((tick - before.tick) / (before.ticksPerBeat * before.beats));
    if (tick === before.tick) spans.pop();
    spans.push(spanOf(tick, before.bar + bars, signature));
  }
  return spans;
}

/** The last span that begins at a tick or before, by bisection. */
function lastAt<S extends Span>(spans: readonly S[], tick: number): S {
  let [low, high] = [0, spans.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (spans[middle].tick <= tick) low = middle;
    else high = middle;
  }
  return spans[low];
}
