/** MP3 -> samples, by mpg123. */

import { type Recorded, withDecoder, withoutEnd } from "./decoded.ts";
import { readMp3 } from "./mp3.ts";
import { cutOff } from "./waveform.ts";

/** Delay and padding of twelve bits each in LAME's tag, mpg123's own 529 samples, and the frame that holds the tag. */
const MAX_MP3_TRIM = 2 * 4095 + 529 + 1152;

/** @throws SurprisalError `too-large`, `malformed-audio`; Error where the decoder gives fewer samples than the frames hold */
export async function decodeMp3(bytes: Uint8Array, sound: Recorded): Promise<void> {
  const { sampleRate, channels, frameSamples, frames, announced, breaks, cutOff: isCutOff } = readMp3(bytes);
  sound.begin(sampleRate, channels, frames.length * frameSamples);
  const { MPEGDecoder } = await import("mpg123-decoder");
  await withDecoder(new MPEGDecoder(), async (decoder) => {
    for (const frame of frames) {
      sound.add(decoder.decode(frame), []);
      await sound.pause();
    }
  });
  if (frames.length * frameSamples - sound.length > MAX_MP3_TRIM) {
    throw new Error(`${sound.length} samples of ${frames.length * frameSamples}`);
  }
  const held = frames.length - (announced === undefined ? 0 : 1);
  const missing = announced === undefined ? undefined : Math.max(0, announced - held) * frameSamples;
  // Where every announced frame is there, other bytes before the first or after the last cost no sound.
  const places = missing === 0 ? breaks.filter((frame) => frame > 0 && frame < frames.length) : breaks;
  if (places.length > 0) {
    const samples = places.length === 1 && missing ? missing : undefined;
    sound.missing(places.map((frame) => ({ at: frame * frameSamples, samples })));
  } else if (missing) sound.warn(cutOff(held * frameSamples, (announced ?? 0) * frameSamples));
  else if (isCutOff && missing === undefined) sound.warn(withoutEnd("MP3", sound.place(), "ends inside a frame"));
}
