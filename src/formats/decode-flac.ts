/** FLAC -> samples, by libFLAC. */

import { MAX_GAPS, type Recorded, withDecoder } from "./decoded.ts";
import { flacLayout } from "./downmix.ts";
import { readFrames, readStreamInfo, runsOf } from "./flac.ts";
import { cutOff } from "./waveform.ts";

/**
 * @param from the byte of the first frame
 * @throws SurprisalError `too-large`, `malformed-audio`; Error where the decoder gives other than the frames announce
 */
export async function decodeFlac(bytes: Uint8Array, from: number, sound: Recorded): Promise<void> {
  const info = readStreamInfo(bytes);
  sound.begin(info.sampleRate, info.channels, info.samples);
  const frames = readFrames(bytes, from, info);
  const { gaps, runs, end } = runsOf(frames);
  const length = runs.flat().reduce((sum, { samples }) => sum + samples, 0);
  sound.begin(info.sampleRate, info.channels, length);
  const start = sound.length;
  if (gaps.length > MAX_GAPS) throw new Error(`${gaps.length} gaps`);
  const { FLACDecoder } = await import("@wasm-audio-decoders/flac");
  for (const run of runs) {
    // libFLAC takes a gap between frames for an error, and so does not see one.
    await withDecoder(new FLACDecoder(), async (decoder) => {
      await decoder.decodeFrames([info.bytes]);
      for (const frame of run) {
        sound.add(await decoder.decodeFrames([frame.bytes]), flacLayout(info.channels));
        await sound.pause();
      }
    });
  }
  if (sound.length - start !== length) throw new Error(`${sound.length - start} samples of ${length}`);
  sound.missing(gaps, start);
  if (info.samples > 0 && end < info.samples) sound.warn(cutOff(end, info.samples));
}
