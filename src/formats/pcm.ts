/** Bytes of uncompressed audio -> samples, full scale = 1: integers, floats, and the two logarithmic codes of ITU-T G.711. */

/** Reads audio that is stored in blocks of one size. Uncompressed audio has one frame (a sample of each channel) to a block. */
export interface BlockCodec {
  readonly blockBytes: number;
  readonly blockFrames: number;
  /** Whole blocks -> interleaved samples. */
  decode(blocks: Uint8Array): Float64Array;
}

export interface PcmFormat {
  readonly encoding: "integer" | "unsigned" | "float" | "a-law" | "µ-law";
  readonly bytes: number; // of a sample: 1 to 4 of integers, whose unused bits are the lowest; 4 or 8 of floats
  readonly littleEndian: boolean;
}

export function pcmCodec({ encoding, bytes, littleEndian }: PcmFormat, channels: number): BlockCodec {
  const read = reader(encoding, bytes, littleEndian);
  return {
    blockBytes: channels * bytes,
    blockFrames: 1,
    decode(blocks) {
      const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
      return Float64Array.from({ length: blocks.length / bytes }, (_, i) => read(view, i * bytes));
    },
  };
}

function reader(
  encoding: PcmFormat["encoding"],
  bytes: number,
  little: boolean,
): (view: DataView, at: number) => number {
  if (encoding === "a-law") return (view, at) => aLaw(view.getUint8(at));
  if (encoding === "µ-law") return (view, at) => muLaw(view.getUint8(at));
  if (encoding === "unsigned") return (view, at) => (view.getUint8(at) - 128) / 128;
  if (encoding === "float") {
    return bytes === 4 ? (view, at) => view.getFloat32(at, little) : (view, at) => view.getFloat64(at, little);
  }
  if (bytes === 1) return (view, at) => view.getInt8(at) / 2 ** 7;
  if (bytes === 2) return (view, at) => view.getInt16(at, little) / 2 ** 15;
  if (bytes === 4) return (view, at) => view.getInt32(at, little) / 2 ** 31;
  const [low, high] = little ? [0, 1] : [2, 0];
  return (view, at) => (view.getInt16(at + high, little) * 256 + view.getUint8(at + low)) / 2 ** 23;
}

/** Every second bit is inverted; 3 bits of segment, 4 of step. Full scale is 2^15 of its 13 bits, set to 16. */
function aLaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const step = ((bits & 15) << 4) + 8;
  const size = segment === 0 ? step : (step + 256) << (segment - 1);
  return (bits & 128 ? size : -size) / 2 ** 15;
}

/** All bits are inverted; a bias of 33 (132 at 16 bits) makes the segments join. */
function muLaw(code: number): number {
  const bits = ~code & 255;
  const size = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 128 ? -size : size) / 2 ** 15;
}
