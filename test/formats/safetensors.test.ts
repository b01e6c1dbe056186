/** safetensors files: whatever is written reads back, and whatever else is read is tensors or a SurprisalError. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { readSafetensors, type Tensor, type TensorFile, writeSafetensors } from "../../src/formats/safetensors.ts";

const RUNS = { numRuns: 500 };

const name = fc.string({ unit: "binary" }).filter((text) => text !== "__metadata__" && text !== "__proto__");

const tensor = fc
  .array(fc.nat({ max: 4 }), { maxLength: 3 })
  .chain((shape) => {
    const size = shape.reduce((n, m) => n * m, 1);
    return fc.tuple(fc.constant(shape), fc.float32Array({ minLength: size, maxLength: size }));
  })
  .map(([shape, values]): Tensor => ({ shape, values }));

const file: fc.Arbitrary<TensorFile> = fc.record({
  metadata: fc.dictionary(name, fc.string({ unit: "binary" }), { maxKeys: 4 }).map((entries) => ({ ...entries })),
  tensors: fc
    .uniqueArray(fc.tuple(name, tensor), { maxLength: 4, selector: ([each]) => each })
    .map((each) => new Map(each)),
});

/** Tensors, or a SurprisalError of the one code; anything else fails the test. */
function readOrRefuse(bytes: Uint8Array): TensorFile | undefined {
  try {
    return readSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SurprisalError);
    expect(error).toMatchObject({ code: "malformed-checkpoint", message: expect.stringMatching(/\.$/) });
    return undefined;
  }
}

/** Each tensor has as many numbers as its shape says. */
function expectWhole({ tensors }: TensorFile): void {
  for (const { shape, values } of tensors.values()) expect(values).toHaveLength(shape.reduce((n, m) => n * m, 1));
}

describe("a file", () => {
  test("reads back as it was written, bit for bit, wherever it lies in memory", () => {
    fc.assert(
      fc.property(file, fc.nat({ max: 7 }), (written, offset) => {
        const bytes = writeSafetensors(written);
        const moved = new Uint8Array(offset + bytes.length);
        moved.set(bytes, offset);
        const read = readSafetensors(moved.subarray(offset));
        expect(read.metadata).toEqual(written.metadata);
        expect(read.tensors).toEqual(written.tensors);
        expect(writeSafetensors({ ...read, tensors: inOrder(read.tensors, written.tensors) })).toEqual(bytes);
      }),
      RUNS,
    );
  });

  test("of arbitrary bytes is refused or read whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = readOrRefuse(bytes);
        if (read) expectWhole(read);
      }),
      RUNS,
    );
  });

  test("with an arbitrary header of the right length is refused or read whole", () => {
    const entry = fc.record(
      {
        dtype: fc.constantFrom("F32", "F64", 1),
        shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 3 }), fc.jsonValue()),
        data_offsets: fc.oneof(fc.array(fc.nat({ max: 40 }), { maxLength: 3 }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.oneof(fc.dictionary(fc.string(), fc.oneof(entry, fc.jsonValue())), fc.jsonValue());
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), (json, data) => {
        const text = new TextEncoder().encode(JSON.stringify(json));
        const bytes = new Uint8Array(8 + text.length + data.length);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
        bytes.set(text, 8);
        bytes.set(data, 8 + text.length);
        const read = readOrRefuse(bytes);
        if (read) expectWhole(read);
      }),
      RUNS,
    );
  });

  test("with any byte changed or cut off is refused or read whole", () => {
    fc.assert(
      fc.property(file, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (written, at, value, cut) => {
        const bytes = writeSafetensors(written);
        const place = at % bytes.length;
        bytes[place] = value;
        const read = readOrRefuse(cut ? bytes.subarray(0, place) : bytes);
        if (read) expectWhole(read);
      }),
      RUNS,
    );
  });
});

/** Tensors in the order of others: JSON puts names such as "1" first. */
const inOrder = (tensors: ReadonlyMap<string, Tensor>, order: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...order.keys()].map((each) => [each, tensors.get(each) as Tensor]));
