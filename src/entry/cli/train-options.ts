/** The options of `surprisal train` -> what they ask for. */
import { expected } from "../../errors.ts";
import { type Model, networksOf } from "../../model/model.ts";
import type { MusicNetwork } from "../../model/music-network.ts";
import { selectModels } from "../../model/select.ts";
import type { SpeechNetwork } from "../../model/speech-network.ts";
import { KEYS } from "../../training/corpus/music.ts";
import { checkSetName } from "../../training/corpus/protocol.ts";
import { UsageError, type Values } from "./arguments.ts";
import { loadedModels } from "./models.ts";
import { optionNameOf, SETTING_NAMES } from "./training-settings.ts";

export interface TrainOptions {
  readonly name: string; // of the set
  readonly cell?: string | undefined;
  readonly preset?: string | undefined;
  readonly out: string; // folder
  readonly engine: string;
  readonly key: (typeof KEYS)[number];
  readonly framesPerQuarter?: number | undefined;
  readonly splitSeed: number;
  readonly folds?: number | undefined;
  readonly csv?: string | undefined;
  readonly from?: Network | undefined; // whose training goes on
  readonly settings: Readonly<Record<string, string>>; // by their names in a protocol, unchecked
}

type Network = MusicNetwork | SpeechNetwork;

/**
 * @param setting names the store of the model to go on from
 * @throws UsageError, SurprisalError `malformed-request`, `unknown-model`
 */
export async function trainOptions(setting: string, values: Values): Promise<TrainOptions> {
  const { name = "", cell, preset, from, key = "auto", out = "trained", engine = "kernel", csv } = values as Texts;
  const fixed = FIXED_BY_MODEL.find((option) => from !== undefined && values[option] !== undefined);
  if (fixed !== undefined) {
    throw new UsageError(
      expected(`--from without --${FIXED_BY_MODEL.join(", --")}, which its model has`, `--${fixed}`),
    );
  }
  const folds = wholeNumber(values, "folds", 2);
  if (csv !== undefined && folds === undefined) throw new UsageError(expected("--csv beside --folds", "no --folds"));
  const knownKey = KEYS.find((known) => known === key);
  if (knownKey === undefined) throw new UsageError(expected(`--key ${KEYS.join(" or ")}`, key));
  return {
    name: checkSetName(name),
    ...{ cell, preset, out, engine, csv, folds, key: knownKey },
    framesPerQuarter: values["frames-per-quarter"] === undefined ? undefined : Number(values["frames-per-quarter"]),
    splitSeed: wholeNumber(values, "split-seed", 0) ?? 1,
    from: from === undefined ? undefined : await networkNamed(setting, from),
    settings: Object.fromEntries(
      SETTING_NAMES.map((setting) => [setting, values[optionNameOf(setting)]]).filter(
        ([, given]) => given !== undefined,
      ),
    ),
  };
}

/** What the model that training goes on from decides. */
const FIXED_BY_MODEL = ["cell", "preset", "units", "hidden"];

type Texts = Readonly<Record<string, string | undefined>>;

function wholeNumber(values: Values, name: string, least: number): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(String(text)) && Number(text) >= least) return Number(text);
  throw new UsageError(expected(`a whole number of at least ${least} for --${name}`, String(text) || "nothing"));
}

async function networkNamed(setting: string, id: string): Promise<Network> {
  const chosen = selectModels<Model>(await loadedModels(setting, [id]), [id]);
  const networks = chosen.flatMap(networksOf);
  if (networks.length === 1) return networks[0] as Network;
  throw new UsageError(expected("one network for --from", `${id}, which names ${networks.length}`));
}
