import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { readMatlabCells } from "../../src/training/matlab.ts";
import { Random } from "../support/random.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/music/${name}`, import.meta.url));

describe.each(["cells.mat", "cells-compressed.mat"])("%s as scipy wrote it", (name) => {
  const variables = readMatlabCells(fixture(name));

  test("has its variables in order", () => {
    expect([...variables.keys()]).toEqual(["rolls", "types"]);
  });

  test("has matrices column by column, the small and the empty too", () => {
    expect(variables.get("rolls")).toEqual([
      { rows: 2, columns: 3, values: new Uint8Array([0, 1, 1, 1, 0, 0]) },
      { rows: 1, columns: 3, values: new Uint8Array([1, 0, 1]) },
      { rows: 0, columns: 3, values: new Uint8Array() },
    ]);
  });

  test("has numbers of every type to the last bit", () => {
    expect(variables.get("types")?.map(({ values }) => values)).toEqual([
      new Float64Array([-1.5, 1e300, 2.25, 0]),
      new Float32Array([-0.5, 3]),
      new Int8Array([-128, 127]),
      new Int16Array([-32768, 32767]),
      new Uint16Array([65535]),
      new Int32Array([-(2 ** 31), 2 ** 31 - 1]),
      new Uint32Array([2 ** 32 - 1]),
    ]);
  });
});

/** The header of a MATLAB file with these elements after it. */
const fileOf = (...elements: Uint8Array[]) => Buffer.concat([fixture("cells.mat").subarray(0, 128), ...elements]);

/** An element: its tag, then its body padded to 8 bytes. */
function element(type: number, body: Uint8Array, { claimed = body.length, pad = true } = {}): Uint8Array {
  const bytes = new Uint8Array(8 + (pad ? Math.ceil(body.length / 8) * 8 : body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, claimed, true);
  bytes.set(body, 8);
  return bytes;
}

const compressed = (inner: Uint8Array) => element(15, deflateSync(inner), { pad: false });

interface ArrayParts {
  classCode?: number;
  shape?: number[];
  name?: string;
  parts?: Uint8Array[];
}

/** An array element; by default an unnamed matrix of uint8. */
function array({ classCode = 9, shape = [1, 2], name = "", parts = [element(2, new Uint8Array([0, 1]))] }: ArrayParts) {
  const flags = element(6, new Uint8Array(new Uint32Array([classCode, 0]).buffer));
  const lengths = element(5, new Uint8Array(new Int32Array(shape).buffer));
  return element(14, Buffer.concat([flags, lengths, element(1, new TextEncoder().encode(name)), ...parts]));
}

const cellsOf = (...cells: Uint8Array[]) =>
  array({ classCode: 1, shape: [1, cells.length], name: "rolls", parts: cells });

function changed(bytes: Uint8Array, position: number, ...values: number[]): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(values, position);
  return copy;
}

