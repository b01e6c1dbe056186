/** An answer -> what is drawn, heard and said of a piece. */
import type { MusicScoreResponse, NoteScore, Score, UnscoredNote } from "../schema/score.ts";
import { percent, pitchName } from "./words.ts";

/** A note of the piece as it is drawn and played. */
export interface Sound {
  readonly pitch: number;
  readonly start: number; // quarter notes from the beginning of the file
  readonly length: number;
  readonly seconds: number; // its onset
  readonly lasts: number; // seconds
  readonly frame: number | null;
  /** Nats; null where the model did not score it. */
  readonly surprisal: number | null;
  readonly said: string; // of it, in a sentence
}

/** What the roll and the curve show. */
export interface Shown {
  readonly model: string;
  readonly sounds: readonly Sound[]; // by onset
  readonly bars: readonly number[]; // quarter notes
  readonly curve: readonly { readonly start: number; readonly length: number; readonly value: number }[];
  readonly frames: readonly string[]; // what is said of each
  readonly startQuarters: number;
  readonly framesPerQuarter: number;
  readonly samplePoint: number; // in frames after a frame's beginning
  readonly transposedBy: number; // semitones
  readonly adaptive: boolean;
  readonly channel: number; // of the last note, from 1
  readonly from: number; // quarter notes
  readonly to: number;
  readonly clock: Clock;
}

/** Quarter notes <-> seconds, linear between known pairs. */
export interface Clock {
  seconds(quarters: number): number;
  quarters(seconds: number): number;
}

type Timed = NoteScore | UnscoredNote;

const where = ({ pitch, bar = 0, beat = 0 }: Timed) =>
  `${pitchName(pitch)}, bar ${bar} beat ${Number.isInteger(beat) ? beat : beat.toFixed(2)}`;

/** Nats; null where nothing was predicted. Of networks that learn while they listen only the note's own NLL is known. */
function surprisalOf(note: Timed): number | null {
  if (note.probability != null) return -Math.log(note.probability);
  return "nll" in note ? note.nll : null;
}

function saidOf(note: Timed, isHeld = false): string {
  const { expected } = note;
  const surprisal = surprisalOf(note);
  if (surprisal === null) return `${where(note)}: the first frame, which no model predicts.`;
  const held = isHeld ? ", sounding on or struck again" : "";
  const own = `${where(note)}${held}: ${percent(Math.exp(-surprisal))}`;
  if (!expected) return `${own}.`;
  const others = expected
    .filter(({ pitch }) => pitch !== note.pitch)
    .slice(0, 2)
    .map((each) => `${each.pitch === null ? "no further note" : pitchName(each.pitch)} ${percent(each.probability)}`);
  const isFirst = expected[0].pitch === note.pitch;
  const instead = isFirst ? `the likeliest here, before ${others.join(" and ")}` : `expected ${others.join(", ")}`;
  return `${own}; ${instead}.`;
}

const REASONS = {
  "between-frames": "it sounds between two of the moments at which the model listens, so it has no score",
  "out-of-range": "the model does not know this pitch",
} as const;

function saidOfUnscored(note: UnscoredNote): string {
  if (note.reason === "held" || note.reason === "doubled") return saidOf(note, note.reason === "held");
  return `${where(note)}: ${REASONS[note.reason]}.`;
}

/** @param score with notes, of a MIDI file */
export function shownOf(score: Score, bars: MusicScoreResponse["bars"] = []): Shown {
  const { notes = [], unscored = [], perFrame = [], expected = [], startQuarters = 0, framesPerQuarter } = score;
  const { samplePoint = 0, transposedBy, adaptive = false } = score;
  const soundOf = (note: Timed, surprisal: number | null, said: string): Sound => ({
    pitch: note.pitch,
    start: note.onsetQuarters ?? 0,
    length: note.durationQuarters ?? 0,
    seconds: note.onsetSeconds ?? 0,
    lasts: note.durationSeconds ?? 0,
    frame: note.frame,
    surprisal,
    said,
  });
  const sounds = [
    ...notes.map((note) => soundOf(note, surprisalOf(note), saidOf(note))),
    ...unscored.map((note) => soundOf(note, surprisalOf(note), saidOfUnscored(note))),
  ];
  sounds.sort((a, b) => a.start - b.start || a.pitch - b.pitch);
  const length = 1 / framesPerQuarter;
  const from = Math.min(startQuarters, sounds[0]?.start ?? 0);
  const to = sounds.reduce((end, { start, length }) => Math.max(end, start + length), startQuarters);
  const frames = heardIn({ sounds, startQuarters, framesPerQuarter, samplePoint }, perFrame.length);
  /** Such as "Bar 2: D3 G3 B3 D4." */
  const heard = (t: number): string => {
    const start = startQuarters + t * length;
    const bar = bars.findLastIndex(({ quarters }) => quarters <= start + 1e-6);
    return `${bar === -1 ? "Here" : `Bar ${bar + 1}`}: ${frames[t].map(pitchName).join(" ") || "silence"}.`;
  };
  return {
    model: score.model,
    sounds,
    bars: bars.map(({ quarters }) => quarters),
    curve: perFrame.flatMap((value, t) =>
      value === null ? [] : [{ start: startQuarters + t * length, length, value }],
    ),
    frames: perFrame.map((value, t) => {
      if (value === null) return `${heard(t)} The first frame is never scored: nothing comes before it.`;
      const chords = (expected[t] ?? []).map(
        ({ pitches, probability }) => `${pitches.map(pitchName).join(" ") || "silence"} ${percent(probability)}`,
      );
      const likeliest = chords.length > 0 ? ` The likeliest as wholes: ${chords.join(", ")}.` : "";
      return `${heard(t)} The frame: ${value.toFixed(2)} nats.${likeliest}`;
    }),
    startQuarters,
    framesPerQuarter,
    samplePoint,
    transposedBy,
    adaptive,
    channel: notes.at(-1)?.channel ?? 1,
    from,
    to,
    clock: clockOf([
      ...bars.map(({ quarters, seconds }) => [quarters, seconds] as const),
      ...sounds.flatMap(({ start, length, seconds, lasts }) => [
        [start, seconds] as const,
        [start + length, seconds + lasts] as const,
      ]),
    ]),
  };
}

