/**
 * safetensors bytes <-> named float32 tensors and metadata. Format: github.com/huggingface/safetensors, "Format": the
 * header's length (u64, little-endian), the header (JSON), then the tensors without gap or overlap.
 */

import { expected, SurprisalError } from "../errors.ts";
import { MAX_HEADER_BYTES } from "../limits.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array; // (…shape), row-major
}

export interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

/** Writes tensors in the order given and metadata by name, so that equal content gives equal bytes. */
export function writeSafetensors({ metadata, tensors }: TensorFile): Uint8Array<ArrayBuffer> {
  const byName = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { [METADATA]: Object.fromEntries(byName) };
  let dataLength = 0;
  for (const [name, { shape, values }] of tensors) {
    const begin = dataLength;
    dataLength += values.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [begin, dataLength] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8; // aligns the data
  const bytes = new Uint8Array(LENGTH_BYTES + headerLength + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerLength);
  bytes.set(json, LENGTH_BYTES);
  let position = LENGTH_BYTES + headerLength;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), position);
    position += values.byteLength;
  }
  return bytes;
}

/**
 * Reads a file whose tensors are all float32. They may be views of its bytes; what is allocated is bounded by their length.
 * @throws SurprisalError `malformed-checkpoint` when the file is damaged.
 */
export function readSafetensors(bytes: Uint8Array): TensorFile {
  if (bytes.length < LENGTH_BYTES) {
    throw malformed(expected(`a file of at least ${LENGTH_BYTES} bytes`, bytes.length));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  const room = Math.min(bytes.length - LENGTH_BYTES, MAX_HEADER_BYTES);
  if (headerLength > room) throw malformed(expected(`a header of at most ${room} bytes`, String(headerLength)));
  const dataStart = LENGTH_BYTES + Number(headerLength);
  const { [METADATA]: metadata = {}, ...entries } = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart));
  if (!isObject(metadata) || !Object.values(metadata).every((text) => typeof text === "string")) {
    throw malformed("The metadata are not strings by name, as they must be.");
  }
  const places = Object.entries(entries).map(([name, entry]) => readPlace(name, entry));
  const data = bytes.subarray(dataStart);
  checkCover(places, data.length);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, begin, end } of places) {
    tensors.set(name, { shape, values: floats(data.subarray(begin, end)) });
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

/** A view where the bytes are aligned, and else a copy: nothing says that a file is. */
function floats(bytes: Uint8Array): Float32Array {
  const size = Float32Array.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(buffer, byteOffset, byteLength / size);
}

/** Where a tensor stands in the data, in bytes. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(expected("a header of tensors in JSON", `${bytes.length} bytes that are not JSON`), { cause });
  }
  if (!isObject(header)) throw malformed(expected("a header that is an object of tensors", "another JSON value"));
  return header;
}

function readPlace(name: string, entry: unknown): Place {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (dtype !== "F32") throw malformed(expected(`tensor ${name} of dtype "F32"`, JSON.stringify(dtype) ?? "none"));
  if (!areLengths(shape))
    throw malformed(expected(`tensor ${name} with a shape of lengths`, JSON.stringify(shape) ?? "none"));
  if (!areLengths(offsets) || offsets.length !== 2) {
    throw malformed(expected(`tensor ${name} with two offsets`, JSON.stringify(offsets) ?? "none"));
  }
  const [begin, end] = offsets;
  const size = shape.reduce((all, length) => all * length, Float32Array.BYTES_PER_ELEMENT);
  if (end - begin !== size) {
    throw malformed(expected(`tensor ${name} of ${size} bytes for shape (${shape.join(", ")})`, end - begin));
  }
  return { name, shape, begin, end };
}

function checkCover(places: readonly Place[], dataLength: number): void {
  let position = 0;
  for (const { name, begin, end } of places.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) throw malformed(expected(`tensor ${name} to begin at byte ${position} of the data`, begin));
    position = end;
  }
  if (position !== dataLength) {
    throw malformed(expected(`tensors of the ${dataLength} bytes that follow the header`, position));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const areLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);

const malformed = (detail: string, options?: ErrorOptions) =>
  new SurprisalError("malformed-checkpoint", detail, options);
