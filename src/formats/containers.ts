/** WebM, Matroska and MP4 files -> their Opus packets, by mediabunny, which reads what browsers' MediaRecorder writes. */

import { BufferSource, EncodedPacketSink, Input, MATROSKA, MP4, QTFF, WEBM } from "mediabunny";
import { expected } from "../errors.ts";
import type { Work } from "../util/work.ts";
import { checkTables } from "./mp4-tables.ts";
import { OPUS_RATE, type OpusStream, opusStream, packetSamples, readOpusHead } from "./opus.ts";
import type { PacketGroup } from "./timeline.ts";
import { checkSeconds, malformed, unsupported } from "./waveform.ts";
import { wholeWebm } from "./webm.ts";

/** Seconds by which recorders date packets wrongly: WebM counts milliseconds, and a microphone's clock drifts. */
const TOLERANCE = 0.1;

/** What reading one takes, in multiply-adds of the kernel (measured, see bench/abuse.md). */
const PACKET = 200_000;

const NAMES: Readonly<Record<string, string>> = {
  aac: "AAC",
  vorbis: "Vorbis",
  mp3: "MP3",
  flac: "FLAC",
  ac3: "AC-3",
  alac: "Apple Lossless",
};

/**
 * @throws SurprisalError `unsupported-media-type` for another codec, `malformed-audio` when the file is damaged or has no
 * sound, `too-large` when it lasts longer than `maxSeconds`.
 */
export async function opusOfContainer(
  file: Uint8Array,
  format: string,
  maxSeconds: number,
  work: Work,
): Promise<OpusStream & { readonly isCutOff: boolean }> {
  const { bytes, isCutOff } = format === "MP4" ? checkTables(file, maxSeconds) : wholeWebm(file);
  const input = new Input({ source: new BufferSource(bytes), formats: [WEBM, MATROSKA, MP4, QTFF] });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (!track) {
      const why = isCutOff ? "a file that is cut off in front of what describes its sound" : "none";
      throw malformed(expected(`a track of sound in the ${format} file`, why));
    }
    const { codec } = track;
    if (codec !== "opus") {
      const name = codec ?? track.internalCodecId;
      const found = codec?.startsWith("pcm") ? "PCM" : (NAMES[String(name)] ?? name ?? "a codec without a name");
      throw unsupported(
        `${found} in ${format}`,
        `Opus in ${format}`,
        format !== "MP4" ? "webm" : found === "PCM" ? "mov" : "m4a",
      );
    }
    const config = await track.getDecoderConfig();
    const description = config?.description;
    if (!description) throw malformed(`Expected an Opus header in the ${format} file, got none.`);
    const head = readOpusHead(
      ArrayBuffer.isView(description)
        ? new Uint8Array(description.buffer, description.byteOffset, description.byteLength)
        : new Uint8Array(description),
    );
    const groups: Omit<PacketGroup, "durations">[] = [];
    let samples = 0;
    for await (const { data, timestamp } of new EncodedPacketSink(track).packets()) {
      const own = packetSamples(data);
      samples += own;
      checkSeconds(samples / OPUS_RATE, maxSeconds);
      const end = Math.round(timestamp * OPUS_RATE) + own;
      groups.push({ packets: [data], end, isAfterGap: false, isRepeated: false, isLast: false });
      await work.step(PACKET);
    }
    return { ...opusStream(head, groups, TOLERANCE * OPUS_RATE), isCutOff };
  } finally {
    input.dispose();
  }
}
