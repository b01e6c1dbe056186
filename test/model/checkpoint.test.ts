import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import {
  CELLS,
  type Cell,
  countParameters,
  emptyTensors,
  type Tensors,
  tensorShapes,
} from "../../src/kernel/config.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { Random, randomTensors } from "../support/random.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/checkpoint/${name}`, import.meta.url));
const golden: Record<Cell, { metadata: Record<string, string>; tensors: Record<string, { sha256: string }> }> =
  JSON.parse(fixture("golden.json").toString());

const nameInFile = (name: string) => (/^a$/i.test(name) ? `head.${name}` : `rnn.${name}`);

function checkpointOf(cell: Cell): Checkpoint {
  const config = { cell, inputs: 5, units: 3, outputs: 5 };
  return { config, tensors: randomTensors(config, new Random(7)), metadata: { set: "jsb", note: "reçu ♪" } };
}

describe.each(CELLS)("a %s checkpoint", (cell) => {
  test("written by the reference implementation is read as that reads it", () => {
    const { config, tensors, metadata } = readCheckpoint(fixture(`${cell}.safetensors`));
    expect(config).toEqual({ cell, inputs: 5, units: 3, outputs: 5 });
    expect(metadata).toEqual(golden[cell].metadata);
    const hashes = Object.entries(tensors).map(([name, values]) => [
      nameInFile(name),
      createHash("sha256").update(values).digest("hex"),
    ]);
    const wanted = Object.entries(golden[cell].tensors).map(([name, { sha256 }]) => [name, sha256]);
    expect(hashes.sort()).toEqual(wanted);
  });

  test("is read as it was written, and says its own shape", () => {
    const checkpoint = checkpointOf(cell);
    expect(readCheckpoint(writeCheckpoint(checkpoint))).toEqual({
      ...checkpoint,
      metadata: { ...checkpoint.metadata, format: "surprisal/1", cell, units: "3", head: "bernoulli" },
    });
  });

  test("with a NADE head keeps its four tensors, under the names of the format", () => {
    const config = { cell, inputs: 5, units: 3, outputs: 5, nade: { hidden: 2 } };
    const tensors = randomTensors(config, new Random(8));
    const bytes = writeCheckpoint({ config, tensors, metadata: {} });
    const read = readCheckpoint(bytes);
    expect(read).toMatchObject({ config, tensors, metadata: { head: "nade", hidden: "2" } });
    const header = new TextDecoder().decode(bytes);
    for (const [name, shape] of [
      ["nade.C", "[3,2]"],
      ["nade.c", "[2]"],
      ["nade.W", "[5,2]"],
      ["nade.V", "[5,2]"],
    ]) {
      expect(header).toContain(`"${name}":{"dtype":"F32","shape":${shape}`);
    }
    const { C: _, ...without } = tensors;
    expect(() => writeCheckpoint({ config, tensors: without, metadata: {} })).toThrow(
      "6 numbers in tensor nade.C, got 0.",
    );
  });

  test("has the same bytes whatever the order of its metadata", () => {
    const checkpoint = checkpointOf(cell);
    const turned = { ...checkpoint, metadata: { note: "reçu ♪", set: "jsb" } };
    expect(writeCheckpoint(turned)).toEqual(writeCheckpoint(checkpoint));
  });

  test("has its tensors at multiples of 8 bytes in the file", () => {
    const bytes = writeCheckpoint(checkpointOf(cell));
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
  });

  test("is read at any place in a larger buffer", () => {
    const bytes = writeCheckpoint(checkpointOf(cell));
    const larger = new Uint8Array(bytes.length + 8);
    larger.set(bytes, 3);
    expect(readCheckpoint(larger.subarray(3, 3 + bytes.length))).toEqual(readCheckpoint(bytes));
  });

  test("has empty tensors of its shapes", () => {
    const { config, tensors } = checkpointOf(cell);
    const lengths = (all: Tensors) => Object.entries(all).map(([name, values]) => [name, values.length]);
    expect(lengths(emptyTensors(config))).toEqual(lengths(tensors));
    expect(Object.keys(tensorShapes(config))).toEqual(Object.keys(tensors));
  });

  test("that was changed in any byte is read or refused in a sentence", () => {
    const random = new Random(CELLS.indexOf(cell) + 1);
    const original = writeCheckpoint(checkpointOf(cell));
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = original.slice(0, random.uniform() < 0.2 ? random.integer(0, original.length) : undefined);
      // Half of the changes in the first bytes, where the file's structure is.
      const reach = Math.min(bytes.length, random.uniform() < 0.5 ? 64 : Number.POSITIVE_INFINITY);
      for (let change = random.integer(0, 4); change > 0 && reach > 0; change--) {
        bytes[random.integer(0, reach - 1)] = random.integer(0, 255);
      }
      try {
        readCheckpoint(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SurprisalError);
        expect(error).toMatchObject({ code: "malformed-checkpoint", message: expect.stringMatching(/\.$/) });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

/** The header of the written file, changed, before the same data; or raw text in its place. */
function withHeader(change: (header: Record<string, Record<string, unknown>>) => unknown): Uint8Array {
  const bytes = writeCheckpoint(checkpointOf("gru"));
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const changed = change(header) ?? header;
  const text = new TextEncoder().encode(typeof changed === "string" ? changed : JSON.stringify(changed));
  const start = new Uint8Array(8);
  new DataView(start.buffer).setUint32(0, text.length, true);
  return Buffer.concat([start, text, bytes.subarray(8 + length)]);
}

const withMetadata = (changes: Record<string, unknown>) =>
  withHeader((header) => {
    Object.assign(header.__metadata__, changes);
  });

const withTensor = (name: string, changes: Record<string, unknown>) =>
  withHeader((header) => {
    Object.assign(header[name], changes);
  });

function withNumber(value: number): Uint8Array {
  const bytes = writeCheckpoint(checkpointOf("gru"));
  new DataView(bytes.buffer).setFloat32(bytes.length - 4, value, true);
  return bytes;
}

describe("a damaged checkpoint is refused", () => {
  const whole = writeCheckpoint(checkpointOf("gru"));
  const hugeHeader = whole.slice();
  hugeHeader.fill(0xff, 0, 8);

  test.each<[string, Uint8Array, string]>([
    ["when it is empty", new Uint8Array(), "Expected a file of at least 8 bytes, got 0."],
    ["when its header ends beyond it", whole.slice(0, 100), "Expected a header of at most 92 bytes, got"],
    ["when its header is 2^64 - 1 bytes long", hugeHeader, "got 18446744073709551615."],
    ["when its header is not JSON", withHeader(() => "{"), "not JSON"],
    ["when its header nests without end", withHeader(() => "[".repeat(500_000)), "not JSON"],
    ["when its header is a list", withHeader(() => "[]"), "a header that is an object of tensors"],
    ["when its metadata are a list", withHeader((header) => ({ ...header, __metadata__: [] })), "metadata"],
    ["when its metadata are numbers", withMetadata({ seed: 3 }), "metadata"],
    ["when it is of another format", withMetadata({ format: "surprisal/2" }), 'got "surprisal/2".'],
    [
      "when it has no metadata",
      withHeader(({ __metadata__, ...rest }) => rest),
      'Expected the format "surprisal/1", got undefined.',
    ],
    [
      "when its cell is unknown",
      withMetadata({ cell: "elman" }),
      'Expected one of the cells tanh, lstm, gru, got "elman".',
    ],
    ["when its head is unknown", withMetadata({ head: "poisson" }), 'got "poisson".'],
    [
      "when its mixture has no size",
      withMetadata({ head: "mixture" }),
      "Expected components from 1 to 256, got undefined.",
    ],
    [
      "when its mixture has other outputs",
      withMetadata({ head: "mixture", components: "20", block: "10" }),
      "Expected tensor head.A of shape",
    ],
    ["when its head has no size", withMetadata({ head: "nade" }), "Expected hidden units of the head from 1 to 4096"],
    [
      "when its head has no tensors",
      withMetadata({ head: "nade", hidden: "8" }),
      "Expected the tensors head.A, head.a, nade.C",
    ],
    ["when its units are no number", withMetadata({ units: "many" }), 'Expected units from 1 to 4096, got "many".'],
    ["when its units are absurd", withMetadata({ units: "9999" }), 'Expected units from 1 to 4096, got "9999".'],
    ["when its units are none", withMetadata({ units: "0" }), 'Expected units from 1 to 4096, got "0".'],
    ["when its units are others", withMetadata({ units: "4" }), "of shape"],
    [
      "when a tensor is missing",
      withHeader((header) => {
        header["rnn.b"].shape = [9];
        header["rnn.bias"] = header["rnn.b"];
        delete header["rnn.b"];
      }),
      "Expected the tensors head.A, head.a, rnn.U, rnn.W, rnn.b, got head.A, head.a, rnn.U, rnn.W, rnn.bias.",
    ],
    [
      "when there are no tensors",
      withHeader((h) => ({ __metadata__: h.__metadata__ })),
      "bytes that follow the header, got 0.",
    ],
    [
      "when a tensor is extra",
      withHeader((h) => ({ ...h, "rnn.x": { dtype: "F32", shape: [0], data_offsets: [0, 0] } })),
      "rnn.b, rnn.x.",
    ],
    ["when a tensor is of another type", withTensor("rnn.b", { dtype: "F16" }), 'of dtype "F32", got "F16".'],
    [
      "when a tensor is of another shape",
      withTensor("rnn.W", { shape: [9, 5] }),
      "Expected tensor rnn.W of shape (9, 9), got (9, 5).",
    ],
    [
      "when a bias is a matrix",
      withTensor("rnn.b", { shape: [3, 3] }),
      "Expected tensor rnn.b of shape (9), got (3, 3).",
    ],
    ["when a length is negative", withTensor("rnn.W", { shape: [-5, -9] }), "with a shape of lengths, got [-5,-9]."],
    ["when a length overflows", withTensor("rnn.W", { shape: [2 ** 40, 2 ** 40] }), ", got 180."],
    ["when a tensor lies beyond the file", withTensor("head.a", { data_offsets: [4e6, 4e6 + 20] }), "to begin at byte"],
    ["when a tensor overlaps another", withTensor("rnn.U", { data_offsets: [0, 108] }), "of the data, got 0."],
    ["when its offsets turn back", withTensor("rnn.U", { data_offsets: [108, 0] }), ", got -108."],
    ["when it has no offsets", withTensor("rnn.U", { data_offsets: null }), "with two offsets, got null."],
    [
      "when a tensor's entry is null",
      withHeader((header) => ({ ...header, "rnn.U": null })),
      'of dtype "F32", got none.',
    ],
    ["when bytes are missing", whole.slice(0, -4), "bytes that follow the header, got"],
    ["when bytes are left over", Buffer.concat([whole, new Uint8Array(4)]), "bytes that follow the header, got"],
    [
      "when a weight is not a number",
      withNumber(Number.NaN),
      "Expected numbers of at most 1000000 in size in tensor head.a, got NaN at index 4.",
    ],
    ["when a weight is so large that sums overflow", withNumber(3e38), "in tensor head.a, got 3"],
    ["when a weight is infinite", withNumber(Number.NEGATIVE_INFINITY), "got -Infinity at index 4."],
  ])("%s", (_, bytes, sentence) => {
    const read = () => readCheckpoint(bytes);
    expect(read).toThrow(SurprisalError);
    expect(read).toThrow(sentence);
  });
});

describe("a checkpoint that could not be read again is not written", () => {
  const { config, tensors, metadata } = checkpointOf("gru");
  test.each<[string, Checkpoint, string]>([
    [
      "with a missing tensor",
      { config: { ...config, cell: "lstm" }, tensors, metadata },
      "numbers in tensor rnn.W, got 45.",
    ],
    [
      "with a tensor too short",
      { config, tensors: { ...tensors, b: new Float32Array(8) }, metadata },
      "Expected 9 numbers",
    ],
    [
      "with weights that have diverged",
      { config, tensors: { ...tensors, a: new Float32Array(5).fill(Number.POSITIVE_INFINITY) }, metadata },
      "in tensor head.a, got Infinity at index 0.",
    ],
    [
      "with more inputs than there are MIDI pitches",
      {
        config: { ...config, inputs: 128, outputs: 128 },
        tensors: emptyTensors({ ...config, inputs: 128, outputs: 128 }),
        metadata,
      },
      "Expected tensor rnn.W of 1 to 127 rows, got 128.",
    ],
    [
      "with other outputs than inputs",
      {
        config: { ...config, outputs: 4 },
        tensors: { ...tensors, A: new Float32Array(12), a: new Float32Array(4) },
        metadata,
      },
      "Expected tensor head.A of shape (3, 5), got (3, 4).",
    ],
  ])("%s", (_, checkpoint, sentence) => {
    expect(() => writeCheckpoint(checkpoint)).toThrow(sentence);
  });
});

describe("the number of parameters is that of Chung et al. (2014)", () => {
  test.each<[Cell, number, number]>([
    ["lstm", 195, 169_065],
    ["gru", 227, 168_888],
    ["tanh", 400, 168_400],
  ])("for speech: %s with %i units, %i", (cell, units, count) => {
    expect(countParameters({ cell, units, inputs: 20, outputs: 420 })).toBe(count);
  });

  test.each<[Cell, number, number]>([
    ["lstm", 36, 19_764],
    ["gru", 46, 20_217],
    ["tanh", 100, 20_050],
  ])("for music at the mean of the sets' widths, without biases: %s with %i units, %i", (cell, units, count) => {
    expect(countParameters({ cell, units, inputs: 100.5, outputs: 100.5 }, { biases: false })).toBe(count);
  });

  test("and counts every stored weight of the recurrent layer", () => {
    for (const cell of CELLS) {
      const config = { cell, inputs: 7, units: 4, outputs: 7 };
      const { A, a, ...recurrent } = emptyTensors(config);
      const stored = Object.values(recurrent).reduce((sum, { length }) => sum + length, 0);
      expect(countParameters(config)).toBe(stored);
    }
  });
});
