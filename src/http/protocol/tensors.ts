/**
 * Bodies of the Open Inference Protocol <-> tensors. Their data stand in the JSON or, by the extension for binary tensor data, as
 * little-endian bytes after it, in the order in which the JSON names the tensors.
 */

import { expected, SurprisalError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import {
  type InferInput,
  type InferOutput,
  InferRequest,
  type InferResponse,
  type NUMERIC_TYPES,
} from "../../schema/protocol.ts";
import { joined } from "../../util/joined.ts";
import { describe, parse } from "../fault.ts";
import { parseObject } from "../json.ts";

type NumericType = (typeof NUMERIC_TYPES)[number];

/** An input; numbers may also be true and false, or bigints. */
export type Tensor = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly datatype: NumericType; readonly values: ArrayLike<number | bigint | boolean> }
  | { readonly datatype: "BYTES"; readonly values: readonly string[] }
);

/** An output. */
export type Output = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly datatype: "FP64"; readonly values: Float64Array }
  | { readonly datatype: "BYTES"; readonly values: readonly string[] }
);

export interface Inference {
  readonly request: Omit<InferRequest, "inputs">;
  readonly tensors: readonly Tensor[];
}

/** Typed arrays have the byte order of the machine, which is this one wherever a runtime for this code is. */
const ARRAYS = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const satisfies Record<NumericType, unknown>;

/** Bytes before each element of a tensor of BYTES, its length. */
const LENGTH_BYTES = 4;

/**
 * Reads the body of an inference.
 * @param headerLength bytes of the JSON, as the header Inference-Header-Content-Length says; without it all of the body
 * @throws SurprisalError `malformed-request` for what is no request of the protocol, `too-large` for too much JSON.
 */
export function readInference(
  body: Uint8Array<ArrayBuffer>,
  headerLength: string | undefined,
  { jsonBytes }: Pick<Limits, "jsonBytes">,
): Inference {
  const length = lengthOfJson(body, headerLength);
  if (length > jsonBytes) {
    throw new SurprisalError("too-large", expected(`at most ${jsonBytes} bytes of JSON`, length));
  }
  const json = parseObject(body.subarray(0, length), { wanted: "inputs" });
  const { inputs, ...request } = parse(InferRequest, json);
  let at = length;
  const tensors = inputs.map((input) => {
    const size = input.parameters?.binary_data_size;
    if (size === undefined) return tensorOfJson(input);
    if (input.data) throw malformed(expected(`data or binary_data_size of ${describe(input.name)}`, "both"));
    const bytes = body.subarray(at, at + size);
    at += size;
    if (at <= body.length) return tensorOfBytes(input, bytes);
    throw malformed(expected(`${at - length} bytes of tensors after the JSON, or more`, body.length - length));
  });
  if (at < body.length) {
    throw malformed(expected(`${at - length} bytes of tensors after the JSON`, body.length - length));
  }
  return { request, tensors };
}

