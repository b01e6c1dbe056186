/** A network -> an error, if it does not give finite numbers for a short random input. */
import { pianoRoll } from "../formats/piano-roll.ts";
import { normal, uniform } from "../util/random.ts";
import { type Network, networkOf } from "./model.ts";

const SEED = 1;
const FRAMES = 8; // of music; blocks of audio

/**
 * Scores and continues a short input, in a kernel of its own, which is not kept: a few milliseconds for a shipped model.
 * @throws SurprisalError `malformed-checkpoint` when a number is not finite
 */
export async function tryNetwork(network: Network, kernel: WebAssembly.Module): Promise<void> {
  const model = networkOf(network.checkpoint, network.version, kernel);
  const draw = uniform(SEED);
  if (model.kind === "music") {
    const pitches = Array.from({ length: model.pitches }, (_, d) => d + 1);
    // Silence, then all pitches, then fewer and fewer.
    const roll = pianoRoll([[], ...Array.from({ length: FRAMES }, (_, t) => pitches.filter(() => t * draw() < 1))]);
    await model.score(roll);
    await model.advance(model.initialState(), roll);
    return;
  }
  const samples = Float32Array.from({ length: model.inputs + FRAMES * model.shape.block }, () => {
    return model.mean + model.std * normal(draw);
  });
  await model.score(model.standardise(samples));
  const advanced = await model.advance(model.initialState(), samples);
  await model.continuation(advanced, { blocks: FRAMES, draw, temperature: 1 });
}
