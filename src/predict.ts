/**
 * Music + models -> distribution of the next frame, and frames sampled from it, each of which is fed back.
 */
import { SurprisalError } from "./errors.ts";
import { type Advanced, type Model, taggedVersion } from "./model.ts";
import { leftOutWarning, type Music, readFor, readingWarnings } from "./music.ts";
import { uniform } from "./random.ts";
import type { Prediction, PredictOptions, PredictResponse } from "./schema.ts";
import { bestShift, letOthersIn } from "./score.ts";
import { selectModels } from "./select.ts";
import { frameCount, pianoRoll } from "./sequence.ts";
import { readStateToken, type StoppedRun, stateToken } from "./state.ts";

const LIKELY = 10;

/**
 * Predicts what follows a piece under each model that the options choose.
 * @throws SurprisalError `unknown-model`, `malformed-state`, `stale-state`, `malformed-request` when options contradict each
 * other, `nothing-to-score` when there is no frame.
 */
export async function predictMusic(
  music: Music,
  models: readonly Model[],
  options: PredictOptions,
): Promise<PredictResponse> {
  const runs = options.state ? resume(options.state, models, options) : await start(music, models, options);
  const predictions: Prediction[] = [];
  for (const run of runs) {
    await letOthersIn();
    predictions.push(predictOne(music, run, options));
  }
  return { input: music.input, predictions };
}

/** A model before it reads the input. */
interface Run extends StoppedRun {
  readonly model: Model;
}

async function start(music: Music, models: readonly Model[], options: PredictOptions): Promise<Run[]> {
  const { transpose = 0 } = options;
  const runs: Run[] = [];
  for (const model of selectModels(models, options.models)) {
    const { framesPerQuarter = model.framesPerQuarter } = options;
    const shift = transpose === "auto" ? await bestShift(music, model, framesPerQuarter) : transpose;
    runs.push({ model, state: model.initialState(), shift, framesPerQuarter });
  }
  return runs;
}

function resume(tokens: readonly string[], models: readonly Model[], options: PredictOptions): Run[] {
  const contradiction = (detail: string) => new SurprisalError("malformed-request", detail);
  if (options.transpose !== undefined) {
    throw contradiction("Found transpose beside state; wanted one of them, since a state holds its transposition.");
  }
  if (options.framesPerQuarter !== undefined) {
    throw contradiction("Found framesPerQuarter beside state; wanted one of them, since a state holds its frame rate.");
  }
  const runs = tokens.map((token) => readStateToken(token, models));
  const ids = runs.map(({ model }) => model.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) throw contradiction(`Found two states of ${twice}; wanted one for each model.`);
  if (options.models) {
    const wanted = selectModels(models, options.models).map(({ id }) => id);
    if (wanted.length !== ids.length || wanted.some((id) => !ids.includes(id))) {
      throw contradiction(`Found states of ${ids.join(", ")}; wanted one for each of ${wanted.join(", ")}.`);
    }
  }
  return runs;
}

function predictOne(music: Music, { model, state, shift, framesPerQuarter }: Run, options: PredictOptions): Prediction {
  const reading = readFor(model, music, { framesPerQuarter, shift });
  const frames = frameCount(reading.roll);
  if (frames === 0) {
    throw new SurprisalError(
      "nothing-to-score",
      `The input has no frames; wanted at least one to predict the next from.`,
    );
  }
  const advanced = model.advance(state, reading.roll);
  const probabilities = Array.from(advanced.next.probabilities);
  const { steps } = options;
  const sampled = steps === undefined ? undefined : inOwnKey(sample(model, advanced, steps, options), shift);
  return {
    model: model.id,
    version: taggedVersion(model.version),
    framesPerQuarter,
    frames,
    transposedBy: shift,
    warnings: [...readingWarnings(model, reading), ...(sampled?.warnings ?? [])],
    probabilities,
    likely: likely(probabilities, shift),
    state: stateToken(model, { state: advanced.state, shift, framesPerQuarter }),
    ...(sampled && { continuation: sampled.frames }),
  };
}

/** The most probable pitches, in the input's own key. */
function likely(probabilities: readonly number[], shift: number): Prediction["likely"] {
  return probabilities
    .map((probability, d) => ({ pitch: d + 1 - shift, probability }))
    .filter(({ pitch }) => isPitch(pitch))
    .toSorted((a, b) => b.probability - a.probability || a.pitch - b.pitch)
    .slice(0, LIKELY);
}

/** Frames that follow, in the model's key. */
function sample(
  model: Model,
  { state, next }: Advanced,
  steps: number,
  { temperature = 1, seed = 0 }: PredictOptions,
): number[][] {
  const draw = uniform(seed);
  const frames = [next.sample(draw, temperature)];
  while (frames.length < steps) {
    ({ state, next } = model.advance(state, pianoRoll(frames.slice(-1))));
    frames.push(next.sample(draw, temperature));
  }
  return frames;
}

/** Shifts sampled frames back. Pitches that no MIDI note has are left out and counted. */
function inOwnKey(sampled: readonly number[][], shift: number) {
  const shifted = sampled.map((frame) => frame.map((pitch) => pitch - shift));
  const frames = shifted.map((frame) => frame.filter(isPitch));
  const leftOut = shifted.flat().length - frames.flat().length;
  const reason = "transposed back, they lie outside MIDI pitches 1 to 127";
  return { frames, warnings: leftOut === 0 ? [] : [leftOutWarning(leftOut, reason)] };
}

const isPitch = (pitch: number) => pitch >= 1 && pitch <= 127;
