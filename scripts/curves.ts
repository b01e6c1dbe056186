/**
 * The log of the run that made a model -> its learning curve, `<id>.jsonl` beside the checkpoint. Seconds differ from run to
 * run, so they must not stand in the checkpoint; and runs/ is not kept, so the curve of a shipped model is.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Trained } from "../src/model/music-model.ts";
import { writeFileAtomically } from "../src/store/atomic.ts";
import { readIfThere } from "../src/training/datasets.ts";
import type { LoggedEpoch } from "../src/training/run.ts";

/** Epochs from the first to the last; `valid` is the micro NLL in nats per frame. */
export type Curve = readonly LoggedEpoch[];

/** The curve that is kept beside a model, unless there is none or it is of another training. */
export async function keptCurve(network: Trained, folder: string): Promise<Curve | undefined> {
  const curve = await readLog(pathOf(network, folder));
  return curve && isOf(network, curve) ? curve : undefined;
}

/** Keeps the curve of a model if it is not yet kept and a log of its run is at hand. */
export async function keepCurve(network: Trained, folder: string, runs: string): Promise<void> {
  if (await keptCurve(network, folder)) return;
  const logs = join(runs, network.checkpoint.metadata.set);
  const names = (await readdir(logs).catch(() => [])).filter((name) => name.endsWith(".jsonl"));
  for (const name of names.sort()) {
    const log = await readLog(join(logs, name));
    if (!log || !isOf(network, log)) continue;
    const lines = log.map(({ epoch, train, valid, seconds }) =>
      JSON.stringify({ epoch, train: round(train, 4), valid: round(valid, 4), seconds: round(seconds, 2) }),
    );
    await writeFileAtomically(pathOf(network, folder), `${lines.join("\n")}\n`);
    return;
  }
}

const pathOf = ({ id }: Trained, folder: string) => join(folder, `${id}.jsonl`);

async function readLog(path: string): Promise<Curve | undefined> {
  const bytes = await readIfThere(path);
  return (bytes && new TextDecoder().decode(bytes))
    ?.trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Whether a run ended with this model: its best epoch has the validation NLL that the checkpoint names, to rounding. */
function isOf({ checkpoint: { metadata } }: Trained, curve: Curve): boolean {
  const best = curve.find(({ epoch }) => epoch === Number(metadata.bestEpoch));
  return best !== undefined && Math.abs(best.valid - Number(metadata.validMicro)) < 1e-4;
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));
