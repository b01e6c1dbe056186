/**
 * Says how well the models of a store predict the test pieces of their sets, in nats per frame (see training/evaluate.ts).
 *
 *   npm run evaluate                            every model of models/, or of the folder SURPRISAL_MODELS, and their mixtures
 *   npm run evaluate -- jsb/gru 'nottingham/*'  these
 *   npm run evaluate -- --pieces                and each piece
 *   npm run evaluate -- --json                  as JSON, pieces included, unrounded
 */
import { parseArgs } from "node:util";
import { countParameters } from "../src/checkpoint.ts";
import { type Model, taggedVersion } from "../src/model.ts";
import { bigram } from "../src/training/bigram.ts";
import { evaluate } from "../src/training/evaluate.ts";
import { columns } from "./columns.ts";
import { openModels, runCommand, setOf } from "./models.ts";

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, pieces: { type: "boolean", default: false } },
});

const floors = new Map<string, number>();

await runCommand(async () => {
  const results = [];
  for (const model of await openModels(patterns)) results.push(await evaluateOnItsSet(model));
  console.log(options.json ? JSON.stringify(results, null, 2) : report(results));
});

/** Test NLL (micro) of the bigram of a model's set. */
async function floorOf(model: Model): Promise<number> {
  const { name, train, test, inputs } = await setOf(model);
  const floor = floors.get(name) ?? evaluate(bigram(train, inputs), test).micro;
  floors.set(name, floor);
  return floor;
}

async function evaluateOnItsSet(model: Model) {
  const configs = model.networks.map(({ checkpoint }) => checkpoint.config);
  return {
    model: model.id,
    version: taggedVersion(model.version),
    units: configs.map(({ units }) => units), // of each network of a mixture
    recurrentParameters: configs.reduce((sum, config) => sum + countParameters(config), 0),
    bigram: await floorOf(model),
    ...evaluate(model, (await setOf(model)).test),
  };
}

function report(results: readonly Awaited<ReturnType<typeof evaluateOnItsSet>>[]): string {
  const lines = [
    columns(
      results.map(({ model, units, recurrentParameters, scoredFrames, micro, macro, bigram: floor }) => ({
        model,
        units: units.join("+"),
        "recurrent parameters": String(recurrentParameters),
        frames: String(scoredFrames),
        "test NLL micro": micro.toFixed(4),
        macro: macro.toFixed(4),
        "bigram micro": floor.toFixed(4),
      })),
    ),
  ];
  if (options.pieces) {
    for (const { model, pieces } of results) {
      const rows = pieces.map(({ scoredFrames, nll }, index) => ({
        [model]: `test piece ${index}`,
        frames: String(scoredFrames),
        NLL: nll.toFixed(6),
      }));
      lines.push("", columns(rows));
    }
  }
  return lines.join("\n");
}
