/**
 * Trains one model and puts its checkpoint into models/.
 *
 *   npm run train -- jsb/gru                          the shipped model, bit for bit on the same machine
 *   npm run train -- jsb/gru --learningRate 0.002 --seed 7    with other settings; src/training/protocol.ts has them all
 *   npm run train -- jsb/gru --out FOLDER             into another folder
 *   npm run train -- jsb/gru --engine tfjs-webgpu     by TensorFlow.js on a GPU; training/backends.ts has all engines
 *
 * Killed at any moment, the same command goes on where it stopped and ends with the same checkpoint; see training/run.ts.
 */
import { readFile } from "node:fs/promises";
import { checkWritable, sayHowToGoOn } from "../src/entry/cli/long-work.ts";
import { showTraining } from "../src/entry/cli/training-progress.ts";
import { settingOptions } from "../src/entry/cli/training-settings.ts";
import { networkOf } from "../src/model/model.ts";
import { addToFolder, recordMeasured } from "../src/store/files.ts";
import { ENGINES, engineOf } from "../src/training/backends.ts";
import { measuredTest } from "../src/training/measure.ts";
import { run } from "../src/training/run.ts";
import { parseTarget, protocolOf, SETTINGS, withSettings } from "../src/training/targets.ts";
import { runScript } from "./command.ts";
import { trainingSetOf } from "./teachers.ts";

const RUNS = "runs"; // snapshots and logs

await runScript({
  usage: "npm run train -- MODEL",
  about: `Trains one model, such as jsb/gru, and puts its checkpoint into a folder of models. Stopped at any moment, the same command
goes on where it stopped. The settings, from --units on, are those of the shipped model unless given.`,
  options: {
    engine: { type: "string", value: "NAME", default: "kernel", about: ENGINES.join(", ") },
    out: { type: "string", value: "FOLDER", default: "models", about: "where the checkpoint goes" },
    ...settingOptions(SETTINGS),
  },
  positionals: 1,
  example: "npm run train -- jsb/gru --seed 7 --out trained",
  run: ({ engine, out, ...settings }, [id = ""]) => train(id, { engine, out, settings }),
});

async function train(
  id: string,
  { engine: engineName, out, settings }: { engine: string; out: string; settings: Readonly<Record<string, unknown>> },
): Promise<void> {
  const target = parseTarget(id);
  const protocol = withSettings(protocolOf(target), settings as Record<string, string>);
  const engine = await engineOf(engineName);
  for (const folder of [out, RUNS]) await checkWritable(folder);
  const set = await trainingSetOf(target, protocol, RUNS);
  const kernel = await readFile(new URL("../dist/kernel-relaxed.wasm", import.meta.url));
  sayHowToGoOn("npm run train --");
  console.log(`${target.id}, ${protocol.units} units: ${JSON.stringify(protocol)}`);
  const settingsOfRun = {
    kernel,
    engine,
    set,
    cell: target.cell,
    protocol,
    folder: RUNS,
    onEpoch: showTraining(protocol),
  };
  await run(settingsOfRun, async (checkpoint) => {
    const entry = await addToFolder(out, checkpoint);
    const model = networkOf(checkpoint, entry.version, await WebAssembly.compile(kernel));
    if (model.kind === "music") await recordMeasured(out, [await measuredTest(model, set.test)]);
    const { bestEpoch, validMicro, testMicro, testMacro } = checkpoint.metadata;
    console.log(
      `best epoch ${bestEpoch}: valid ${validMicro}, test ${testMicro} micro, ${testMacro} macro (nats per frame)`,
    );
    console.log(`${out}/${entry.key} sha256 ${entry.version}`);
  });
}