describe("a MATLAB file is refused", () => {
  test("unless it is damaged: the builders of these tests make files that are read", () => {
    const wanted = new Map([["rolls", [{ rows: 1, columns: 2, values: new Uint8Array([0, 1]) }]]]);
    expect(readMatlabCells(fileOf(cellsOf(array({}))))).toEqual(wanted);
    expect(readMatlabCells(fileOf(compressed(cellsOf(array({})))))).toEqual(wanted);
  });

  const whole = fixture("cells.mat");
  test.each<[string, Uint8Array, string]>([
    ["when it ends in its header", whole.subarray(0, 100), "Expected a header of 128 bytes, got 100."],
    [
      "when it is big-endian",
      changed(whole, 124, 1, 0, 0x4d, 0x49),
      'Expected the byte order mark "IM" (MATLAB v5, little-endian), got "MI".',
    ],
    ["when it is of v7.3", changed(whole, 124, 0, 2), "Expected the format version 256 (MATLAB v5), got 512."],
    ["when it ends in a tag", fileOf(new Uint8Array(5)), "Expected 8 bytes of an element's tag, got 5."],
    ["when it ends in an element", whole.subarray(0, -8), "Expected an element of at most"],
    [
      "when an element claims more than there is",
      fileOf(element(14, new Uint8Array(8), { claimed: 2 ** 32 - 1 })),
      "Expected an element of at most the 8 bytes that are left, got 4294967295.",
    ],
    [
      "when a small element claims more than 4 bytes",
      fileOf(new Uint8Array([14, 0, 5, 0, 0, 0, 0, 0])),
      "Expected an element of at most the 4 bytes that are left, got 5.",
    ],
    [
      "when the compression is damaged",
      fileOf(element(15, new Uint8Array([1, 2, 3]), { pad: false })),
      "A compressed element of 3 bytes cannot be inflated",
    ],
    ["when it inflates to more than a limit", fileOf(compressed(new Uint8Array(2 ** 28 + 1))), "cannot be inflated"],
    [
      "when a compressed element is empty",
      fileOf(compressed(new Uint8Array())),
      "Expected one element in a compressed element, got 0.",
    ],
    [
      "when a variable is not an array",
      fileOf(element(2, new Uint8Array(8))),
      "Expected an array (type 14), got type 2.",
    ],
    ["when an array is empty", fileOf(element(14, new Uint8Array())), "does not begin with its flags, shape and name."],
    [
      "when a variable is a matrix",
      fixture("not-cells.mat"),
      'Expected a cell array (class 1) as variable "numbers", got class 6.',
    ],
    [
      "when a variable stands twice",
      fileOf(cellsOf(), cellsOf()),
      'Expected variables of distinct names, got two of "rolls".',
    ],
    [
      "when a cell is missing",
      fileOf(array({ classCode: 1, name: "rolls", parts: [array({})] })),
      'Expected 2 cells in "rolls", got 1.',
    ],
    [
      "when a cell is a cell array",
      fileOf(cellsOf(cellsOf())),
      'Expected a matrix of real numbers in cell 0 of "rolls", got one of class 1.',
    ],
    [
      "when a cell is complex",
      fixture("complex.mat"),
      'Expected a matrix of real numbers in cell 0 of "rolls", got complex ones.',
    ],
    ["when a matrix has three dimensions", fileOf(cellsOf(array({ shape: [1, 1, 2] }))), "got 3 and 1."],
    [
      "when an array has one dimension",
      fileOf(cellsOf(array({ shape: [2] }))),
      "Expected an array of two or more lengths from 0 up, got 2.",
    ],
    ["when a length is negative", fileOf(cellsOf(array({ shape: [-1, -2] }))), "got -1 x -2."],
    [
      "when a matrix lacks numbers",
      fileOf(cellsOf(array({ shape: [1e6, 1e6] }))),
      "Expected 1000000 x 1000000 numbers in",
    ],
    ["when its numbers are text", fileOf(cellsOf(array({ parts: [element(16, new Uint8Array(2))] }))), "got 16."],
    [
      "when its numbers end in a number",
      fileOf(cellsOf(array({ parts: [element(3, new Uint8Array(3))] }))),
      "Expected a multiple of 2 bytes of numbers in",
    ],
  ])("%s", (_, bytes, sentence) => {
    const read = () => readMatlabCells(bytes);
    expect(read).toThrow(SurprisalError);
    expect(read).toThrow(sentence);
  });

  test.each(["cells.mat", "cells-compressed.mat"])("or read, whatever bytes of %s are changed", (name) => {
    const random = new Random(20);
    const original = fixture(name);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from(original);
      for (let change = random.integer(1, 4); change > 0; change--) {
        bytes[random.integer(124, bytes.length - 1)] = random.integer(0, 255);
      }
      try {
        readMatlabCells(bytes.subarray(0, random.uniform() < 0.2 ? random.integer(0, bytes.length) : undefined));
      } catch (error) {
        expect(error).toBeInstanceOf(SurprisalError);
        expect(error).toMatchObject({ code: "malformed-data" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});
