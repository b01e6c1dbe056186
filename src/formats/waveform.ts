/** Mono sound, as every reader of audio returns it, and the bounds that all of them hold to. */

import { expected, SurprisalError, type Warning } from "../errors.ts";
import { MAX_CHANNELS, MAX_SAMPLES, SAMPLE_RATES } from "../limits.ts";

/** Mono audio; full scale = 1. */
export interface Sound {
  readonly samples: Float32Array;
  readonly sampleRate: number; // Hz
}

/** Sound that was read from a file, with what is wrong with the file. */
export interface Waveform extends Sound {
  readonly warnings: readonly Warning[];
}

/** @throws SurprisalError `too-large` when a recording lasts longer than it may. */
export function checkSeconds(seconds: number, maxSeconds: number): void {
  if (seconds > maxSeconds) {
    throw new SurprisalError(
      "too-large",
      expected(`at most ${maxSeconds} s of sound`, `a recording of ${Math.round(seconds)} s`),
    );
  }
}

/** What decoding a sample takes, in multiply-adds of the kernel (measured, see bench/abuse.md). */
export const SAMPLE_COST = 1000;

/** What a header announces. It costs nothing to claim, so it is checked before anything is decoded. */
export interface Announcement {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly samples: number; // of one channel; 0 when the header does not say
}

/**
 * @throws SurprisalError `malformed-audio` for a rate or a number of channels that no recording has, `too-large` for more
 * sound than is read.
 */
export function checkAnnouncement({ sampleRate, channels, samples }: Announcement, maxSeconds: number): void {
  const { min, max } = SAMPLE_RATES;
  if (!(sampleRate >= min && sampleRate <= max)) {
    throw malformed(expected(`a sample rate from ${min} to ${max} Hz`, `${sampleRate} Hz`));
  }
  if (!(channels >= 1 && channels <= MAX_CHANNELS)) {
    throw malformed(expected(`1 to ${MAX_CHANNELS} channels`, channels));
  }
  checkSeconds(samples / sampleRate, maxSeconds);
  if (samples > MAX_SAMPLES) {
    throw new SurprisalError("too-large", expected(`at most ${MAX_SAMPLES} samples a channel`, samples));
  }
}

/** @param sentence a whole one */
export const malformed = (sentence: string, options?: ErrorOptions) =>
  new SurprisalError("malformed-audio", sentence, options);

/**
 * @param found what the file holds, such as "AAC"
 * @param extension of such files
 */
export const unsupported = (found: string, readable: string, extension: string) =>
  new SurprisalError(
    "unsupported-media-type",
    `${expected(readable, found)} This converts it: ffmpeg -i in.${extension} -ar 8000 -ac 1 out.wav`,
  );

/** A file that ends early. Both numbers are samples of one channel. */
export const cutOff = (found: number, announced: number): Warning => ({
  code: "cut-off",
  count: Math.min(announced - found, Number.MAX_SAFE_INTEGER), // a header of 64 bits may announce more than counts hold
  detail: `The file is cut off: its header announces ${announced} samples, and it holds ${found}.`,
});

/** A place where a file does not hold the sound that it was made from. */
export interface Gap {
  readonly at: number; // samples that come before it
  readonly samples: number | undefined; // missing, where the file lets one know
  /** Nothing is missing: the sound before stands here once more. */
  readonly isRepeated?: boolean;
}

/** One warning for all gaps of a file, with the place of each of the first three. */
export function damagedAudio(gaps: readonly Gap[], sampleRate: number): Warning {
  const missing = gaps.filter(({ isRepeated }) => !isRepeated);
  const repeated = gaps.filter(({ isRepeated }) => isRepeated);
  const found = [
    ...(missing.length > 0
      ? [`sound is missing ${placesOf(missing, sampleRate)}. What is left was joined and scored.`]
      : []),
    ...(repeated.length > 0 ? [`sound stands twice ${placesOf(repeated, sampleRate)}. It was scored once.`] : []),
  ];
  return {
    code: "damaged-audio",
    count: missing.reduce((sum, { samples = 0 }) => sum + samples, 0),
    detail: `The file is damaged: ${found.join(" Also, ")}`,
  };
}

function placesOf(gaps: readonly Gap[], sampleRate: number): string {
  const seconds = (samples: number) => `${(samples / sampleRate).toFixed(2)} s`;
  const places = gaps
    .slice(0, 3)
    .map(({ at, samples }) =>
      samples === undefined ? `at ${seconds(at)}` : `at ${seconds(at)} (${seconds(samples)} of it)`,
    );
  const more = gaps.length > places.length ? ` and at ${gaps.length - places.length} more places` : "";
  return `${places.join(", ")}${more}`;
}
