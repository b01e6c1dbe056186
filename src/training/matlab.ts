/**
 * MATLAB v5 bytes -> cell arrays of numeric matrices, the part of the format that data sets are published in. Format:
 * MathWorks, "MAT-File Format" (level 5): a header of 128 bytes, then elements of tag (type, bytes) and body, each
 * padded to 8 bytes; a top-level element may be deflated.
 */
import { inflateSync } from "node:zlib";
import { SurprisalError } from "../errors.ts";

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
    throw malformed(`The file has ${bytes.length} bytes; wanted a header of ${HEADER_BYTES}.`);
  }
  const header = viewOf(bytes);
  const byteOrder = String.fromCharCode(bytes[126], bytes[127]);
  if (byteOrder !== "IM") {
    throw malformed(`The byte order mark is ${JSON.stringify(byteOrder)}; wanted "IM" (MATLAB v5, little-endian).`);
  }
  const version = header.getUint16(124, true);
  if (version !== VERSION) {
    throw malformed(`The format version is ${version}; wanted ${VERSION} (MATLAB v5).`);
  }
  const variables = new Map<string, Matrix[]>();
  for (const element of elementsOf(bytes.subarray(HEADER_BYTES))) {
    const { name, cells } = readCellArray(element.type === COMPRESSED ? inflate(element.body) : element);
    if (variables.has(name)) {
      throw malformed(`The variable ${JSON.stringify(name)} stands twice; wanted distinct names.`);
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
    throw malformed(`A compressed element holds ${elements.length} elements; wanted 1.`);
  }
  return elements[0];
}

function readCellArray(element: Element): { name: string; cells: Matrix[] } {
  const { classCode, shape, name, parts } = readArray(element);
  if (classCode !== CELL_CLASS) {
    throw malformed(
      `The variable ${JSON.stringify(name)} is of class ${classCode}; wanted a cell array (${CELL_CLASS}).`,
    );
  }
  const count = product(shape);
  if (parts.length !== count) {
    throw malformed(`The cell array ${JSON.stringify(name)} holds ${parts.length} cells; wanted ${count}.`);
  }
  return { name, cells: parts.map((part, index) => readMatrix(part, `cell ${index} of ${JSON.stringify(name)}`)) };
}

function readMatrix(element: Element, place: string): Matrix {
  const { classCode, complex, shape, parts } = readArray(element);
  if (classCode < FIRST_NUMERIC_CLASS || classCode > LAST_NUMERIC_CLASS || complex) {
    const found = complex ? "complex" : `of class ${classCode}`;
    throw malformed(`The matrix in ${place} is ${found}; wanted real numbers.`);
  }
  if (shape.length !== 2 || parts.length !== 1) {
    throw malformed(`The matrix in ${place} has ${shape.length} dimensions and ${parts.length} parts; wanted 2 and 1.`);
  }
  const values = readNumbers(parts[0], place);
  if (values.length !== product(shape)) {
    throw malformed(`The matrix in ${place} has ${values.length} numbers; wanted ${shape.join(" x ")}.`);
  }
  return { rows: shape[0], columns: shape[1], values };
}

/** What every array begins with: flags and class, shape, name. The parts behind them depend on the class. */
function readArray({ type, body }: Element) {
  if (type !== MATRIX) {
    throw malformed(`An element has type ${type}; wanted an array (${MATRIX}).`);
  }
  const [flags, dimensions, name, ...parts] = elementsOf(body);
  if (flags?.type !== UINT32 || flags.body.length !== 8 || dimensions?.type !== INT32 || name?.type !== INT8) {
    throw malformed("An array does not begin with its flags, shape and name.");
  }
  const word = viewOf(flags.body).getUint32(0, true);
  const shape = Array.from(readNumbers(dimensions, "an array's shape"));
  if (shape.length < 2 || shape.some((length) => length < 0)) {
    throw malformed(`An array has shape ${shape.join(" x ") || "()"}; wanted two or more lengths from 0 up.`);
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
    throw malformed(`The numbers in ${place} have data type ${type}; wanted one of ${Object.keys(NUMERIC_ARRAYS)}.`);
  }
  const { BYTES_PER_ELEMENT: width } = NumericArray as unknown as { BYTES_PER_ELEMENT: number };
  if (body.length % width !== 0) {
    throw malformed(`The numbers in ${place} take ${body.length} bytes; wanted a multiple of ${width}.`);
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
      throw malformed(`An element's tag has ${bytes.length - position} bytes; wanted 8.`);
    }
    const word = view.getUint32(position, true);
    const small = word >>> 16 !== 0;
    const type = small ? word & 0xffff : word;
    const length = small ? word >>> 16 : view.getUint32(position + 4, true);
    const start = position + (small ? 4 : 8);
    const room = small ? 4 : bytes.length - start;
    if (length > room) {
      throw malformed(`An element claims ${length} bytes; wanted at most the ${room} that are left.`);
    }
    elements.push({ type, body: bytes.subarray(start, start + length) });
    position = small ? position + 8 : start + (type === COMPRESSED ? length : Math.ceil(length / 8) * 8);
  }
  return elements;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const product = (lengths: readonly number[]): number => lengths.reduce((all, length) => all * length, 1);

const malformed = (detail: string, options?: ErrorOptions) => new SurprisalError("malformed-data", detail, options);
