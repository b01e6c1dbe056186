/** Vorbis -> samples, by libvorbis. */

import { MAX_GAPS, type Recorded, trimmer, withDecoder } from "./decoded.ts";
import { vorbisLayout } from "./downmix.ts";
import { pagesOf } from "./ogg.ts";
import type { VorbisStream } from "./vorbis.ts";

/** Bytes that are decoded at once: a few bytes of FLAC may hold a second of silence, and all of it stands in memory. */
const PORTION = 2048;

/** @throws SurprisalError `too-large`; Error where the decoder gives other than the pages announce */
export async function decodeVorbis(
  { sampleRate, channels, headers, timeline }: VorbisStream,
  sound: Recorded,
): Promise<void> {
  const { runs, gaps } = timeline;
  sound.begin(sampleRate, channels, timeline.samples);
  if (gaps.length > MAX_GAPS) throw new Error(`${gaps.length} gaps`);
  const start = sound.length;
  const trim = trimmer(timeline, sound);
  const { OggVorbisDecoder } = await import("@wasm-audio-decoders/ogg-vorbis");
  for (const run of runs.filter(({ length }) => length > 0)) {
    const bytes = pagesOf([...headers, ...run]);
    await withDecoder(new OggVorbisDecoder(), async (decoder) => {
      for (let at = 0; at < bytes.length; at += PORTION) {
        sound.add(trim(await decoder.decode(bytes.subarray(at, at + PORTION))), vorbisLayout(channels));
        await sound.pause();
      }
      sound.add(trim(await decoder.flush()), vorbisLayout(channels));
    });
  }
  // Packets without sound are left out in silence.
  if (sound.length - start !== timeline.samples)
    throw new Error(`${sound.length - start} samples of ${timeline.samples}`);
  sound.missing(gaps, start);
}
