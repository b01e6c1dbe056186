/** WebM, Matroska and MP4 files -> their Opus packets, by mediabunny, which reads what browsers' MediaRecorder writes. */

import { BufferSource, EncodedPacketSink, Input, MATROSKA, MP4, QTFF, WEBM } from "mediabunny";
import { expected } from "../errors.ts";
import type { Work } from "../util/work.ts";
import { checkTables } from "./mp4-tables.ts";
import { OPUS_RATE, type OpusStream, opusStream, packetSamples, readOpusHead } from "./opus.ts";
import type { PacketGroup } from "./timeline.ts";
import { checkSeconds, malformed, unsupported } from "./waveform.ts";

/** Seconds by which recorders date packets wrongly: WebM counts milliseconds, and a microphone's clock drifts. */
const TOLERANCE = 0.1;

/** What reading one takes, in multiply-adds of the kernel (measured, see bench/abuse.md). */
const PACKET = 200_000;

const NAMES: Readonly<Record<string, string>> = { aac: "AAC", vorbis: "Vorbis", mp3: "MP3", flac: "FLAC", ac3: "AC-3" };

/** The same bytes, one read after the other: no reader that gets on wants them so often. */
const SAME_READS = 100;

/**
 * A file in memory that notices when it is read in a circle. mediabunny 1.61.0 looks for an element of WebM behind bytes that
 * are none, and at the last eight bytes of the file it looks for ever: 41 bytes are enough. It passes the range to a method that
 * its types do not show.
 */
class WatchedSource extends BufferSource {
  readonly #read = Reflect.get(BufferSource.prototype, "_read") as (...range: readonly number[]) => unknown;
  #last: readonly number[] = [];
  #times = 0;

  _read(...range: readonly number[]): unknown {
    this.#times = range.every((number, i) => number === this.#last[i]) ? this.#times + 1 : 0;
    this.#last = range;
    if (this.#times > SAME_READS) throw malformed(expected("elements to its end in the WebM file", "other bytes"));
    return this.#read(...range);
  }
}

/**
 * @throws SurprisalError `unsupported-media-type` for another codec, `malformed-audio` when the file is damaged or has no
 * sound, `too-large` when it lasts longer than `maxSeconds`.
 */
export async function opusOfContainer(
  bytes: Uint8Array,
  format: string,
  maxSeconds: number,
  work: Work,
): Promise<OpusStream> {
  if (format === "MP4") checkTables(bytes, maxSeconds);
  const input = new Input({ source: new WatchedSource(bytes), formats: [WEBM, MATROSKA, MP4, QTFF] });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (!track) throw malformed(`Expected a track of sound in the ${format} file, got none.`);
    const { codec } = track;
    if (codec !== "opus") {
      const found = codec
        ? (NAMES[codec] ?? codec)
        : `a codec that is not known (${track.internalCodecId ?? "no name"})`;
      throw unsupported(`${found} in ${format}`, `Opus in ${format}`, format === "MP4" ? "m4a" : "webm");
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
      groups.push({ packets: [data], end, isBehindGap: false, isRepeated: false, isLast: false });
      await work.step(PACKET);
    }
    return opusStream(head, groups, TOLERANCE * OPUS_RATE);
  } finally {
    input.dispose();
  }
}
