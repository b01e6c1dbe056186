/**
 * Tensors + a model -> what /score and /predict say of them, as tensors. A batch is answered piece by piece, so each has the bits
 * that it has alone; a single piece is a batch of one without its first dimension.
 */
import { expected, SurprisalError } from "../../errors.ts";
import { rollOfMatrix } from "../../formats/piano-roll.ts";
import { type Input, isMusic, predict, score } from "../../inference/answer.ts";
import { predictMusicCost, scoreMusicCost, speechCost } from "../../inference/cost.ts";
import { checkFrames, pieceOfRoll } from "../../inference/piece.ts";
import { recordingOf } from "../../inference/recording.ts";
import type { Limits } from "../../limits.ts";
import type { Model } from "../../model/model.ts";
import type { TensorMetadata } from "../../schema/protocol.ts";
import { sum } from "../../util/statistics.ts";
import type { Work } from "../../util/work.ts";
import { describe } from "../fault.ts";
import { type Reading, readingsOf } from "../record.ts";
import type { Output, Tensor } from "./tensors.ts";

/** Inputs and outputs of a model in batches, -1 for any size. The first input is the only one that has to be there. */
export function tensorsOf(model: Model): { readonly inputs: TensorMetadata[]; readonly outputs: TensorMetadata[] } {
  const texts = (name: string): TensorMetadata => ({ name, datatype: "BYTES", shape: [-1] });
  const numbers = (name: string, ...shape: number[]): TensorMetadata => ({
    name,
    datatype: "FP64",
    shape: [-1, ...shape],
  });
  const optional: TensorMetadata[] = [{ name: "lengths", datatype: "INT32", shape: [-1] }, texts("state")];
  if (model.kind === "music") {
    const { pitches } = model;
    return {
      inputs: [{ name: "frames", datatype: "UINT8", shape: [-1, -1, pitches] }, ...optional],
      outputs: [
        numbers("nll", -1),
        numbers("probabilities", pitches),
        numbers("standardErrors", pitches),
        texts("state"),
        texts("warnings"),
      ],
    };
  }
  const { components, block } = model.shape;
  return {
    inputs: [{ name: "samples", datatype: "FP32", shape: [-1, -1] }, ...optional],
    outputs: [
      numbers("nll", -1),
      numbers("weights", components),
      numbers("means", components, block),
      numbers("scales", components, block),
      texts("state"),
      texts("warnings"),
    ],
  };
}

/** Outputs that come from /score; the others come from /predict. */
const SCORED = ["nll", "warnings"];

/** What a client sent, its shapes checked. */
interface Batch {
  readonly isSingle: boolean;
  readonly length: number; // frames or samples of a row
  readonly lengths: readonly number[]; // of each row those that count
  readonly values: ArrayLike<number | bigint | boolean>;
  readonly states: readonly string[] | undefined; // of each row
}

export interface InferOptions {
  readonly outputs?: readonly string[] | undefined; // all unless given
  readonly adaptive?: boolean | undefined;
}

/**
 * Answers an inference.
 * @param models among which those of states are looked for
 * @throws SurprisalError `malformed-request` for tensors that the model does not have or of another shape, `too-large` for more
 * frames, seconds or numbers of the answer than the limits, and as score and predict.
 */
export async function infer(
  model: Model,
  tensors: readonly Tensor[],
  options: InferOptions,
  { models, limits, work }: { readonly models: readonly Model[]; readonly limits: Limits; readonly work: Work },
): Promise<{ readonly outputs: Output[]; readonly readings: Reading[] }> {
  const batch = batchOf(model, tensors);
  const wanted = outputsOf(model, batch, options.outputs);
  checkSize(wanted, batch, model, limits);
  const inputs: Input[] = [];
  for (const row of batch.lengths.keys()) {
    inputs.push(await ofRow(batch, row, () => readRow(model, batch, row, limits, work)));
  }
  const has = (isScored: boolean) => wanted.some(({ name }) => SCORED.includes(name) === isScored);
  const calls = { score: has(true) && !batch.states, predict: has(false) || batch.states !== undefined };
  work.plan(sum(inputs.map((input) => costOf(input, model, calls, options))), counted(batch));
  const rows: Row[] = [];
  for (const [row, input] of inputs.entries()) {
    const state = batch.states?.[row];
    rows.push(await ofRow(batch, row, () => answer(input, model, { ...options, calls, state }, models, work)));
  }
  const outputs = wanted.map((output) => stack(output, batch, rows));
  return { outputs, readings: rows.flatMap(({ readings }) => readings) };
}

