/**
 * A WAV file -> its chunks. Three forms: RIFF; RF64 and BW64 (EBU Tech 3306), whose true sizes stand in a ds64 chunk; and
 * Sony's Wave64, with GUIDs for names, sizes of 64 bits that count their own header, and chunks at multiples of eight.
 */

export interface Chunk {
  readonly name: string; // four characters
  readonly bytes: Uint8Array; // as far as the file goes
  readonly announced: number; // bytes by its header; what there is where a recorder wrote a placeholder
}

const textOf = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

const isRiff = (bytes: Uint8Array) => /^(RIFF|RF64|BW64)....WAVE/s.test(textOf(bytes, 0, 12));
/** The GUIDs of "riff" and "wave" begin with their names. */
const isWave64 = (bytes: Uint8Array) => textOf(bytes, 0, 4) === "riff" && textOf(bytes, 24, 28) === "wave";

export const isWav = (bytes: Uint8Array): boolean => isRiff(bytes) || isWave64(bytes);

/** A recorder that streams cannot go back to write a size: it leaves the largest there is, or nearly (SoX). */
const PLACEHOLDER = 0x7fff_0000;

export function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size64 = (at: number) => Number(view.getBigUint64(at, true));
  if (isWave64(bytes)) {
    for (let at = 40; at + 24 <= bytes.length; ) {
      const length = size64(at + 16) - 24;
      if (!(length >= 0)) return;
      yield { name: textOf(bytes, at, at + 4), bytes: bytes.subarray(at + 24, at + 24 + length), announced: length };
      at += 24 + 8 * Math.ceil(length / 8);
    }
    return;
  }
  let dataBytes: number | undefined; // by a ds64 chunk
  let onlyChunks = false; // from an empty one on to the end of the file
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = textOf(bytes, at, at + 4);
    const start = at + 8;
    const there = bytes.length - start;
    let length = view.getUint32(at + 4, true);
    if (name === "ds64" && length >= 16 && there >= 16) dataBytes = size64(start + 8);
    if (name === "data" && length === 0xffff_ffff && dataBytes !== undefined) length = dataBytes;
    else if (length >= PLACEHOLDER && length > there) length = there;
    else if (name === "data" && length === 0) {
      onlyChunks ||= endsInChunks(bytes, start);
      if (!onlyChunks) length = there;
    }
    yield { name, bytes: bytes.subarray(start, start + length), announced: length };
    at = nextChunk(bytes, start + length, length);
  }
}

/** Chunks that programs put in front of the sound or after it. */
const KNOWN =
  /^(fmt |data|fact|LIST|bext|cue |smpl|inst|id3 |ID3 |PEAK|JUNK|junk|iXML|axml|chna|cart|DISP|FLLR|PAD |umid|minf|elm1|regn)/;

/** Where the next chunk begins: at an even place, unless the program forgot the byte that makes it even. */
function nextChunk(bytes: Uint8Array, end: number, length: number): number {
  if (length % 2 === 0) return end;
  const isKnown = (at: number) => KNOWN.test(textOf(bytes, at, at + 4));
  return isKnown(end) && !isKnown(end + 1) ? end : end + 1;
}

/** Whether nothing but whole chunks follow: then an empty chunk is empty, and else its recorder wrote no size. */
function endsInChunks(bytes: Uint8Array, start: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  while (at + 8 <= bytes.length) {
    if (!/^[\x20-\x7e]{4}$/.test(textOf(bytes, at, at + 4))) return false;
    const length = view.getUint32(at + 4, true);
    at = nextChunk(bytes, at + 8 + length, length);
  }
  return at === bytes.length || at === bytes.length + 1;
}
