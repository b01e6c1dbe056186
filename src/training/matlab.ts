/**
 * MATLAB v5 bytes -> cell arrays of numeric matrices, the part of the format that data sets are published in. Format:
 * MathWorks, "MAT-File Format" (level 5): a header of 128 bytes, then elements of tag (type, bytes) and body, each
 * padded to 8 bytes; a top-level element may be deflated.
 */
import { inflateSync } from "node:zlib";
import { expected, SurprisalError } from "../errors.ts";

/** Numbers in the type that the file stores them in, column-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: NumericArray; // (columns, rows)
}

type NumericArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** A stored piece of the file: its data type and its body. */
interface Element {
  readonly type: number;
  readonly body: Uint8Array;
}

const HEADER_BYTES = 128;
const VERSION = 0x0100;
/** Inflation stops here, so that a small damaged file cannot claim the machine's memory. The largest known set is 22 MB. */
const MAX_ELEMENT_BYTES = 2 ** 28;

const INT8 = 1;
const INT32 = 5;
const UINT32 = 6;
const MATRIX = 14;
const COMPRESSED = 15;
const NUMERIC_ARRAYS: Record<number, new (buffer: ArrayBuffer) => NumericArray> = {
  [INT8]: Int8Array,
  2: Uint8Array,
  3: Int16Array,
  4: Uint16Array,
  [INT32]: Int32Array,
  [UINT32]: Uint32Array,
  7: Float32Array,
  9: Float64Array,
};

const CELL_CLASS = 1;
const FIRST_NUMERIC_CLASS = 6; // double, single, int8 … uint64
const LAST_NUMERIC_CLASS = 15;
const COMPLEX_FLAG = 0x0800;

/**
 * Reads every variable of the file; each must be a cell array of real numeric matrices.
 * @throws SurprisalError `malformed-data` when the file is damaged or holds anything else.
 */
export function readMatlabCells(bytes: Uint8Array): Map<string, Matrix[]> {
  if (bytes.length < HEADER_BYTES) {
    throw malformed(expected(`a header of ${HEADER_BYTES} bytes`, bytes.length));
  }
  const header = viewOf(bytes);
  const byteOrder = String.fromCharCode(bytes[126], bytes[127]);
  if (byteOrder !== "IM") {
    throw malformed(expected('the byte order mark "IM" (MATLAB v5, little-endian)', JSON.stringify(byteOrder)));
  }
  const version = header.getUint16(124, true);
  if (version !== VERSION) {
    throw malformed(expected(`the format version ${VERSION} (MATLAB v5)`, version));
  }
  const variables = new Map<string, Matrix[]>();
  for (const element of elementsOf(bytes.subarray(HEADER_BYTES))) {
    const { name, cells } = readCellArray(element.type === COMPRESSED ? inflate(element.body) : element);
    if (variables.has(name)) {
      throw malformed(expected("variables of distinct names", `two of ${JSON.stringify(name)}`));
    }
    variables.set(name, cells);
  }
  return variables;
}

