/** Coded audio -> how long its own header says that it lasts, so that what is too long is refused before it is decoded. */
import type { CodedFormat } from "./wav.ts";

/**
 * Seconds, undefined where the header does not say. Nobody need believe it.
 * @param granule of Ogg, see wholePages
 */
export function announcedSeconds(bytes: Uint8Array, format: CodedFormat, granule = 0): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seconds = { FLAC: flac, MP3: mp3, "Ogg Vorbis": vorbis, "Ogg Opus": opus }[format](view, granule);
  return seconds !== undefined && seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
}

/** RFC 9639, section 8.2: the first metadata block is STREAMINFO; rate in 20 bits, number of samples in 36. */
function flac(view: DataView): number | undefined {
  if (view.byteLength < 26) return undefined;
  const rate = view.getUint32(18) >>> 12;
  const samples = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
  return samples / rate;
}

/** Vorbis I, section 4.2.2: the rate stands 12 bytes into the identification packet, which begins at byte 28. */
const vorbis = (view: DataView, granule: number): number | undefined =>
  view.byteLength < 44 ? undefined : granule / view.getUint32(40, true);

/** RFC 7845, section 4: granules are samples at 48 kHz whatever the rate. */
const opus = (_: DataView, granule: number): number => granule / 48_000;

/** Of layer III, kbit/s by the header's four bits: MPEG 1, and MPEG 2 and 2.5. */
const BIT_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];
const SAMPLE_RATES = [44_100, 48_000, 32_000, 0];

/** Number of frames in a Xing or Info header; without one the bit rate is taken to be the same throughout. */
function mp3(view: DataView): number | undefined {
  let at = 0;
  if (view.byteLength > 10 && view.getUint32(0) >>> 8 === 0x494433) {
    const [a, b, c, d] = [6, 7, 8, 9].map((i) => view.getUint8(i) & 127);
    at = 10 + ((a * 128 + b) * 128 + c) * 128 + d; // ID3 has seven bits to the byte
  }
  if (at + 4 > view.byteLength) return undefined;
  const header = view.getUint32(at);
  const version = (header >>> 19) & 3; // 3 MPEG 1, 2 MPEG 2, 0 MPEG 2.5
  if (header >>> 21 !== 0x7ff || version === 1) return undefined;
  const [samples, divisor] = version === 3 ? [1152, 1] : [576, version === 2 ? 2 : 4];
  const rate = SAMPLE_RATES[(header >>> 10) & 3] / divisor;
  const mono = ((header >>> 6) & 3) === 3;
  const side = version === 3 ? (mono ? 17 : 32) : mono ? 9 : 17;
  const tag = at + 4 + side;
  if (
    tag + 12 <= view.byteLength &&
    [0x58696e67, 0x496e666f].includes(view.getUint32(tag)) &&
    view.getUint32(tag + 4) & 1
  ) {
    return (view.getUint32(tag + 8) * samples) / rate;
  }
  const bitRate = 1000 * BIT_RATES[version === 3 ? 0 : 1][(header >>> 12) & 15];
  return ((view.byteLength - at) * 8) / bitRate;
}
