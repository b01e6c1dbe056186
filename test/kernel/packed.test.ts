/**
 * Recurrent weights that outgrow a first-level cache are laid out anew before many steps. That must not change a bit: many
 * steps at once are held to one step at a time, which contracts/kernel.ts holds to ONNX Runtime.
 */
import { describe, expect, test } from "vitest";
import { CELLS, type Config } from "../../src/kernel/config.ts";
import { stateSize } from "../../src/kernel/engine.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule, relaxedKernelModule } from "../support/wasm.ts";

const STEPS = 40;
const INPUTS = 5;
const mixture = { components: 2, block: 3 };
const BUILDS = { portable: kernelModule, relaxed: relaxedKernelModule };

describe.each(Object.entries(BUILDS))("the %s kernel", (_, module) => {
  // 107 units, padded to 108, take every width of panel: 32, 8 and 4 columns.
  test.each(CELLS.flatMap((cell) => [107, 130].flatMap((units) => [1, 3, 4, 6].map((n) => [cell, units, n] as const))))(
    "scores %s-%i, %i sequences at once, as step by step, bit for bit",
    (cell, units, sequences) => {
      const config: Config = { cell, inputs: INPUTS, units, outputs: 14, mixture };
      const random = new Random(units + sequences);
      const kernel = new Kernel(module, config, { rows: STEPS * sequences, sequences });
      kernel.load(randomTensors(config, random));
      const inputs = random.normals(STEPS * sequences * INPUTS);
      const targets = random.normals(STEPS * sequences * mixture.block);
      const whole = kernel.forward({ batchSizes: new Uint32Array(STEPS).fill(sequences), inputs, targets }).slice();
      const lastState = kernel.state();

      let state: Float32Array = new Float32Array(sequences * stateSize(config));
      const single: number[] = [];
      for (let t = 0; t < STEPS; t++) {
        const rows = (values: Float32Array, length: number) =>
          values.subarray(t * sequences * length, (t + 1) * sequences * length);
        kernel.setState(state);
        single.push(
          ...kernel.forward({
            batchSizes: Uint32Array.of(sequences),
            inputs: rows(inputs, INPUTS),
            targets: rows(targets, mixture.block),
          }),
        );
        state = kernel.state();
      }
      expect(Array.from(whole)).toEqual(single);
      expect(lastState).toEqual(state);
    },
  );
});