function inflate(body: Uint8Array): Element {
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(body, { maxOutputLength: MAX_ELEMENT_BYTES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(`A compressed element of ${body.length} bytes cannot be inflated: ${reason}.`, { cause });
  }
  const elements = elementsOf(inflated);
  if (elements.length !== 1) {
    throw malformed(expected("one element in a compressed element", elements.length));
  }
  return elements[0];
}

function readCellArray(element: Element): { name: string; cells: Matrix[] } {
  const { classCode, shape, name, parts } = readArray(element);
  if (classCode !== CELL_CLASS) {
    throw malformed(
      expected(`a cell array (class ${CELL_CLASS}) as variable ${JSON.stringify(name)}`, `class ${classCode}`),
    );
  }
  const count = product(shape);
  if (parts.length !== count) {
    throw malformed(expected(`${count} cells in ${JSON.stringify(name)}`, parts.length));
  }
  return { name, cells: parts.map((part, index) => readMatrix(part, `cell ${index} of ${JSON.stringify(name)}`)) };
}

function readMatrix(element: Element, place: string): Matrix {
  const { classCode, complex, shape, parts } = readArray(element);
  if (classCode < FIRST_NUMERIC_CLASS || classCode > LAST_NUMERIC_CLASS || complex) {
    throw malformed(
      expected(`a matrix of real numbers in ${place}`, complex ? "complex ones" : `one of class ${classCode}`),
    );
  }
  if (shape.length !== 2 || parts.length !== 1) {
    throw malformed(expected(`a matrix of 2 dimensions and 1 part in ${place}`, `${shape.length} and ${parts.length}`));
  }
  const values = readNumbers(parts[0], place);
  if (values.length !== product(shape)) {
    throw malformed(expected(`${shape.join(" x ")} numbers in ${place}`, values.length));
  }
  return { rows: shape[0], columns: shape[1], values };
}

/** What every array begins with: flags and class, shape, name. The parts after them depend on the class. */
function readArray({ type, body }: Element) {
  if (type !== MATRIX) {
    throw malformed(expected(`an array (type ${MATRIX})`, `type ${type}`));
  }
  const [flags, dimensions, name, ...parts] = elementsOf(body);
  if (flags?.type !== UINT32 || flags.body.length !== 8 || dimensions?.type !== INT32 || name?.type !== INT8) {
    throw malformed("An array does not begin with its flags, shape and name.");
  }
  const word = viewOf(flags.body).getUint32(0, true);
  const shape = Array.from(readNumbers(dimensions, "an array's shape"));
  if (shape.length < 2 || shape.some((length) => length < 0)) {
    throw malformed(expected("an array of two or more lengths from 0 up", shape.join(" x ") || "()"));
  }
  return {
    classCode: word & 0xff,
    complex: (word & COMPLEX_FLAG) !== 0,
    shape,
    name: String.fromCharCode(...name.body.subarray(0, 64)),
    parts,
  };
}

function readNumbers({ type, body }: Element, place: string): NumericArray {
  const NumericArray = NUMERIC_ARRAYS[type];
  if (NumericArray === undefined) {
    throw malformed(expected(`numbers of one of the data types ${Object.keys(NUMERIC_ARRAYS)} in ${place}`, type));
  }
  const { BYTES_PER_ELEMENT: width } = NumericArray as unknown as { BYTES_PER_ELEMENT: number };
  if (body.length % width !== 0) {
    throw malformed(expected(`a multiple of ${width} bytes of numbers in ${place}`, body.length));
  }
  return new NumericArray(new Uint8Array(body).buffer); // a copy, since the body need not be aligned
}

/** Splits bytes into elements. Deflated elements are not padded; an element of up to 4 bytes may share its tag's word. */
function elementsOf(bytes: Uint8Array): Element[] {
  const view = viewOf(bytes);
  const elements: Element[] = [];
  let position = 0;
  while (position < bytes.length) {
    if (bytes.length - position < 8) {
      throw malformed(expected("8 bytes of an element's tag", bytes.length - position));
    }
    const word = view.getUint32(position, true);
    const small = word >>> 16 !== 0;
    const type = small ? word & 0xffff : word;
    const length = small ? word >>> 16 : view.getUint32(position + 4, true);
    const start = position + (small ? 4 : 8);
    const room = small ? 4 : bytes.length - start;
    if (length > room) {
      throw malformed(expected(`an element of at most the ${room} bytes that are left`, length));
    }
    elements.push({ type, body: bytes.subarray(start, start + length) });
    position = small ? position + 8 : start + (type === COMPRESSED ? length : Math.ceil(length / 8) * 8);
  }
  return elements;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const product = (lengths: readonly number[]): number => lengths.reduce((all, length) => all * length, 1);

const malformed = (detail: string, options?: ErrorOptions) => new SurprisalError("malformed-data", detail, options);
