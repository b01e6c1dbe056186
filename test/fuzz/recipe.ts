/** A file and what is done to it -> bytes. Recipes shrink: to fewer changes, to a smaller file, to changes nearer its start. */
import fc from "fast-check";

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Numbers at which parsers err: signs, powers of two, and their neighbours. */
const INTERESTING = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];

const place = fc.oneof(
  { weight: 2, arbitrary: fc.nat(200) }, // headers
  { weight: 1, arbitrary: fc.nat(2 ** 17) },
);

const change = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("write" as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc.record({
    kind: fc.constant("number" as const),
    at: place,
    number: fc.constantFrom(...INTERESTING),
    size: fc.constantFrom(1, 2, 3, 4),
    isLittle: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("insert" as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant("remove" as const), at: place, length: fc.nat(300) }),
  fc.record({ kind: fc.constant("repeat" as const), at: place, length: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ kind: fc.constant("end" as const), at: place }),
  fc.record({ kind: fc.constant("splice" as const), at: place, other: fc.nat(100), from: place }),
);
export type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

export interface Recipe {
  readonly seed: number;
  readonly changes: readonly Change[];
}

/** A few changes of one of the seeds; now and then none. */
export const recipe = (seeds: readonly Seed[], most = 6): fc.Arbitrary<Recipe> =>
  fc.record({ seed: fc.nat(seeds.length - 1), changes: fc.array(change, { maxLength: most, size: "max" }) });

export const bake = (seeds: readonly Seed[], { seed, changes }: Recipe): Uint8Array<ArrayBuffer> =>
  changes.reduce((bytes, each) => changed(bytes, each, seeds), Uint8Array.from(seeds[seed].bytes));

function changed(bytes: Uint8Array<ArrayBuffer>, change: Change, seeds: readonly Seed[]): Uint8Array<ArrayBuffer> {
  const at = change.at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (change.kind) {
    case "flip":
      return joined(
        before,
        after.slice(0, 1).map((byte) => byte ^ (1 << change.bit)),
        after.subarray(1),
      );
    case "write":
      return joined(before, change.bytes, after.subarray(change.bytes.length));
    case "number": {
      const { number, size, isLittle } = change;
      const digits = Uint8Array.from({ length: size }, (_, i) => number >>> (8 * (isLittle ? i : size - 1 - i)));
      return joined(before, digits, after.subarray(size));
    }
    case "insert":
      return joined(before, change.bytes, after);
    case "remove":
      return joined(before, after.subarray(change.length));
    case "repeat":
      return joined(before, after.subarray(0, change.length), after);
    case "end":
      return before.slice();
    case "splice": {
      const { bytes: other } = seeds[change.other % seeds.length];
      return joined(before, other.subarray(change.from % (other.length + 1)));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
