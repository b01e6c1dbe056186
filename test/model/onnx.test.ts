/** Every shipped model as an ONNX file, run by ONNX Runtime: the NLL is the kernel's. */
import type { InferenceSession } from "onnxruntime-web";
import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { DEFAULT_FOLDER } from "../../src/entry/node/local.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { stateSize } from "../../src/kernel/engine.ts";
import { networksOf } from "../../src/model/model.ts";
import type { MusicNetwork } from "../../src/model/music-network.ts";
import { onnxOf } from "../../src/model/onnx.ts";
import { SpeechNetwork } from "../../src/model/speech-network.ts";
import { fileStore } from "../../src/store/files.ts";
import { loadModels } from "../../src/store/load.ts";
import { randomModel, randomPiece, randomSpeechNetwork } from "../support/models.ts";
import { dense, runtimeOf } from "../support/oracles/onnx.ts";
import { Random } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const { models } = await loadModels(fileStore(DEFAULT_FOLDER), kernelModule);
const shipped = models.filter((model) => networksOf(model).length === 1) as (MusicNetwork | SpeechNetwork)[];

const floats = (tensor: ort.Tensor): Float32Array => tensor.data as Float32Array;
const zeros = ({ checkpoint }: MusicNetwork | SpeechNetwork) => {
  const size = stateSize(checkpoint.config);
  return new ort.Tensor("float32", new Float32Array(size), [1, size]);
};

/** Largest difference of two lists of NLL, relative where they are above 1. */
const difference = (found: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  Math.max(...Array.from(wanted, (nll, t) => Math.abs(found[t] - nll) / Math.max(1, Math.abs(nll))));

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

async function session<T>(network: MusicNetwork | SpeechNetwork, work: (session: InferenceSession) => Promise<T>) {
  const runtime = await runtimeOf(onnxOf(network));
  try {
    return await work(runtime);
  } finally {
    await runtime.release();
  }
}

/** Frames as the oracle takes them: columns, not pitches. */
const columns = (frames: readonly (readonly number[])[]) => frames.map((frame) => frame.map((pitch) => pitch - 1));

const speech = (network: SpeechNetwork, count: number): Float32Array =>
  network.standardise(
    new Random(3).normals(count).map((x, n) => network.mean + network.std * (0.5 * x + Math.sin(n / 7))),
  );

describe("an ONNX file has the NLL of its model within 1e-5", () => {
  test("there is a model of every cell under every head", () => {
    const kinds = shipped.map(({ checkpoint: { config } }) => {
      const head = config.mixture ? "mixture" : config.nade ? "nade" : "bernoulli";
      return `${config.cell} ${head}`;
    });
    expect(new Set(kinds).size).toBe(9);
  });

  test.each(shipped.map((network) => [network.id, network] as const))("%s", async (_, network) => {
    await session(network, async (runtime) => {
      if (network instanceof SpeechNetwork) {
        const samples = speech(network, 20 + 10 * 200);
        const { nll } = await network.score(samples);
        const input = new ort.Tensor("float32", samples, [1, samples.length]);
        const found = floats((await runtime.run({ samples: input, state: zeros(network) })).nll);
        expect(found).toHaveLength(nll.length);
        expect(difference(found, nll)).toBeLessThan(1e-4);
        expect(Math.abs(mean(found) - mean(nll))).toBeLessThan(1e-5 * Math.max(1, Math.abs(mean(nll))));
        return;
      }
      const piece = randomPiece(5, 120);
      const { nll } = await network.score(pianoRoll(piece));
      const frames = dense(columns(piece), network.pitches);
      const found = floats((await runtime.run({ frames, state: zeros(network) })).nll);
      expect(found).toHaveLength(nll.length);
      expect(difference(found, nll)).toBeLessThan(1e-5);
      expect(Math.abs(mean(found) - mean(nll))).toBeLessThan(1e-5 * Math.max(1, mean(nll)));
    });
  });
});

test.each([randomModel({ set: "jsb", cell: "lstm" }), randomModel({ set: "jsb", cell: "gru", hidden: 7 })])(
  "a piece goes on from the final state: $id",
  async (network) => {
    const piece = columns(randomPiece(2, 30));
    await session(network, async (runtime) => {
      const run = async (frames: typeof piece, state: ort.Tensor) =>
        runtime.run({ frames: dense(frames, network.pitches), state });
      const whole = await run(piece, zeros(network));
      const first = await run(piece.slice(0, 13), zeros(network));
      const second = await run(piece.slice(12), first.final_state);
      expect(difference([...floats(first.nll), ...floats(second.nll)], floats(whole.nll))).toBeLessThan(1e-6);
      expect(difference(floats(second.final_state), floats(whole.final_state))).toBeLessThan(1e-6);
    });
  },
);

test("the Gaussians are those that the NLL is of", async () => {
  const network = randomSpeechNetwork({ cell: "lstm" });
  const samples = speech(network, 60);
  await session(network, async (runtime) => {
    const input = new ort.Tensor("float32", samples, [1, samples.length]);
    const { nll, weights, means, scales } = await runtime.run({ samples: input, state: zeros(network) });
    const { components: K, block } = network.shape;
    const wanted = Array.from(floats(nll), (_, t) => {
      const at = network.inputs + t * block;
      const densities = Array.from({ length: K }, (_, k) => {
        let density = floats(weights)[t * K + k];
        for (let d = 0; d < block; d++) {
          const [mean, scale] = [means, scales].map((tensor) => floats(tensor)[(t * K + k) * block + d]);
          const z = (samples[at + d] - mean) / scale;
          density *= Math.exp(-(z ** 2) / 2) / (scale * Math.sqrt(2 * Math.PI));
        }
        return density;
      });
      return -Math.log(densities.reduce((a, b) => a + b, 0));
    });
    expect(difference(floats(nll), wanted)).toBeLessThan(1e-5);
  });
});

test("equal networks give equal bytes, which name the model and its version", () => {
  const network = randomModel({ set: "jsb", cell: "tanh" });
  const bytes = onnxOf(network);
  expect(onnxOf(network)).toEqual(bytes);
  const text = new TextDecoder("latin1").decode(bytes);
  for (const part of ["jsb/tanh", network.version, "framesPerQuarter"]) expect(text).toContain(part);
});
