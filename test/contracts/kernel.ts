/**
 * What every implementation of Engine must do, held against independent truth: ONNX Runtime for the forward pass,
 * TensorFlow.js for the gradients, arithmetic in float64 for what neither covers.
 */
import { describe, expect, test } from "vitest";
import { CELLS, type Cell, type Config, type Tensors } from "../../src/kernel/config.ts";
import { type Batch, type Engine, rowCount, type SparseRows, stateSize } from "../../src/kernel/engine.ts";
import type { Capacity } from "../../src/kernel/kernel.ts";
import { activeColumns, softplus } from "../../src/kernel/reference-heads.ts";
import { onnxLogits } from "../support/oracles/onnx.ts";
import { autodiffGradients } from "../support/oracles/tensorflow.ts";
import { type Frames, pack, Random, randomFrames, randomTensors } from "../support/random.ts";

export type CreateEngine = (config: Config, capacity: Capacity) => Engine;

const CAPACITY: Capacity = { rows: 400, sequences: 16, training: true };

/** Units and columns: none a multiple of 4, all, and each of the two; below, at and above a few vectors. */
export const SIZES: readonly (readonly [units: number, columns: number])[] = [
  [1, 1],
  [3, 7],
  [5, 93],
  [4, 8],
  [46, 105],
  [36, 96],
  [7, 16],
];

/** The heads of binary frames. */
export const HEADS = ["bernoulli", "nade"] as const;
type Head = (typeof HEADS)[number];

/** Every cell with every head of binary frames. */
export const CELLS_AND_HEADS = CELLS.flatMap((cell) => HEADS.map((head) => [cell, head] as const));

export const configOf = (
  cell: Cell,
  [units, columns]: readonly [number, number],
  head: Head = "bernoulli",
): Config => ({
  cell,
  inputs: columns,
  units,
  outputs: columns,
  ...(head === "nade" && { nade: { hidden: units > 30 ? 64 : units + 2 } }), // multiples of 4 and others
});

/** Lengths (frames) with ties, out of order, and the shortest possible. */
export const RAGGED = [5, 12, 2, 9, 12, 3, 2, 12, 7];

/** Pieces of these lengths; the first is all rests. */
export function raggedPieces(random: Random, { inputs }: Config, lengths = RAGGED): number[][][] {
  return lengths.map((frames, s) => randomFrames(random, frames, inputs, s === 0 ? 0 : 4));
}

/** ‖a - b‖ / ‖b‖ over each tensor, by name. */
export function relativeErrors(found: Tensors, wanted: Tensors): Record<string, number> {
  const errors = Object.entries(wanted).map(([name, b]: [string, Float32Array]) => {
    const a: Float32Array = found[name as keyof Tensors] ?? new Float32Array();
    if (a.length !== b.length) return [name, Number.POSITIVE_INFINITY];
    const norm = Math.hypot(...b);
    return [name, Math.hypot(...b.map((value, k) => a[k] - value)) / (norm || 1)];
  });
  return Object.fromEntries(errors);
}

const largest = (errors: Record<string, number>): number => Math.max(...Object.values(errors));

const run = (engine: Engine, pieces: readonly Frames[]): Float32Array => engine.forward(pack(pieces).batch).slice();

/** Dense targets: the average of the binary targets of batches, by their shares. */
function mixed(batches: readonly Batch<SparseRows>[], shares: readonly number[], columns: number): Float32Array {
  const soft = new Float32Array(rowCount(batches[0]) * columns);
  batches.forEach(({ targets }, n) => {
    for (let row = 0; row + 1 < targets.offsets.length; row++) {
      for (const column of activeColumns(targets, row)) soft[row * columns + column] += shares[n];
    }
  });
  return soft;
}

/** Whether a piece reaches the batch's last step. */
const isFinished = (frames: Frames, pieces: readonly Frames[]): boolean =>
  frames.length === Math.max(...pieces.map((piece) => piece.length));