const counted = ({ lengths: { length } }: Batch) => (length === 1 ? "one row" : `${length} rows`);

function batchOf(model: Model, tensors: readonly Tensor[]): Batch {
  const { inputs } = tensorsOf(model);
  const [main] = inputs;
  const known = inputs.map(({ name }) => name);
  for (const { name } of tensors) {
    if (!known.includes(name)) throw malformed(expected(`the inputs ${known.join(", ")}`, describe(name)));
    if (tensors.filter((other) => other.name === name).length > 1)
      throw malformed(expected(`${name} once`, "it twice"));
  }
  const named = (name: string) => tensors.find((tensor) => tensor.name === name);
  const tensor = named(main.name);
  if (!tensor) throw malformed(expected(`the input ${main.name}`, known.length > 1 ? "none" : "another one"));
  if (tensor.datatype === "BYTES") throw malformed(expected(`${main.name} to be numbers`, "BYTES"));
  const [, , columns] = main.shape;
  const rank = main.shape.length;
  const isSingle = tensor.shape.length === rank - 1;
  if ((!isSingle && tensor.shape.length !== rank) || (columns !== undefined && tensor.shape.at(-1) !== columns)) {
    const one = columns === undefined ? "length" : `length, ${columns}`;
    throw malformed(expected(`${main.name} of shape [${one}] or [batch, ${one}]`, `[${tensor.shape.join(", ")}]`));
  }
  const [count, length] = isSingle ? [1, tensor.shape[0]] : tensor.shape;
  if (count === 0) throw malformed(expected(`at least one row in ${main.name}`, "none"));
  const states = named("state");
  if (states && (states.datatype !== "BYTES" || states.values.length !== count)) {
    throw malformed(expected(`${count} of BYTES in state`, `${states.values.length} of ${states.datatype}`));
  }
  return {
    isSingle,
    length,
    lengths: lengthsOf(named("lengths"), count, length),
    values: tensor.values,
    states: states?.datatype === "BYTES" ? states.values : undefined,
  };
}

function lengthsOf(tensor: Tensor | undefined, count: number, length: number): number[] {
  if (!tensor) return new Array(count).fill(length);
  if (tensor.values.length !== count) throw malformed(expected(`${count} in lengths`, tensor.values.length));
  return Array.from(tensor.values as ArrayLike<unknown>, (value) => {
    const own = typeof value === "bigint" ? Number(value) : value;
    if (typeof own === "number" && Number.isInteger(own) && own >= 1 && own <= length) return own;
    throw malformed(expected(`lengths from 1 to ${length}`, describe(own)));
  });
}

/** The outputs to give, their shapes known: what is to come can be counted before any of it is computed. */
function outputsOf(model: Model, batch: Batch, asked: readonly string[] | undefined): TensorMetadata[] {
  const width =
    model.kind === "music" ? batch.length - 1 : Math.ceil((batch.length - model.inputs) / model.shape.block);
  const all = tensorsOf(model).outputs.filter(({ name }) => name !== "nll" || !batch.states);
  const known = all.map(({ name }) => name);
  const names = asked ?? known;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw malformed(expected(`the output ${describe(twice)} once`, "it twice"));
  return names.map((name) => {
    const output = all.find((each) => each.name === name);
    if (!output) {
      throw malformed(
        expected(`the outputs ${known.join(", ")}${batch.states ? " beside state" : ""}`, describe(name)),
      );
    }
    const [, ...shape] = output.shape;
    return {
      ...output,
      shape: [batch.lengths.length, ...shape.map((size) => (size === -1 ? Math.max(0, width) : size))],
    };
  });
}

/** @throws SurprisalError `too-large` for more numbers than an answer may have; a state counts as those that it holds. */
function checkSize(outputs: readonly TensorMetadata[], { lengths }: Batch, model: Model, limits: Limits): void {
  const sizes = outputs.map(({ name, shape }) =>
    name === "state" ? lengths.length * model.stateLimits.length : shape.reduce((product, size) => product * size, 1),
  );
  if (sum(sizes) <= limits.numbers) return;
  const sentence = expected(`an answer of at most ${limits.numbers} numbers`, `one of ${sum(sizes)}`);
  throw new SurprisalError("too-large", `${sentence} Ask for fewer outputs, or send fewer rows at a time.`);
}

