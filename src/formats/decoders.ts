/**
 * FLAC, MP3, Ogg and Opus in WebM or MP4 -> mono samples, by builds of the reference decoders for WebAssembly. They are compiled
 * when they are first needed, which Workers refuse, so this belongs to Node and Lambda. What a file is made of is found before
 * it is decoded (flac.ts, mp3.ts, ogg.ts), so that sound that is missing is known to be.
 */

import { expected, SurprisalError } from "../errors.ts";
import { joined } from "../util/joined.ts";
import { Work } from "../util/work.ts";
import type { CodedFormat } from "./audio.ts";
import { decodeFlac } from "./decode-flac.ts";
import { decodeMp3 } from "./decode-mp3.ts";
import { decodeOpus } from "./decode-opus.ts";
import { decodeVorbis } from "./decode-vorbis.ts";
import { Recorded, withoutEnd } from "./decoded.ts";
import { metadataBytes } from "./flac.ts";
import { oggStreams } from "./ogg.ts";
import { isOpusHead, opusOfOgg } from "./opus.ts";
import { isVorbisHead, vorbisOfOgg } from "./vorbis.ts";
import { malformed, type Waveform } from "./waveform.ts";

/**
 * Decodes a file; its channels are mixed as downmix.ts says. What was cut off or is missing is left out and said in warnings.
 * @throws SurprisalError `too-large` when it is longer than `maxSeconds`, by its header before anything is decoded and
 * else as soon as it shows; `malformed-audio` when it cannot be decoded, `unsupported-media-type` for another codec in a container.
 */
export async function decode(
  bytes: Uint8Array,
  format: CodedFormat,
  maxSeconds: number,
  work = new Work(),
): Promise<Waveform> {
  const sound = new Recorded(format, maxSeconds, work);
  try {
    if (format === "FLAC") await decodeFlac(bytes, metadataBytes(bytes), sound);
    else if (format === "MP3") await decodeMp3(bytes, sound);
    else if (format === "WebM" || format === "MP4") {
      const { opusOfContainer } = await import("./containers.ts");
      const stream = await opusOfContainer(bytes, format, maxSeconds, work);
      await decodeOpus(stream, sound);
      if (stream.isCutOff && sound.length > 0) sound.warn(withoutEnd(format, sound.place(), "ends early"));
    } else await decodeOgg(bytes, format, sound);
  } catch (error) {
    if (error instanceof SurprisalError || work.isAborted) throw error;
    throw malformed(expected(`${format} that can be decoded`, `damage after ${sound.place()}`), { cause: error });
  }
  return sound.waveform();
}

async function decodeOgg(bytes: Uint8Array, format: CodedFormat, sound: Recorded): Promise<void> {
  const isFlac = (packet: Uint8Array) => String.fromCharCode(...packet.subarray(0, 5)) === "\x7fFLAC";
  const isSound = (packet: Uint8Array) => isOpusHead(packet) || isVorbisHead(packet) || isFlac(packet);
  const { streams, isCutOff } = oggStreams(bytes, isSound);
  for (const stream of streams) {
    const [head = new Uint8Array()] = stream.pages[0].packets;
    if (isOpusHead(head)) await decodeOpus(opusOfOgg(stream), sound);
    else if (isVorbisHead(head)) await decodeVorbis(vorbisOfOgg(stream), sound);
    else {
      // Its first packet has nine bytes of its own in front of "fLaC" (RFC 9639, section 10.1).
      const packets = stream.pages.flatMap((page) => page.packets);
      const first = packets.findIndex((packet, i) => i > 0 && packet[0] === 0xff);
      const frames = first === -1 ? [] : packets.slice(first);
      const start = packets[0].subarray(9);
      const before = sound.length;
      await decodeFlac(joined([start, ...frames]), start.length, sound);
      const repeated = stream.pages.flatMap(({ isRepeated }, i) => (isRepeated ? [stream.pages[i - 1].granule] : []));
      sound.missing(
        repeated.map((granule) => ({ at: Math.max(0, granule), samples: undefined, isRepeated: true })),
        before,
      );
    }
    const isIncomplete = !stream.isWhole || (isCutOff && stream === streams[streams.length - 1]);
    if (isIncomplete && sound.length > 0) sound.warn(withoutEnd(format, sound.place(), "has no last page"));
  }
}
