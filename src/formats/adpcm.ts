/**
 * Blocks of ADPCM in WAV files -> samples: four bits for the step from one sample to the next, whose size adapts. IMA
 * (Recommended Practices for Enhancing Digital Audio Compatibility, 3.00, 1992) and Microsoft's (Multimedia Data Standards
 * Update, 1994).
 */

import type { BlockCodec } from "./pcm.ts";
import { malformed } from "./waveform.ts";

// biome-ignore format: a table
const IMA_STEPS = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166,
  1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845,
  8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
const IMA_INDEX = [-1, -1, -1, -1, 2, 4, 6, 8];

// biome-ignore format: a table
const MS_ADAPTATION = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];
const MS_LEAST_STEP = 16;

const clip = (sample: number) => Math.max(-32768, Math.min(32767, sample));
const FULL_SCALE = 2 ** 15;

/** @throws SurprisalError `malformed-audio` when the size of a block is not one of IMA ADPCM. */
export function imaAdpcm(blockBytes: number, channels: number): BlockCodec {
  const words = (blockBytes - 4 * channels) / (4 * channels); // of eight samples, for each channel
  if (!(Number.isInteger(words) && words > 0)) throw malformedBlock("IMA", blockBytes);
  const blockFrames = 8 * words + 1;
  return blockwise(blockBytes, blockFrames, channels, (block, put) => {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    for (let c = 0; c < channels; c++) {
      let sample = view.getInt16(4 * c, true);
      let index = Math.min(view.getUint8(4 * c + 2), IMA_STEPS.length - 1);
      put(0, c, sample);
      for (let t = 0; t < blockFrames - 1; t++) {
        const byte = view.getUint8(4 * channels + 4 * (channels * (t >> 3) + c) + ((t & 7) >> 1));
        const code = t & 1 ? byte >> 4 : byte & 15;
        const step = IMA_STEPS[index];
        // As the standard's shifts and additions round it.
        const size = (step >> 3) + (code & 4 ? step : 0) + (code & 2 ? step >> 1 : 0) + (code & 1 ? step >> 2 : 0);
        sample = clip(code & 8 ? sample - size : sample + size);
        index = Math.max(0, Math.min(IMA_STEPS.length - 1, index + IMA_INDEX[code & 7]));
        put(t + 1, c, sample);
      }
    }
  });
}

/**
 * @param coefficients of the predictors: pairs in 1/256
 * @throws SurprisalError `malformed-audio` when the size of a block is not one of MS ADPCM, or it names a predictor not there.
 */
export function msAdpcm(blockBytes: number, channels: number, coefficients: readonly [number, number][]): BlockCodec {
  const headerBytes = 7 * channels;
  const blockFrames = 2 + Math.floor((2 * (blockBytes - headerBytes)) / channels);
  if (channels > 2 || blockFrames <= 2) throw malformedBlock("Microsoft", blockBytes);
  return blockwise(blockBytes, blockFrames, channels, (block, put) => {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const states = Array.from({ length: channels }, (_, c) => {
      const predictor = coefficients[view.getUint8(c)];
      if (!predictor) throw malformed(`Expected a predictor below ${coefficients.length}, got ${view.getUint8(c)}.`);
      const [step, last, before] = [1, 3, 5].map((field) => view.getInt16(channels * field + 2 * c, true));
      put(0, c, before);
      put(1, c, last);
      return { predictor, step, last, before };
    });
    for (let i = 0; i < (blockFrames - 2) * channels; i++) {
      const byte = view.getUint8(headerBytes + (i >> 1));
      const code = i & 1 ? byte & 15 : byte >> 4;
      const state = states[i % channels];
      const predicted = Math.trunc((state.last * state.predictor[0] + state.before * state.predictor[1]) / 256);
      const sample = clip(predicted + ((code ^ 8) - 8) * state.step);
      state.step = Math.max(MS_LEAST_STEP, (MS_ADAPTATION[code] * state.step) >> 8);
      [state.before, state.last] = [state.last, sample];
      put(2 + Math.floor(i / channels), i % channels, sample);
    }
  });
}

function blockwise(
  blockBytes: number,
  blockFrames: number,
  channels: number,
  decodeBlock: (block: Uint8Array, put: (frame: number, channel: number, sample: number) => void) => void,
): BlockCodec {
  return {
    blockBytes,
    blockFrames,
    decode(bytes) {
      const samples = new Float64Array((bytes.length / blockBytes) * blockFrames * channels);
      for (let at = 0, first = 0; at < bytes.length; at += blockBytes, first += blockFrames) {
        decodeBlock(bytes.subarray(at, at + blockBytes), (frame, channel, sample) => {
          samples[(first + frame) * channels + channel] = sample / FULL_SCALE;
        });
      }
      return samples;
    },
  };
}

const malformedBlock = (whose: string, blockBytes: number) =>
  malformed(`Expected blocks of a size that ${whose} ADPCM has, got ${blockBytes} bytes.`);
