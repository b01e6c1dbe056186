/** AIFF and AIFF-C bytes (Apple, 1989 and 1991) -> mono samples: integers, floats, A-law and µ-law. */

import type { Work } from "../util/work.ts";
import { readBlocks } from "./blocks.ts";
import { waveLayout } from "./downmix.ts";
import { type PcmFormat, pcmCodec } from "./pcm.ts";
import { checkAnnouncement, malformed, unsupported, type Waveform } from "./waveform.ts";

const textOf = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

export const isAiff = (bytes: Uint8Array): boolean => /^FORM....AIF[FC]/s.test(textOf(bytes, 0, 12));

/**
 * Reads an AIFF file.
 * @throws SurprisalError `malformed-audio` when it is damaged, `unsupported-media-type` for another compression,
 * `nothing-to-score` without sound, `too-large` when it is longer than `maxSeconds`, before any sample is decoded.
 */
export async function readAiff(bytes: Uint8Array, maxSeconds: number, work?: Work): Promise<Waveform> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4);
    const name = textOf(bytes, at, at + 4);
    if (!chunks.has(name)) chunks.set(name, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length % 2); // chunks begin at even places
  }
  const [common, sound] = [chunks.get("COMM"), chunks.get("SSND")];
  if (!common || common.length < 18)
    throw malformed("Expected a COMM chunk of at least 18 bytes in the AIFF file, got none.");
  const header = new DataView(common.buffer, common.byteOffset, common.byteLength);
  const [channels, frames, bits] = [header.getUint16(0), header.getUint32(2), header.getUint16(6)];
  const sampleRate = extended(header, 8);
  checkAnnouncement({ sampleRate, channels, samples: frames }, maxSeconds);
  const codec = pcmCodec(pcmFormat(textOf(common, 18, 22), bits), channels);
  // Its first eight bytes say how far after them the samples begin.
  const offset = sound && sound.length >= 8 ? new DataView(sound.buffer, sound.byteOffset).getUint32(0) : 0;
  const data = sound?.subarray(8 + offset) ?? new Uint8Array();
  const announced = frames > 0 ? frames : undefined; // a recorder that streams writes none
  return readBlocks(
    { codec, data, sampleRate, channels, layout: waveLayout(channels, 0), announced },
    maxSeconds,
    work,
  );
}

/** @param compression four characters of AIFF-C, "" in AIFF */
function pcmFormat(compression: string, bits: number): PcmFormat {
  const integer = (wide: number, littleEndian = false): PcmFormat => ({
    encoding: "integer",
    bytes: Math.ceil(wide / 8),
    littleEndian,
  });
  const other = (encoding: PcmFormat["encoding"], wide: number): PcmFormat => ({
    encoding,
    bytes: wide / 8,
    littleEndian: false,
  });
  const known: Readonly<Record<string, PcmFormat | undefined>> = {
    "": integer(bits),
    NONE: integer(bits),
    twos: integer(bits),
    sowt: integer(bits, true),
    in24: integer(24),
    in32: integer(32),
    "raw ": other("unsigned", 8),
    fl32: other("float", 32),
    FL32: other("float", 32),
    fl64: other("float", 64),
    FL64: other("float", 64),
    alaw: other("a-law", 8),
    ALAW: other("a-law", 8),
    ulaw: other("µ-law", 8),
    ULAW: other("µ-law", 8),
  };
  const format = known[compression];
  if (!format || format.bytes < 1 || (format.encoding === "integer" && format.bytes > 4)) {
    throw unsupported(
      `one of compression "${compression.replace(/[^\x20-\x7e]/g, "?")}" with ${bits} bits`,
      "an AIFF file of integers, floats, A-law or µ-law",
      "aiff",
    );
  }
  return format;
}

/** An IEEE number of 80 bits, whose mantissa has its leading bit written. */
function extended(view: DataView, at: number): number {
  const exponent = (view.getUint16(at) & 0x7fff) - 16383 - 63;
  return (view.getUint32(at + 2) * 2 ** 32 + view.getUint32(at + 6)) * 2 ** exponent;
}
