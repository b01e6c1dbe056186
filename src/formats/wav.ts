/**
 * WAV bytes -> mono samples; wav-writer.ts is the way back. RIFF files, and the two forms for more than 4 GB: RF64 (EBU Tech 3306, also BW64) and
 * Sony's Wave64, whose chunks are named by GUIDs. Integers, floats, A-law, µ-law, IMA and Microsoft ADPCM, GSM 6.10.
 */

import { MAX_SECONDS } from "../limits.ts";
import { joined } from "../util/joined.ts";
import type { Work } from "../util/work.ts";
import { imaAdpcm, msAdpcm } from "./adpcm.ts";
import { readBlocks } from "./blocks.ts";
import { waveLayout } from "./downmix.ts";
import { gsmCodec } from "./gsm.ts";
import { type BlockCodec, pcmCodec } from "./pcm.ts";
import { type Chunk, chunksOf, isWav } from "./riff.ts";
import { checkAnnouncement, malformed, unsupported, type Waveform } from "./waveform.ts";

export { writeWav } from "./wav-writer.ts";

const EXTENSIBLE = 0xfffe;
const READABLE = "a WAV file of integers, floats, A-law, µ-law, ADPCM or GSM 6.10";

/** Codecs that are known by name alone, for the sentence of a refusal. */
const OTHER_CODECS: Readonly<Record<number, string>> = {
  64: "G.721",
  69: "G.726",
  80: "MPEG layer II",
  85: "MP3",
  255: "AAC",
  352: "Windows Media Audio",
  353: "Windows Media Audio",
  26447: "Vorbis",
};

interface Format {
  readonly channels: number;
  readonly sampleRate: number; // Hz
  readonly mask: number; // of loudspeakers
  readonly codec: BlockCodec;
}

/**
 * Reads a WAV file. Channels are mixed by their loudspeakers, see downmix.ts; several data chunks are read one after the other.
 * @throws SurprisalError `malformed-audio` when it is not one or is damaged, `unsupported-media-type` for a codec other than
 * those above, `nothing-to-score` without sound, `too-large` when it is longer than `maxSeconds`, before any sample is decoded.
 */
export async function readWav(bytes: Uint8Array, maxSeconds = MAX_SECONDS, work?: Work): Promise<Waveform> {
  if (!isWav(bytes)) throw malformed("Expected a WAV file, got one that does not begin with RIFF and WAVE.");
  let format: Format | undefined;
  let facts = 0; // frames by the fact chunk
  const parts: Uint8Array[] = [];
  let [announcedBytes, isThere] = [0, false];
  for (const chunk of chunksOf(bytes)) {
    if (chunk.name === "fmt " && !format) format = readFormat(chunk);
    if (chunk.name === "fact" && chunk.bytes.length >= 4) facts = viewOf(chunk.bytes).getUint32(0, true);
    if (chunk.name !== "data") continue;
    if (!format) throw malformed("Expected the format chunk before the data chunk, got the data first.");
    const { blockBytes } = format.codec;
    const whole = chunk.bytes.length - (chunk.bytes.length % blockBytes);
    isThere = true;
    if (whole > 0) parts.push(chunk.bytes.subarray(0, whole));
    announcedBytes += chunk.announced - (chunk.announced % blockBytes);
  }
  if (!format) throw malformed("Expected a format chunk, got none.");
  if (!isThere) throw malformed("Expected a data chunk, got none.");
  const { codec } = format;
  // In blocks of many frames, the last may be longer than the sound.
  const announced = (announcedBytes / codec.blockBytes) * codec.blockFrames;
  const isLast = codec.blockFrames > 1 && facts > announced - codec.blockFrames && facts < announced;
  return readBlocks(
    {
      ...format,
      data: parts.length === 1 ? parts[0] : joined(parts),
      layout: waveLayout(format.channels, format.mask),
      announced: isLast ? facts : announced,
    },
    maxSeconds,
    work,
  );
}

function readFormat({ bytes }: Chunk): Format {
  if (bytes.length < 16) throw malformed(`Expected a format chunk of at least 16 bytes, got ${bytes.length}.`);
  const view = viewOf(bytes);
  const u16 = (at: number) => (at + 2 <= bytes.length ? view.getUint16(at, true) : 0);
  const extended = u16(0) === EXTENSIBLE && bytes.length >= 26;
  const tag = u16(extended ? 24 : 0);
  const [channels, sampleRate, blockBytes, bits] = [u16(2), view.getUint32(4, true), u16(12), u16(14)];
  checkAnnouncement({ sampleRate, channels, samples: 0 }, Number.POSITIVE_INFINITY);
  const mask = extended && bytes.length >= 24 ? view.getUint32(20, true) : 0;
  return { channels, sampleRate, mask, codec: codecOf() };

  function codecOf(): BlockCodec {
    if (tag === 2) {
      const count = Math.min(u16(20), Math.floor((bytes.length - 22) / 4));
      const pair = (i: number): [number, number] => [view.getInt16(22 + 4 * i, true), view.getInt16(24 + 4 * i, true)];
      return msAdpcm(
        blockBytes,
        channels,
        Array.from({ length: Math.max(0, count) }, (_, i) => pair(i)),
      );
    }
    if (tag === 0x11) return imaAdpcm(blockBytes, channels);
    if (tag === 0x31 && channels === 1 && blockBytes === 65) return gsmCodec();
    const integer = tag === 1 && bits >= 1 && bits <= 32;
    const logarithmic = (tag === 6 || tag === 7) && bits === 8;
    if (!integer && !logarithmic && !(tag === 3 && (bits === 32 || bits === 64))) {
      const name = OTHER_CODECS[tag] ?? `format ${tag} with ${bits} bits`;
      throw unsupported(`one of ${name}`, READABLE, "wav");
    }
    const bytesPerSample = blockBytes / channels;
    const encoding =
      tag === 6 ? "a-law" : tag === 7 ? "µ-law" : tag === 3 ? "float" : bits <= 8 ? "unsigned" : "integer";
    const least = Math.ceil(bits / 8);
    // In larger blocks a sample may stand above or below its padding: programs differ, and a guess may be off by 48 dB.
    if (bytesPerSample !== least) {
      throw malformed(
        `Expected blocks of ${least * channels} bytes (${channels} × ${bits} bits), got blocks of ${blockBytes} bytes.`,
      );
    }
    return pcmCodec({ encoding, bytes: least, littleEndian: true }, channels);
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
