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
import { parseArgs } from "node:util";
import { addToFolder } from "../src/store/files.ts";
import { engineOf } from "../src/training/backends.ts";
import { type Protocol, parseTarget, protocolOf, SETTINGS, withSettings } from "../src/training/protocol.ts";
import { type LoggedEpoch, run } from "../src/training/run.ts";
import type { Trainer } from "../src/training/trainer.ts";
import { loadSet, runCommand } from "./models.ts";

const PROGRESS_SECONDS = 2;

await runCommand(() => train(process.argv.slice(2)));

async function train(args: string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "kernel" },
      out: { type: "string", default: "models" },
      ...Object.fromEntries(SETTINGS.map((name) => [name, { type: "string" as const }])),
    },
  });
  const { engine: engineName, out, ...given } = values as Record<string, string>;
  const target = parseTarget(positionals.join(" "));
  const protocol = withSettings(protocolOf(target), given);
  const engine = await engineOf(engineName);
  const set = await loadSet(target.set);
  const kernel = await readFile(new URL("../dist/kernel-relaxed.wasm", import.meta.url));
  console.log(`${target.id}, ${protocol.units} units: ${JSON.stringify(protocol)}`);
  const { cell } = target;
  const checkpoint = await run({
    kernel,
    engine,
    set,
    cell,
    protocol,
    folder: "runs",
    onEpoch: showProgress(protocol),
  });
  const { bestEpoch, validMicro, testMicro, testMacro } = checkpoint.metadata;
  const entry = await addToFolder(out, checkpoint);
  console.log(
    `best epoch ${bestEpoch}: valid ${validMicro}, test ${testMicro} micro, ${testMacro} macro (nats per frame)`,
  );
  console.log(`${out}/${entry.key} sha256 ${entry.version}`);
}

/** Prints an epoch every few seconds, and the first. Time left is up to the last epoch, should none stop early. */
function showProgress({ epochs }: Protocol): (epoch: LoggedEpoch, trainer: Trainer) => void {
  let shown = Number.NEGATIVE_INFINITY;
  return (epoch, trainer) => {
    if (epoch.seconds - shown < PROGRESS_SECONDS && !trainer.finished) return;
    shown = epoch.seconds;
    const secondsPerEpoch = epoch.seconds / epoch.epoch;
    console.log(
      [
        `epoch ${epoch.epoch}/${epochs}`,
        `train ${epoch.train.toFixed(4)}`,
        `valid ${epoch.valid.toFixed(4)}`,
        `best ${trainer.best?.epoch.valid.toFixed(4)} at ${trainer.best?.epoch.epoch}`,
        `${Math.round(trainer.framesPerEpoch / secondsPerEpoch).toLocaleString("en")} frames/s`,
        `at most ${Math.round(secondsPerEpoch * (epochs - epoch.epoch))} s left`,
      ].join("  "),
    );
  };
}