function lengthOfJson(body: Uint8Array, header: string | undefined): number {
  if (header === undefined) return body.length;
  const length = /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (length <= body.length) return length;
  const wanted = `Inference-Header-Content-Length to be an integer up to the body's ${body.length} bytes`;
  throw malformed(expected(wanted, describe(header)));
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function tensorOfJson(input: InferInput): Tensor {
  const { name, shape, datatype, data } = input;
  if (!data) throw malformed(expected(`data or binary_data_size of ${describe(name)}`, "neither"));
  const values = flat(input, data);
  if (datatype === "BYTES") {
    const odd = values.find((value) => typeof value !== "string");
    if (odd !== undefined) throw malformed(expected(`texts in ${describe(name)}`, describe(odd)));
    return { name, shape, datatype, values: values as string[] };
  }
  const odd = values.findIndex((value) => typeof value !== "number" && typeof value !== "boolean");
  if (odd !== -1) throw malformed(expected(`numbers in ${describe(name)}`, `${describe(values[odd])} at ${odd}`));
  return { name, shape, datatype, values: values as (number | boolean)[] };
}

/** All elements, of data that are flat or nested by the shape. */
function flat({ name, shape }: InferInput, data: readonly unknown[]): readonly unknown[] {
  if (!Array.isArray(data[0])) {
    if (data.length === sizeOf(shape)) return data;
    throw malformed(expected(`${sizeOf(shape)} elements in ${describe(name)} of shape [${shape}]`, data.length));
  }
  const nested = (value: unknown, sizes: readonly number[]): readonly unknown[] => {
    if (!Array.isArray(value) || value.length !== sizes[0]) {
      throw malformed(expected(`data of ${describe(name)} nested by its shape [${shape}]`, "another nesting"));
    }
    return sizes.length === 1 ? value : value.flatMap((inner) => nested(inner, sizes.slice(1)));
  };
  return nested(data, shape);
}

function tensorOfBytes({ name, shape, datatype }: InferInput, bytes: Uint8Array<ArrayBuffer>): Tensor {
  if (datatype === "BYTES") {
    const values = textsOf(name, bytes);
    if (values.length === sizeOf(shape)) return { name, shape, datatype, values };
    throw malformed(expected(`${sizeOf(shape)} elements in ${describe(name)} of shape [${shape}]`, values.length));
  }
  const ArrayOf = ARRAYS[datatype];
  const size = sizeOf(shape) * ArrayOf.BYTES_PER_ELEMENT;
  if (bytes.length !== size) {
    const wanted = `${size} bytes of ${describe(name)}, ${datatype} of shape [${shape}]`;
    throw malformed(expected(wanted, `a binary_data_size of ${bytes.length}`));
  }
  const { buffer, byteOffset } = bytes.byteOffset % ArrayOf.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return { name, shape, datatype, values: new ArrayOf(buffer, byteOffset, sizeOf(shape)) };
}

function textsOf(name: string, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const texts: string[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const end = at + LENGTH_BYTES + view.getUint32(at, true);
      if (end > bytes.length) throw new RangeError();
      texts.push(decoder.decode(bytes.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
  } catch (cause) {
    throw malformed(
      expected(`elements of ${describe(name)}, each its length in 4 bytes and then UTF-8`, "other bytes"),
      cause,
    );
  }
  return texts;
}

/**
 * Writes the answer to an inference.
 * @param isBinary whether an output comes as bytes after the JSON
 * @returns the body, and the length of its JSON where bytes follow it
 */
export function writeInference(
  answer: Omit<InferResponse, "outputs">,
  outputs: readonly Output[],
  isBinary: (name: string) => boolean,
): { readonly body: Uint8Array<ArrayBuffer>; readonly headerLength?: number } {
  const parts: Uint8Array[] = [];
  const described = outputs.map((output): InferOutput => {
    const { name, datatype, shape } = output;
    const tensor = { name, datatype, shape: [...shape] };
    if (!isBinary(name)) return { ...tensor, data: Array.from<number | string>(output.values) };
    const bytes = bytesOf(output);
    parts.push(bytes);
    return { ...tensor, parameters: { binary_data_size: bytes.length } };
  });
  const json = new TextEncoder().encode(JSON.stringify({ ...answer, outputs: described } satisfies InferResponse));
  if (parts.length === 0) return { body: json };
  return { body: joined([json, ...parts]), headerLength: json.length };
}

function bytesOf(output: Output): Uint8Array {
  if (output.datatype === "FP64") return new Uint8Array(output.values.buffer);
  return joined(
    output.values.flatMap((text) => {
      const bytes = new TextEncoder().encode(text);
      const length = new Uint8Array(LENGTH_BYTES);
      new DataView(length.buffer).setUint32(0, bytes.length, true);
      return [length, bytes];
    }),
  );
}

const malformed = (sentence: string, cause?: unknown) => new SurprisalError("malformed-request", sentence, { cause });
