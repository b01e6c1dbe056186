/**
 * Answers a made-up request while an isolate starts, which has a limit of its own: what V8 compiles for it, no request pays for. In
 * the global scope of a Worker there are no clocks, timers, random numbers or reads, so the models are made-up as well.
 */
import { writeMidi } from "../../formats/midi.ts";
import { pianoRoll } from "../../formats/piano-roll.ts";
import { parse } from "../../http/fault.ts";
import { decodeEnvelope, scoreDecoded } from "../../http/score.ts";
import { CELLS, type Config, sizeOf, type Tensors, tensorShapes } from "../../kernel/config.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { modelId, readCheckpoint, writeCheckpoint } from "../../model/checkpoint.ts";
import { type Network, networkOf } from "../../model/model.ts";
import { ScoreOptions } from "../../schema/options.ts";
import { CATALOGUE_KEY, type CatalogueEntry, parseCatalogue, writeCatalogue } from "../../store/store.ts";
import { Work } from "../../util/work.ts";

const [SET, PRESET] = ["jsb", "paper"];
const VERSION = "0".repeat(64);
const PITCHES = 88;
const FRAMES = 64;

export async function rehearse(kernel: WebAssembly.Module): Promise<void> {
  const models: Network[] = [];
  const entries: CatalogueEntry[] = [];
  for (const cell of CELLS) {
    const config = { cell, inputs: PITCHES, units: 36, outputs: PITCHES };
    const metadata = { set: SET, preset: PRESET, framesPerQuarter: "1" };
    const bytes = writeCheckpoint({ config, tensors: zeros(config), metadata });
    models.push(networkOf(readCheckpoint(bytes), VERSION, kernel));
    const id = modelId({ set: SET, preset: PRESET, cell });
    const key = `${id}.safetensors`;
    const size = bytes.length;
    entries.push({ id, key, size, version: VERSION, set: SET, preset: PRESET, cell, units: config.units, metrics: {} });
  }
  parseCatalogue(new TextEncoder().encode(writeCatalogue({ models: entries })), CATALOGUE_KEY);
  const deps = { models: () => models, limits: DEFAULT_LIMITS };
  const options = parse(ScoreOptions, { models: entries.map(({ id }) => id).join() });
  const scale = Array.from({ length: FRAMES }, (_, t) => [40 + (t % 40)]);
  const bytes = writeMidi(pianoRoll(scale), { framesPerQuarter: 1 });
  const content = { form: "file", bytes, type: "audio/midi" } as const;
  const decoded = await decodeEnvelope({ content, options, work: new Work() }, deps, {});
  JSON.stringify(await scoreDecoded(decoded, DEFAULT_LIMITS, {}));
}

const zeros = (config: Config): Tensors =>
  Object.fromEntries(
    Object.entries(tensorShapes(config)).map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]),
  ) as unknown as Tensors;
