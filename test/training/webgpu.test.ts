/**
 * TensorFlow.js on WebGPU, wherever its two packages are installed. Needs a GPU then, or a driver that plays one, such as
 * SwiftShader: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json.
 */
import { expect, test } from "vitest";
import { CELLS } from "../../src/kernel/config.ts";
import { engineOf } from "../../src/training/backends.ts";
import { tbpttChunks } from "../../src/training/batches.ts";
import { uniform } from "../../src/util/random.ts";
import { isInstalled } from "../support/installed.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const missing = ["webgpu", "@tensorflow/tfjs-backend-webgpu"].filter((name) => !isInstalled(name));

if (missing.length === 0) {
  test.each(CELLS)("WebGPU makes the kernel's updates of %s", async (cell) => {
    const set = smallSet();
    const config = { cell, inputs: set.inputs, units: 5, outputs: set.inputs };
    const settings = { ...smallProtocol, weightNoiseStd: 0, emaDecay: 0.5 };
    const pieceParts = [...tbpttChunks(set.train, 7)];
    const losses = async (name: string) => {
      const create = await engineOf(name);
      const engine = create(kernelModule)(config, { rows: 1000, sequences: 32 });
      engine.load(randomTensors(config, new Random(1)));
      engine.seed(uniform(1));
      const found: number[] = [];
      for (const part of pieceParts) found.push(await engine.update(part, settings));
      engine.useAverage(true);
      for (const part of pieceParts) found.push(await engine.nll(part));
      return found;
    };
    const [kernel, webgpu] = [await losses("kernel"), await losses("tfjs-webgpu")];
    expect(webgpu.length).toBe(kernel.length);
    webgpu.forEach((loss, k) => {
      expect(Math.abs(loss / kernel[k] - 1)).toBeLessThan(1e-3);
    });
  });
} else {
  test("tfjs-webgpu names the package that is missing and how to install it", async () => {
    await expect(engineOf("tfjs-webgpu")).rejects.toMatchObject({
      code: "missing-engine",
      message: `--engine tfjs-webgpu needs the package ${missing[0]}; install it by \`npm install --no-save webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0\`.`,
    });
  });
}