/** @throws SurprisalError of a batch with the number of the row. */
async function ofRow<T>({ isSingle }: Batch, row: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSingle || !(error instanceof SurprisalError)) throw error;
    throw new SurprisalError(error.code, `Row ${row} of the batch: ${error.message}`, { cause: error });
  }
}

async function readRow(model: Model, batch: Batch, row: number, limits: Limits, work: Work): Promise<Input> {
  const [start, length] = [row * batch.length, batch.lengths[row]];
  if (model.kind === "music") {
    checkFrames(length, limits);
    await work.step(length * model.pitches);
    return pieceOfRoll(rollOfMatrix(batch.values, { columns: model.pitches, first: start, frames: length }), limits);
  }
  const samples = Float32Array.from({ length }, (_, t) => Number(batch.values[start + t]));
  return recordingOf({ samples, sampleRate: model.sampleRate }, limits, work);
}

interface Calls {
  readonly score: boolean;
  readonly predict: boolean;
}

function costOf(input: Input, model: Model, calls: Calls, { adaptive }: InferOptions): number {
  if (isMusic(input) && model.kind === "music") {
    const own = [input, [model], [model], { adaptive }] as const;
    return (calls.score ? scoreMusicCost(...own) : 0) + (calls.predict ? predictMusicCost(...own) : 0);
  }
  if (isMusic(input) || model.kind === "music") return 0; // an input is read for its model
  return (Number(calls.score) + Number(calls.predict)) * speechCost(input, [model]);
}

/** What one row of a batch was answered. */
interface Row {
  readonly numbers: Readonly<Record<string, ArrayLike<number>>>;
  readonly texts: Readonly<Record<string, string>>;
  readonly readings: Reading[];
}

async function answer(
  input: Input,
  model: Model,
  { calls, state, adaptive }: InferOptions & { readonly calls: Calls; readonly state: string | undefined },
  models: readonly Model[],
  work: Work,
): Promise<Row> {
  const options = { models: [model.id], ...(adaptive !== undefined && { adaptive }) };
  const scored = calls.score ? await score(input, [model], { ...options, detail: "frames" }, work) : undefined;
  const predicted = calls.predict
    ? await predict(
        input,
        state === undefined ? [model] : models,
        { ...options, ...(state !== undefined && { state: [state] }) },
        work,
      )
    : undefined;
  const [one] = scored?.scores ?? [];
  const [next] = predicted?.predictions ?? [];
  const warnings = [...input.input.warnings, ...(one ?? next).warnings];
  return {
    numbers: { ...(one && { nll: nllOf(one) }), ...(next && numbersOf(next, model)) },
    texts: { ...(next && { state: next.state }), warnings: JSON.stringify(warnings) },
    readings: [scored, predicted].flatMap((each) => (each ? readingsOf(each, [model]) : [])).slice(0, 1),
  };
}

type Scored = Awaited<ReturnType<typeof score>>["scores"][number];
type Predicted = Awaited<ReturnType<typeof predict>>["predictions"][number];

/** Of the scored frames or blocks. */
const nllOf = (one: Scored): number[] =>
  "perStep" in one ? (one.perStep ?? []) : "perFrame" in one ? (one.perFrame ?? []).filter((nll) => nll !== null) : [];

function numbersOf(next: Predicted, model: Model): Row["numbers"] {
  if ("probabilities" in next) {
    const { probabilities, standardErrors = new Float64Array(probabilities.length) } = next;
    return { probabilities, standardErrors };
  }
  const block = model.kind === "audio" ? model.shape.block : 0;
  const padded = (table: readonly (readonly number[])[]) =>
    table.flatMap((row) => [...row, ...new Array(block - row.length).fill(0)]);
  return { weights: next.weights, means: padded(next.means), scales: padded(next.scales) };
}

/** Rows as one tensor, each padded by zeros. */
function stack({ name, datatype, shape }: TensorMetadata, { isSingle }: Batch, rows: readonly Row[]): Output {
  if (datatype === "BYTES") return { name, datatype, shape, values: rows.map(({ texts }) => texts[name]) };
  const [, ...own] = shape;
  const size = own.reduce((product, each) => product * each, 1);
  const values = new Float64Array(rows.length * size);
  for (const [row, { numbers }] of rows.entries()) values.set(Array.from(numbers[name]), row * size);
  return { name, datatype: "FP64", shape: isSingle ? own : shape, values };
}

const malformed = (sentence: string) => new SurprisalError("malformed-request", sentence);