export function kernelContract(name: string, create: CreateEngine): void {
  describe.each(CELLS_AND_HEADS)(`${name}, %s, head %s`, (cell, head) => {
    const random = new Random(CELLS.indexOf(cell) + 1 + CELLS.length * HEADS.indexOf(head));

    function loaded(config: Config, tensors = randomTensors(config, random)): { engine: Engine; tensors: Tensors } {
      const engine = create(config, CAPACITY);
      engine.load(tensors);
      return { engine, tensors };
    }

    test("gives the logits of ONNX Runtime within 1e-4, on 20 models and pieces", async () => {
      for (let n = 0; n < 20; n++) {
        const config = configOf(cell, random.pick(SIZES), head);
        const { engine, tensors } = loaded(config);
        const frames = randomFrames(random, random.integer(2, 60), config.inputs);
        run(engine, [frames]);
        const logits = engine.logits();
        const wanted = await onnxLogits(config, tensors, frames);
        expect(logits).toHaveLength(wanted.length);
        expect(Math.max(...wanted.map((logit, k) => Math.abs(logits[k] - logit)))).toBeLessThan(1e-4);
      }
    });

    test("gives the NLL that its logits have", () => {
      for (const size of SIZES) {
        const config = configOf(cell, size, head);
        const { engine } = loaded(config);
        const pieces = raggedPieces(random, config);
        const { rows } = pack(pieces);
        const nll = run(engine, pieces);
        const logits = engine.logits();
        pieces.forEach((frames, s) => {
          rows[s].forEach((row, t) => {
            const wanted = bernoulliNll(
              logits.subarray(row * config.outputs, (row + 1) * config.outputs),
              frames[t + 1],
            );
            expect(Math.abs(nll[row] - wanted)).toBeLessThan(1e-5 * Math.max(1, wanted));
          });
        });
      }
    });

    test("gives the right NLL where logits are as far as ±1e4", () => {
      const config = configOf(cell, [5, 9], head);
      const weights = randomTensors(config, random);
      const tensors = {
        ...weights,
        A: new Float32Array(5 * 9),
        ...(weights.M && { M: new Float32Array(weights.M.length) }),
      };
      const a = Float32Array.of(1e4, -1e4, 100, -100, 30, -30, 1.5, -0.5, 0);
      const { engine } = loaded(config, { ...tensors, a });
      const targets = [[0, 2, 4, 6], [1, 3, 5, 7], [0, 1, 2, 3, 4, 5, 6, 7, 8], [], [0]];
      const nll = run(engine, [[[], ...targets]]);
      targets.forEach((target, t) => {
        const wanted = bernoulliNll(a, target);
        expect(Math.abs(nll[t] - wanted)).toBeLessThan(1e-5 * wanted);
      });
      expect(Math.min(...nll)).toBeGreaterThan(0);
    });

    test("gives the gradients of TensorFlow.js within 1e-3, on ragged batches", () => {
      for (const size of SIZES) {
        const config = configOf(cell, size, head);
        const { engine, tensors } = loaded(config);
        const pieces = raggedPieces(random, config);
        const scale = 1 / pieces.length;
        const { batch } = pack(pieces);
        const found = engine.gradients(batch, scale);
        const wanted = autodiffGradients(
          config,
          tensors,
          pieces.map((frames) => ({ frames })),
          scale,
        );
        expect(Math.abs(sum(found.nll) / wanted.nll - 1)).toBeLessThan(1e-5);
        expect(largest(relativeErrors(found.tensors, wanted.tensors))).toBeLessThan(1e-3);
      }
    });

    if (head === "bernoulli")
      test("learns from soft targets as from binary ones in their proportion", () => {
        for (const size of SIZES) {
          const config = configOf(cell, size, head);
          const { engine } = loaded(config);
          const [{ batch }, other] = [pack(raggedPieces(random, config)), pack(raggedPieces(random, config))];
          const binary = [batch, { ...batch, targets: other.batch.targets }];
          const shares = [0.3, 0.7];
          const wanted = binary.map((each) => structuredClone(engine.gradients(each, 0.1)));
          const found = engine.gradients({ ...batch, targets: mixed(binary, shares, config.outputs) }, 0.1);
          found.nll.forEach((nll, row) => {
            expect(nll).toBeCloseTo(shares[0] * wanted[0].nll[row] + shares[1] * wanted[1].nll[row], 3);
          });
          const names = Object.keys(found.tensors) as (keyof Tensors)[];
          const average = names.map((name) => [
            name,
            wanted[0].tensors[name]?.map(
              (value, k) => shares[0] * value + shares[1] * (wanted[1].tensors[name]?.[k] ?? 0),
            ),
          ]);
          expect(largest(relativeErrors(found.tensors, Object.fromEntries(average)))).toBeLessThan(1e-4);
        }
      });

    test("takes a start state as constant, in NLL and gradients", () => {
      for (const size of SIZES) {
        const config = configOf(cell, size, head);
        const { engine, tensors } = loaded(config);
        const pieces = [9, 6, 6, 2].map((frames) => randomFrames(random, frames, config.inputs));
        const starts = pieces.map(() => random.normals(stateSize(config), 0.5));
        const { batch } = pack(pieces);
        engine.setState(concatenate(starts));
        const found = engine.gradients(batch, 1);
        const wanted = autodiffGradients(
          config,
          tensors,
          pieces.map((frames, s) => ({ frames, start: starts[s] })),
          1,
        );
        expect(Math.abs(sum(found.nll) / wanted.nll - 1)).toBeLessThan(1e-5);
        expect(largest(relativeErrors(found.tensors, wanted.tensors))).toBeLessThan(1e-3);
      }
    });

    test("gives NLL and gradients that do not depend on what it computed before", () => {
      const config = configOf(cell, [5, 93], head);
      const { engine, tensors } = loaded(config);
      const [first, second] = [raggedPieces(random, config), raggedPieces(random, config, [4, 6])];
      const { batch } = pack(second);
      const wanted = structuredClone(loaded(config, tensors).engine.gradients(batch, 0.5));
      engine.setState(random.normals(first.length * stateSize(config)));
      engine.gradients(pack(first).batch, 3);
      const found = engine.gradients(batch, 0.5);
      expect(found).toEqual(wanted);
      expect(run(engine, second)).toEqual(wanted.nll);
    });

    test("gives a batch the NLL and last states of its pieces one by one, bit for bit", () => {
      for (const size of SIZES) {
        const config = configOf(cell, size, head);
        const { engine } = loaded(config);
        const pieces = raggedPieces(random, config);
        const { rows } = pack(pieces);
        const nll = run(engine, pieces);
        const states = engine.state();
        const alone = pieces.map((frames) => ({ nll: run(engine, [frames]), state: engine.state(), frames }));
        alone.forEach((piece, s) => {
          expect(Float32Array.from(rows[s], (row) => nll[row])).toEqual(piece.nll);
        });
        const finished = alone.filter(({ frames }) => isFinished(frames, pieces));
        expect(finished.length).toBeGreaterThan(1);
        expect(states).toEqual(concatenate(finished.map(({ state }) => state)));
      }
    });

    test("continues from its own states as if it had not stopped, bit for bit", () => {
      for (const size of SIZES) {
        const config = configOf(cell, size, head);
        const { engine } = loaded(config);
        const pieces = raggedPieces(random, config, [13, 11, 8, 8, 6]);
        const { rows } = pack(pieces);
        const whole = run(engine, pieces);
        const lastState = engine.state();
        const cut = 4; // frame 4 is the last target of the first part and the first input of the second
        const parts = [pieces.map((frames) => frames.slice(0, cut + 1)), pieces.map((frames) => frames.slice(cut))];
        const beginning = run(engine, parts[0]);
        engine.setState(engine.state());
        const rest = run(engine, parts[1]);
        const rowsOf = parts.map((part) => pack(part).rows);
        pieces.forEach((_, s) => {
          const joined = [...rowsOf[0][s].map((row) => beginning[row]), ...rowsOf[1][s].map((row) => rest[row])];
          expect(joined).toEqual(rows[s].map((row) => whole[row]));
        });
        expect(engine.state()).toEqual(lastState);
      }
    });

    test("starts from zeros again after the batch that a state was set for", () => {
      const config = configOf(cell, [5, 8], head);
      const { engine } = loaded(config);
      const pieces = raggedPieces(random, config, [6, 4]);
      const wanted = run(engine, pieces);
      engine.setState(random.normals(2 * stateSize(config)));
      expect(run(engine, pieces)).not.toEqual(wanted);
      expect(run(engine, pieces)).toEqual(wanted);
    });

    describe("adapting to a piece", () => {
      const create1 = (config: Config) => create(config, { rows: 400, sequences: 1 });
      const RATE = 0.05;

      test("descends the gradients of TensorFlow.js, frame by frame, within 1e-3", () => {
        for (const size of SIZES) {
          const config = configOf(cell, size, head);
          const frames = randomFrames(random, 7, config.inputs);
          const tensors = randomTensors(config, random);
          const engine = create1(config);
          engine.load(tensors);
          const start = random.normals(stateSize(config), 0.5);
          engine.setState(start);
          const found = engine.adapt(pack([frames]).batch, RATE).slice();

          const stepper = create1(config);
          let [weights, state] = [tensors, start];
          found.forEach((nll, t) => {
            const pair = frames.slice(t, t + 2);
            const wanted = autodiffGradients(config, weights, [{ frames: pair, start: state }], 1);
            expect(Math.abs(nll - wanted.nll)).toBeLessThan(1e-4 * Math.max(1, wanted.nll));
            stepper.load(weights);
            stepper.setState(state);
            run(stepper, [pair]);
            state = stepper.state();
            weights = plus(weights, wanted.tensors, -RATE);
          });
          const change = (after: Tensors) => plus(after, tensors, -1);
          expect(largest(relativeErrors(change(engine.tensors()), change(weights)))).toBeLessThan(1e-3);
          expect(Math.hypot(...engine.state().map((value, k) => value - state[k]))).toBeLessThan(1e-4);
        }
      });

      test("gives each frame the NLL that its logits have", () => {
        const config = configOf(cell, [5, 93], head);
        const engine = create1(config);
        engine.load(randomTensors(config, random));
        const frames = randomFrames(random, 30, config.inputs);
        const nll = engine.adapt(pack([frames]).batch, RATE).slice();
        const logits = engine.logits();
        nll.forEach((found, t) => {
          const wanted = bernoulliNll(logits.subarray(t * config.outputs, (t + 1) * config.outputs), frames[t + 1]);
          expect(Math.abs(found - wanted)).toBeLessThan(1e-5 * Math.max(1, wanted));
        });
      });

      test("knows nothing of what comes later, bit for bit", () => {
        const config = configOf(cell, [46, 105], head);
        const tensors = randomTensors(config, random);
        const beginning = randomFrames(random, 20, config.inputs);
        const [first, second] = [0, 1].map(() => {
          const engine = create1(config);
          engine.load(tensors);
          return engine.adapt(pack([[...beginning, ...randomFrames(random, 20, config.inputs)]]).batch, RATE).slice();
        });
        expect(second.slice(0, 19)).toEqual(first.slice(0, 19));
        expect(second.slice(19)).not.toEqual(first.slice(19));
      });

      test("goes on from its own state and weights as if it had not stopped, bit for bit", () => {
        for (const size of SIZES) {
          const config = configOf(cell, size, head);
          const tensors = randomTensors(config, random);
          const frames = randomFrames(random, 24, config.inputs);
          const [whole, parts] = [create1(config), create1(config)];
          for (const engine of [whole, parts]) engine.load(tensors);
          const wanted = whole.adapt(pack([frames]).batch, RATE).slice();
          const found = [parts.adapt(pack([frames.slice(0, 9)]).batch, RATE).slice()];
          parts.setState(parts.state());
          found.push(parts.adapt(pack([frames.slice(8)]).batch, RATE).slice());
          expect(concatenate(found)).toEqual(wanted);
          expect(parts.tensors()).toEqual(whole.tensors());
          expect(parts.state()).toEqual(whole.state());
        }
      });

      test("changes nothing at a rate of 0, and is undone by loading the weights again, bit for bit", () => {
        const config = configOf(cell, [36, 96], head);
        const tensors = randomTensors(config, random);
        const engine = create1(config);
        engine.load(tensors);
        const pieces = [randomFrames(random, 30, config.inputs)];
        const wanted = run(engine, pieces);
        expect(engine.adapt(pack(pieces).batch, 0)).toEqual(wanted);
        engine.adapt(pack(pieces).batch, RATE);
        expect(run(engine, pieces)).not.toEqual(wanted);
        engine.load(tensors);
        expect(run(engine, pieces)).toEqual(wanted);
      });
    });

    test("works up to its capacity", () => {
      const config = configOf(cell, [3, 7], head);
      const tensors = randomTensors(config, random);
      const pieces = raggedPieces(random, config, [4, 4, 3]);
      const full = create(config, { rows: 8, sequences: 3, training: true });
      full.load(tensors);
      const { batch } = pack(pieces);
      expect(full.gradients(batch, 1)).toEqual(loaded(config, tensors).engine.gradients(batch, 1));
    });
  });
}

/** a + scale · b, tensor by tensor. */
function plus(a: Tensors, b: Tensors, scale: number): Tensors {
  const entries = Object.entries(a).map(([name, values]: [string, Float32Array]) => {
    const other = b[name as keyof Tensors] ?? new Float32Array(values.length);
    return [name, values.map((value, k) => value + scale * other[k])];
  });
  return Object.fromEntries(entries);
}

/** Σ softplus(l) - x l in float64, each term in the form that does not cancel. */
function bernoulliNll(logits: Float32Array, target: readonly number[]): number {
  return logits.reduce((nll, logit, d) => nll + softplus(target.includes(d) ? -logit : logit), 0);
}

export const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);

export const concatenate = (arrays: readonly Float32Array[]): Float32Array =>
  Float32Array.from(arrays.flatMap((array) => Array.from(array)));
