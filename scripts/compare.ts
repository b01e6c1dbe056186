/**
 * Asks the paper's question of the models of a set: which is better on the test pieces, or can one not tell? For each pair
 * the difference of their NLL in nats per frame, with its 95% interval from a paired bootstrap over pieces.
 *
 *   npm run compare -- jsb                   each pair of the set's models
 *   npm run compare -- jsb/gru jsb/lstm      these
 *   npm run compare -- 'jsb/*' --json        as JSON, unrounded
 */

import { expected, SurprisalError } from "../src/errors.ts";
import { evaluateOn } from "../src/training/measure.ts";
import { better, type Estimate, pairedDifference } from "../src/util/statistics.ts";
import { table } from "../src/util/table.ts";
import { runScript } from "./command.ts";
import { openModels, setOf, withEach } from "./models.ts";

type Difference = Estimate & { readonly better: string | null };

function report(
  comparisons: readonly { models: readonly [string, string]; pieces: number; micro: Difference; macro: Difference }[],
): string {
  const rows = comparisons.map(({ models: [first, second], pieces, micro, macro }) => ({
    first,
    second,
    pieces: String(pieces),
    "difference micro": shown(micro),
    "by micro": verdict(micro),
    "difference macro": shown(macro),
    "by macro": verdict(macro),
  }));
  return `${table(rows)}

Difference: NLL of the first less that of the second in nats per frame, with its 95% interval over test pieces. Each
interval stands for itself: of twenty such verdicts on equal models one is wrong. They hold for these checkpoints;
another seed is another model.`;
}

function shown({ value, low, high }: Estimate): string {
  const signed = (number: number) => `${number < 0 ? "-" : "+"}${Math.abs(number).toFixed(3)}`;
  return `${signed(value)} [${signed(low)}, ${signed(high)}]`;
}

function verdict({ better }: Difference): string {
  return better === null ? "cannot tell" : `${better} better`;
}

await runScript({
  usage: "npm run compare -- [MODELS…]",
  about: `Which of the models of a set is better on its test pieces, or can one not tell? MODELS are ids, patterns or sets: all those
of models/, or of the folder SURPRISAL_MODELS, unless given. Each pair of a set is compared, with a 95% interval.`,
  options: { json: { type: "boolean", about: "JSON, unrounded" } },
  positionals: Number.POSITIVE_INFINITY,
  example: "npm run compare -- jsb/gru jsb/lstm",
  async run({ json }, names) {
    const models = await openModels(names);
    const measured = await withEach(models, async (model) => {
      const { pieces } = await evaluateOn(model, (await setOf(model)).test);
      return { id: model.id, set: model.set, pieces };
    });
    const pairs = measured.flatMap((first, i) =>
      measured
        .slice(i + 1)
        .filter(({ set }) => set === first.set)
        .map((second) => [first, second] as const),
    );
    if (pairs.length === 0) {
      const found = models.map(({ id }) => id).join(", ");
      throw new SurprisalError("unknown-model", expected("at least two models of one set", found));
    }
    const comparisons = pairs.map(([first, second]) => {
      const ids = [first.id, second.id] as const;
      const { micro, macro } = pairedDifference(first.pieces, second.pieces);
      return {
        models: ids,
        pieces: first.pieces.length,
        micro: { ...micro, better: better(micro, ids) ?? null },
        macro: { ...macro, better: better(macro, ids) ?? null },
      };
    });
    console.log(json ? JSON.stringify(comparisons, null, 2) : report(comparisons));
  },
});
