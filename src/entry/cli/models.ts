/** `surprisal models`, and what the commands have in common: the models of the store, options and warnings. */
import type { z } from "@hono/zod-openapi";
import { expected, SurprisalError, type Warning } from "../../errors.ts";
import { parse } from "../../http/fault.ts";
import { modelInfos } from "../../model/info.ts";
import type { Model } from "../../model/model.ts";
import { reporter } from "../../store/report.ts";
import { table } from "../../util/table.ts";
import { openModels } from "../node/local.ts";
import { UsageError, type Values } from "./arguments.ts";

/** Lists the models of the store. */
export async function listModels(setting: string, { json }: Values, files: readonly string[]): Promise<number> {
  if (files.length > 0) throw new UsageError(`Expected no file, got ${files[0]}.`);
  const models = modelInfos(await loadedModels(setting));
  if (json) {
    console.log(JSON.stringify({ models }));
    return 0;
  }
  const rows = models.map(
    ({ id, units = "-", parameters, pitches, framesPerQuarter, sampleRate, metrics, version }) => ({
      model: id,
      units: String(units),
      parameters: String(parameters),
      reads:
        sampleRate === undefined ? `pitches 1-${pitches}, ${framesPerQuarter}/quarter` : `audio at ${sampleRate} Hz`,
      "test nats/step": metrics.test?.micro.toFixed(3) ?? "-",
      version: version.slice(0, "sha256:".length + 12),
    }),
  );
  console.log(table(rows));
  return 0;
}

/** All models, or at least those that patterns name. @throws SurprisalError `no-models` when none can be loaded. */
export async function loadedModels(setting: string, patterns?: readonly string[]): Promise<readonly Model[]> {
  const follower = await openModels(setting);
  const models = await follower.models({ patterns });
  reporter(follower, setting)();
  if (models.length === 0) throw new SurprisalError("no-models", expected("at least one model", `none in ${setting}`));
  return models;
}

/** The API's options from arguments such as `frames-per-quarter`. @throws UsageError that names them as they were written */
export function optionsOf<T>(schema: z.ZodType<T>, values: Values): T {
  const given = new Map(Object.keys(values).map((name) => [camelCase(name), name]));
  try {
    return parse(schema, Object.fromEntries([...given].map(([name, written]) => [name, values[written]])));
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    // The first of the options that the sentence mentions is the one that it is about.
    throw new UsageError(
      error.message.replace(RegExp(`\\b(${[...given.keys()].join("|")})\\b`), (name) => `--${given.get(name)}`),
    );
  }
}

/** The same as a query of the API, in one order however they were written; empty for no options. */
export function queryOf(values: Values): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [camelCase(name), String(value)]));
  query.sort();
  return String(query).replaceAll("%2F", "/");
}

const camelCase = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Prints each warning of the input and of the models' answers once: models that read a file alike say the same of it. */
export function warn(file: string, parts: readonly { readonly warnings: readonly Warning[] }[]): void {
  const sentences = new Set(parts.flatMap(({ warnings }) => warnings.map(({ detail }) => detail)));
  for (const sentence of sentences) console.error(`${file}: ${sentence}`);
}
