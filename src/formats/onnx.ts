/**
 * A graph of operators -> the bytes of an ONNX model: the messages of onnx.proto3 (github.com/onnx/onnx, IR version 8) that a
 * network needs, in protobuf's wire format.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** The operators are those of this version of ONNX's operator set. */
export const OPSET = 18;
const IR_VERSION = 8;

const FLOAT = 1; // of TensorProto.DataType
const INT64 = 7;
const INT = 2; // of AttributeProto.AttributeType
const INTS = 7;

/** The name of a value of a graph: an input, a constant, or what a node gives. The empty name is an input left out. */
export type Value = string;

/** An input or output of a graph, float32. An axis is a length, or a name where each run may have another. */
export interface Port {
  readonly name: Value;
  readonly shape: readonly (number | string)[];
  readonly about: string;
}

interface Node {
  readonly operator: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

type Attributes = Readonly<Record<string, number | readonly number[]>>; // whole numbers

interface Constant {
  readonly name: Value;
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Operators, constants and ports, added in the order in which they are computed. */
export class OnnxGraph {
  readonly #nodes: Node[] = [];
  readonly #constants: Constant[] = [];
  readonly #inputs: Port[] = [];
  readonly #outputs: Port[] = [];

  input(port: Port): Value {
    this.#inputs.push(port);
    return port.name;
  }

  /** @param value what some node gives, which becomes the output */
  output(port: Port, value: Value): void {
    this.#outputs.push(port);
    this.#nodes.push({ operator: "Identity", inputs: [value], outputs: [port.name], attributes: {} });
  }

  /** The one value that an operator gives. */
  node(operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.nodes(operator, inputs, 1, attributes)[0];
  }

  /** The first `count` values that an operator gives. */
  nodes(operator: string, inputs: readonly Value[], count: number, attributes: Attributes = {}): Value[] {
    const outputs = Array.from({ length: count }, (_, n) => `${operator}_${this.#nodes.length}_${n}`);
    this.#nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  }

  /** A tensor of float32. */
  tensor(name: Value, shape: readonly number[], values: ArrayLike<number>): Value {
    this.#constants.push({ name, shape, type: FLOAT, bytes: littleEndian(Float32Array.from(values)) });
    return name;
  }

  number(value: number): Value {
    return this.tensor(`number_${this.#constants.length}`, [], [value]);
  }

  /** A list of int64, such as the axes that operators take; a single number is a scalar. */
  integers(values: readonly number[] | number): Value {
    const list = typeof values === "number" ? [values] : values;
    const name = `integers_${this.#constants.length}`;
    const shape = typeof values === "number" ? [] : [list.length];
    this.#constants.push({ name, shape, type: INT64, bytes: littleEndian(BigInt64Array.from(list, BigInt)) });
    return name;
  }

  /** The file; equal graphs give equal bytes. */
  toBytes({ name, about, producer, producerVersion, metadata }: Description): Uint8Array<ArrayBuffer> {
    const file = new BinaryWriter(); // ModelProto
    integer(file, 1, IR_VERSION);
    text(file, 2, producer);
    text(file, 3, producerVersion);
    text(file, 6, about);
    message(file, 7, (graph) => this.#write(graph, name));
    message(file, 8, (opset) => integer(opset, 2, OPSET));
    for (const [key, value] of Object.entries(metadata)) {
      message(file, 14, (entry) => {
        text(entry, 1, key);
        text(entry, 2, value);
      });
    }
    return file.finish();
  }

  /** GraphProto */
  #write(graph: BinaryWriter, name: string): void {
    for (const node of this.#nodes) message(graph, 1, (part) => writeNode(part, node));
    text(graph, 2, name);
    for (const constant of this.#constants) message(graph, 5, (part) => writeConstant(part, constant));
    for (const port of this.#inputs) message(graph, 11, (part) => writePort(part, port));
    for (const port of this.#outputs) message(graph, 12, (part) => writePort(part, port));
  }
}

/** What a file says of itself. */
export interface Description {
  readonly name: string;
  readonly about: string;
  readonly producer: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** NodeProto */
function writeNode(node: BinaryWriter, { operator, inputs, outputs, attributes }: Node): void {
  for (const input of inputs) text(node, 1, input);
  for (const output of outputs) text(node, 2, output);
  text(node, 4, operator);
  for (const [name, value] of Object.entries(attributes)) {
    message(node, 5, (attribute) => {
      text(attribute, 1, name);
      if (typeof value === "number") integer(attribute, 3, value);
      else for (const each of value) integer(attribute, 8, each);
      integer(attribute, 20, typeof value === "number" ? INT : INTS);
    });
  }
}

/** TensorProto */
function writeConstant(tensor: BinaryWriter, { name, shape, type, bytes }: Constant): void {
  for (const length of shape) integer(tensor, 1, length);
  integer(tensor, 2, type);
  text(tensor, 8, name);
  tensor.tag(9, WireType.LengthDelimited).bytes(bytes);
}

/** ValueInfoProto */
function writePort(info: BinaryWriter, { name, shape, about }: Port): void {
  text(info, 1, name);
  message(info, 2, (type) =>
    message(type, 1, (tensor) => {
      integer(tensor, 1, FLOAT);
      message(tensor, 2, (shapeProto) => {
        for (const axis of shape) {
          message(shapeProto, 1, (dimension) => {
            if (typeof axis === "number") integer(dimension, 1, axis);
            else text(dimension, 2, axis);
          });
        }
      });
    }),
  );
  text(info, 3, about);
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

const text = (writer: BinaryWriter, field: number, value: string): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).string(value);

const integer = (writer: BinaryWriter, field: number, value: number): BinaryWriter =>
  writer.tag(field, WireType.Varint).int64(value);

/** Numbers as their bytes stand in a file, which is little-endian as every machine that runs this is. */
const littleEndian = ({ buffer }: Float32Array | BigInt64Array): Uint8Array => new Uint8Array(buffer);
