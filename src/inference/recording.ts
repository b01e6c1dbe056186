/**
 * A recording as it came in -> Recording: its samples at the rate of each model, and what a listener would say of them.
 */

import { expected, type Warning } from "../errors.ts";
import { resample } from "../formats/resample.ts";
import { checkSeconds, malformed, type Sound } from "../formats/waveform.ts";
import { type Limits, MAX_SAMPLE } from "../limits.ts";
import type { AudioInput } from "../schema/common.ts";
import { Work } from "../util/work.ts";

/** What counts as silence, -60 dB of full scale; and of how much of a recording, to be worth a warning. */
const SILENT = 1e-3;
const MOSTLY = 0.9;
/** From here a mean is heard in the numbers: a hundredth of full scale, and a tenth of the deviation. */
const OFFSET = { absolute: 0.01, relative: 0.1 };
/** So many samples in a row at the largest level are no peak of a wave. */
const CLIPPED_RUN = 3;
const NEAR_FULL_SCALE = 0.99;

export interface Recording {
  readonly input: AudioInput;
  /** Its samples at a rate in Hz, full scale = 1. */
  at(sampleRate: number, work?: Work): Promise<Float32Array>;
}

/**
 * @param waveform a Waveform, or sound that was read from no file
 * @throws SurprisalError `too-large` when it is longer than the limit, `malformed-audio` when a sample is no level of audio.
 */
export async function recordingOf(
  { samples, sampleRate, warnings = [] }: Sound & { readonly warnings?: readonly Warning[] },
  limits: Pick<Limits, "seconds">,
  work = new Work(),
): Promise<Recording> {
  const durationSeconds = samples.length / sampleRate;
  checkSeconds(durationSeconds, limits.seconds);
  const heard = await warningsOf(samples, work);
  const resampled = new Map<number, Promise<Float32Array>>();
  return {
    input: {
      kind: "audio",
      sampleRate,
      samples: samples.length,
      durationSeconds,
      warnings: [...warnings, ...heard],
    },
    at(rate, work) {
      const known = resampled.get(rate) ?? resample(samples, sampleRate, rate, work);
      resampled.set(rate, known);
      return known;
    },
  };
}

/** Samples that are looked at between two pauses. */
const PART = 2 ** 18;
/** What looking at one takes, see model/cost.ts. */
const LOOK_COST = 100;

/** What makes a recording unlike speech before any model has seen it. */
async function warningsOf(samples: Float32Array, work: Work): Promise<Warning[]> {
  const { length } = samples;
  if (length === 0) return [];
  let [sum, squares, silent, peak, constant] = [0, 0, 0, 0, true];
  for (let start = 0; start < length; start += PART) {
    const end = Math.min(length, start + PART);
    for (let t = start; t < end; t++) {
      const sample = samples[t];
      const size = Math.abs(sample);
      if (!(size <= MAX_SAMPLE)) {
        const wanted = `samples of at most ${MAX_SAMPLE} in size, where full scale is 1`;
        throw malformed(expected(wanted, `${sample} at sample ${t}`));
      }
      sum += sample;
      squares += sample * sample;
      if (size < SILENT) silent += 1;
      if (size > peak) peak = size;
      if (sample !== samples[0]) constant = false;
    }
    await work.step((end - start) * LOOK_COST);
  }
  const mean = sum / length;
  const deviation = Math.sqrt(Math.max(0, squares / length - mean ** 2));
  const warnings: Warning[] = [];
  const warn = (code: Warning["code"], count: number, detail: string) => warnings.push({ code, count, detail });
  if (constant) warn("constant", length, `Every sample is ${samples[0]}: there is no sound in it.`);
  else if (silent >= MOSTLY * length) {
    warn(
      "silence",
      silent,
      `${silent} of ${length} samples are below -60 dB of full scale: almost all of it is silence.`,
    );
  }
  const clipped = peak >= NEAR_FULL_SCALE && !constant ? clippedSamples(samples, peak) : 0;
  if (clipped > 0) warn("clipping", clipped, `${clipped} samples stand at the largest level in a row: it is clipped.`);
  if (!constant && Math.abs(mean) > Math.max(OFFSET.absolute, OFFSET.relative * deviation)) {
    warn("dc-offset", length, `The mean of the samples is ${mean.toPrecision(2)}; speech has 0.`);
  }
  return warnings;
}

/** Samples in runs at the peak, of either sign. */
function clippedSamples(samples: Float32Array, peak: number): number {
  let [clipped, run] = [0, 0];
  for (let t = 0; t <= samples.length; t++) {
    // A file of n bits has its largest level one step lower above 0 than below.
    const atPeak = t < samples.length && Math.abs(samples[t]) >= peak - 2 ** -7 * peak;
    if (atPeak && (run === 0 || samples[t] === samples[t - 1])) {
      run += 1;
      continue;
    }
    if (run >= CLIPPED_RUN) clipped += run;
    run = Number(atPeak);
  }
  return clipped;
}