/** @param pairs of quarter notes and seconds, in any order */
export function clockOf(pairs: readonly (readonly [quarters: number, seconds: number])[]): Clock {
  const known = [...new Map(pairs)].sort(([a], [b]) => a - b);
  if (known.length < 2) known.push([(known[0]?.[0] ?? 0) + 1, (known[0]?.[1] ?? 0) + 0.5]);
  const between = (from: 0 | 1) => (value: number) => {
    const to = 1 - from;
    let [low, high] = [0, known.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (known[middle][from] <= value) low = middle;
      else high = middle;
    }
    const [a, b] = [known[low], known[high]];
    const share = b[from] === a[from] ? 0 : (value - a[from]) / (b[from] - a[from]);
    return a[to] + share * (b[to] - a[to]);
  };
  return { seconds: between(0), quarters: between(1) };
}

/** The pitches of each of the first frames, as the model heard them but in the piece's own key. */
export function heardIn(
  {
    sounds,
    startQuarters,
    framesPerQuarter,
    samplePoint,
  }: Pick<Shown, "sounds" | "startQuarters" | "framesPerQuarter" | "samplePoint">,
  count: number,
): number[][] {
  const frames = Array.from({ length: count }, () => new Set<number>());
  for (const { pitch, start, length, frame } of sounds) {
    if (frame === null) continue;
    const end = (start + length - startQuarters) * framesPerQuarter;
    for (let t = frame; t < Math.min(count, end - samplePoint); t++) frames[t].add(pitch);
  }
  return frames.map((pitches) => [...pitches].sort((a, b) => a - b));
}

/** Notes of sampled frames that follow a piece. */
export function ghostsOf(frames: readonly (readonly number[])[], shown: Shown): Sound[] {
  const { framesPerQuarter, clock } = shown;
  const start = shown.startQuarters + shown.frames.length / framesPerQuarter;
  const ghosts: Sound[] = [];
  frames.forEach((frame, t) => {
    for (const pitch of frame) {
      if (frames[t - 1]?.includes(pitch)) continue;
      let end = t + 1;
      while (frames[end]?.includes(pitch)) end++;
      const [from, to] = [start + t / framesPerQuarter, start + end / framesPerQuarter];
      ghosts.push({
        pitch,
        start: from,
        length: to - from,
        seconds: clock.seconds(from),
        lasts: clock.seconds(to) - clock.seconds(from),
        frame: null,
        surprisal: null,
        said: `${pitchName(pitch)}, what ${shown.model} would play next.`,
      });
    }
  });
  return ghosts;
}

/** Of the scored notes, those that count as surprises: the least expected, and never fewer than a few. */
const NOTABLE = { share: 0.05, min: 3 };

/** The most surprising notes, one of each frame, by time. */
export function surprisesOf({ sounds }: Pick<Shown, "sounds">): Sound[] {
  const scored = sounds.filter(({ surprisal, frame }) => surprisal !== null && frame !== null);
  const ranked = scored.toSorted((a, b) => (b.surprisal ?? 0) - (a.surprisal ?? 0));
  const notable = ranked.slice(0, Math.max(NOTABLE.min, Math.ceil(NOTABLE.share * ranked.length)));
  const frames = Map.groupBy(notable, ({ frame }) => frame);
  return [...frames.values()].map(([most]) => most).sort((a, b) => (a.frame ?? 0) - (b.frame ?? 0));
}
