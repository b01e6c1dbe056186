/** The sound of a WAV or AIFF file: blocks of one size -> mono samples. */

import { SurprisalError, type Warning } from "../errors.ts";
import { Work } from "../util/work.ts";
import { DownmixMeter, downmixWeights, type Speaker } from "./downmix.ts";
import type { BlockCodec } from "./pcm.ts";
import { checkAnnouncement, cutOff, malformed, SAMPLE_COST, type Waveform } from "./waveform.ts";

export interface BlockAudio {
  readonly codec: BlockCodec;
  readonly data: Uint8Array;
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly layout: readonly Speaker[]; // empty where the file does not say
  readonly announced: number | undefined; // frames, where the header says
}

/** Frames that are decoded at once: in between, a sample takes eight bytes. */
const PORTION = 2 ** 15;

/**
 * @throws SurprisalError `nothing-to-score` when there is no sound, `too-large` before any sample is decoded, and
 * `malformed-audio` for a sample that is no number.
 */
export async function readBlocks(audio: BlockAudio, maxSeconds: number, work = new Work()): Promise<Waveform> {
  const { codec, data, sampleRate, channels, announced } = audio;
  checkAnnouncement({ sampleRate, channels, samples: 0 }, maxSeconds);
  const blocks = Math.floor(data.length / codec.blockBytes);
  const there = blocks * codec.blockFrames;
  const frames = Math.min(there, announced ?? there);
  if (frames === 0) throw new SurprisalError("nothing-to-score", "Expected a recording, got a file without sound.");
  checkAnnouncement({ sampleRate, channels, samples: frames }, maxSeconds);
  const samples = new Float32Array(frames);
  const weights = downmixWeights(channels, audio.layout);
  const meter = new DownmixMeter();
  const portion = Math.max(1, Math.floor(PORTION / codec.blockFrames)); // blocks
  for (let block = 0; block * codec.blockFrames < frames; block += portion) {
    const part = data.subarray(block * codec.blockBytes, Math.min(blocks, block + portion) * codec.blockBytes);
    const interleaved = codec.decode(part);
    const start = block * codec.blockFrames;
    const count = Math.min(frames - start, interleaved.length / channels);
    const power = new Float64Array(channels);
    for (let t = 0; t < count; t++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) {
        const sample = interleaved[t * channels + c];
        sum += weights[c] * sample;
        power[c] += sample ** 2;
      }
      samples[start + t] = sum;
    }
    meter.add(power, weights);
    await work.step(count * channels * SAMPLE_COST);
  }
  const faulty = samples.findIndex((sample) => !Number.isFinite(sample));
  if (faulty !== -1) throw malformed(`Expected finite samples, got ${samples[faulty]} at sample ${faulty}.`);
  const warnings: Warning[] = meter.correct(samples);
  if (announced !== undefined && frames < announced) warnings.unshift(cutOff(frames, announced));
  return { samples, sampleRate, warnings };
}
