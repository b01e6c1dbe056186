/**
 * Bytes of a recording -> what kind of file it is, by how it begins -> its sound. WAV and AIFF are read here, on every runtime;
 * for the rest a runtime passes a decoder, see decoders.ts.
 */

import { expected, SurprisalError } from "../errors.ts";
import { MAX_SECONDS } from "../limits.ts";
import type { Work } from "../util/work.ts";
import { isAiff, readAiff } from "./aiff.ts";
import { isMp3, mpegLayer } from "./mp3.ts";
import { isWav } from "./riff.ts";
import { withoutTags } from "./tags.ts";
import { readWav } from "./wav.ts";
import { unsupported, type Waveform } from "./waveform.ts";

/** What a decoder is asked for; Ogg holds Opus, Vorbis or FLAC, and WebM and MP4 hold Opus, as browsers record it. */
export type CodedFormat = "FLAC" | "MP3" | "Ogg Vorbis" | "Ogg Opus" | "Ogg FLAC" | "WebM" | "MP4";

/** Decodes audio of a format that is not WAV or AIFF, and stops when it lasts longer than `maxSeconds`. */
export type Decoder = (bytes: Uint8Array, format: CodedFormat, maxSeconds: number, work?: Work) => Promise<Waveform>;

const READABLE = "WAV, AIFF, FLAC, MP3, Ogg (Vorbis, Opus, FLAC) or Opus in WebM or MP4";

/** Whether the bytes begin as audio of a format that is known here. */
export function isAudio(file: Uint8Array): boolean {
  const bytes = withoutTags(file);
  return isWav(bytes) || isAiff(bytes) || codedFormat(bytes) !== undefined || unreadable(bytes) !== undefined;
}

const textOf = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

/** @param bytes without tags in front */
function codedFormat(bytes: Uint8Array): CodedFormat | undefined {
  const start = textOf(bytes, 0, 64);
  if (start.startsWith("fLaC")) return "FLAC";
  if (start.startsWith("OggS")) {
    if (start.includes("\x01vorbis")) return "Ogg Vorbis";
    if (start.includes("\x7fFLAC")) return "Ogg FLAC";
    if (start.includes("OpusHead") || start.includes("fishead")) return "Ogg Opus"; // a skeleton stands before what it describes
    return undefined;
  }
  if (start.startsWith("\x1aE\xdf\xa3")) return "WebM"; // EBML, and so Matroska too
  if (/^....(ftyp|moov|mdat|wide|free|skip|styp)/s.test(start)) return "MP4";
  return unreadable(bytes) === undefined && isMp3(bytes) ? "MP3" : undefined;
}

/** What a file is that nobody here reads, and the usual ending of its name. */
function unreadable(bytes: Uint8Array): readonly [name: string, extension: string] | undefined {
  const start = textOf(bytes, 0, 64);
  // ADTS: twelve bits of sync and layer 0.
  if ((bytes[0] === 0xff && (bytes[1] & 0xf6) === 0xf0) || start.startsWith("ADIF")) return ["AAC", "aac"];
  const layer = mpegLayer(bytes);
  if (layer === 1 || layer === 2) return [layer === 1 ? "MPEG layer I" : "MPEG layer II", `mp${layer}`];
  if (start.startsWith("OggS")) {
    return start.includes("Speex") ? ["Speex", "spx"] : ["Ogg of another codec or without its first page", "ogg"];
  }
  const [, ...known] = OTHERS.find(([beginning]) => start.startsWith(beginning)) ?? [];
  return known.length === 2 ? known : undefined;
}

/** How a file begins, its name, the ending of its name. */
const OTHERS = [
  ["#!AMR", "AMR", "amr"],
  ["caff", "a Core Audio file", "caf"],
  ["0&\xb2u\x8ef\xcf\x11", "Windows Media Audio", "wma"],
  [".snd", "a Sun AU file", "au"],
  ["wvpk", "WavPack", "wv"],
  ["MAC ", "Monkey's Audio", "ape"],
] as const;

/**
 * Reads a file of audio. Tags in front of the sound and after it are skipped.
 * @param decode of formats other than WAV and AIFF, where the runtime has one
 * @throws SurprisalError `malformed-audio` when it is damaged, `unsupported-media-type` when nobody here reads its format,
 * `nothing-to-score` when it holds no sound, `too-large` when it is longer than `maxSeconds`.
 */
export async function readAudio(
  file: Uint8Array,
  { decode, maxSeconds = MAX_SECONDS }: { decode?: Decoder | undefined; maxSeconds?: number } = {},
  work?: Work,
): Promise<Waveform> {
  const bytes = withoutTags(file);
  if (isWav(bytes)) return readWav(bytes, maxSeconds, work);
  if (isAiff(bytes)) return readAiff(bytes, maxSeconds, work);
  const format = codedFormat(bytes);
  if (!format) {
    const [found, extension] = unreadable(bytes) ?? ["a file that begins as none of them does", "xyz"];
    throw unsupported(found, READABLE, extension);
  }
  if (decode) return decode(bytes, format, maxSeconds, work);
  throw new SurprisalError(
    "unsupported-media-type",
    expected("WAV or AIFF", `${format}, whose decoder this runtime cannot run, since it is compiled when it is needed`),
  );
}
