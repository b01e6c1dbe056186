/** Ids of models that can be trained -> the settings of each, and settings that a user gives, checked. */
import { expected, SurprisalError } from "../errors.ts";
import { CELLS, type Cell } from "../kernel/config.ts";
import { OPTIMIZERS } from "../kernel/optimizer.ts";
import { MAX_UNITS } from "../limits.ts";
import { modelId } from "../model/checkpoint.ts";
import { suggest } from "../util/suggest.ts";
import chosen from "./chosen.json" with { type: "json" };
import { MUSIC_SETS, type MusicSetName } from "./datasets.ts";
import { ADAM, musicProtocol, PAPER, PRESETS, type Preset, type Protocol, speechProtocol } from "./protocol.ts";
import { SPEECH_SETS, type SpeechSetName } from "./speech.ts";

/** What was chosen for a model by its validation NLL, by its id. */
const CHOSEN: Readonly<Record<string, Partial<Protocol>>> = chosen;

/** What `npm run train -- <id>` can make. */
export interface Target {
  readonly id: string; // see modelId
  readonly set: MusicSetName | SpeechSetName;
  readonly cell: Cell;
  readonly preset: Preset;
}

/** Every model that can be trained. */
export const TARGETS: readonly Target[] = CELLS.flatMap((cell) => [
  ...MUSIC_SETS.flatMap((set) =>
    PRESETS.map((preset): Target => ({ id: modelId({ set, cell, preset }), set, cell, preset })),
  ),
  ...SPEECH_SETS.map((set): Target => ({ id: `${set}/${cell}`, set, cell, preset: "paper" })),
]);

/** @throws SurprisalError `unknown-model` when the id is not of a known set, cell and preset. */
export function parseTarget(id: string): Target {
  const target = TARGETS.find((each) => each.id === id);
  if (target) return target;
  const near = suggest(
    id,
    TARGETS.map((each) => each.id),
  );
  const sets = [...MUSIC_SETS, ...SPEECH_SETS].join(", ");
  const wanted = `<set>/<cell>, or <set>/<cell>-<preset> for music, with a set of ${sets} and a cell of ${CELLS.join(", ")}`;
  throw new SurprisalError(
    "unknown-model",
    `${expected(wanted, id || "no model")}${near ? ` Did you mean ${near}?` : ""}`,
  );
}

/** Settings of a preset, before any was chosen for the very model. */
export const presetOf = ({ set, cell, preset }: Target): Protocol =>
  SPEECH_SETS.some((speech) => speech === set) ? speechProtocol(cell) : musicProtocol(cell, preset);

/** Settings of a preset, with those chosen for the very model. */
export function protocolOf(target: Target): Protocol {
  return { ...presetOf(target), ...CHOSEN[target.id] };
}

type NumericSetting = Exclude<keyof Protocol, "preset" | "optimizer" | "teachers">;

/** What each setting can be: from … to, whole numbers only if `whole`. */
const BOUNDS: Readonly<Record<NumericSetting, { from: number; to: number; whole?: true }>> = {
  units: { from: 1, to: MAX_UNITS, whole: true },
  hidden: { from: 0, to: MAX_UNITS, whole: true },
  seed: { from: 0, to: 2 ** 32 - 1, whole: true },
  epochs: { from: 1, to: 1e6, whole: true },
  patience: { from: 1, to: 1e6, whole: true },
  batchSize: { from: 1, to: 1e4, whole: true },
  bpttSteps: { from: 1, to: 1e5, whole: true },
  learningRate: { from: 1e-9, to: 1 },
  transposedShare: { from: 0, to: 1 },
  maxTransposition: { from: 0, to: 11, whole: true },
  finalRate: { from: 0, to: 1 },
  decay: { from: 0, to: 0.99999 },
  momentum: { from: 0, to: 0.99999 },
  floor: { from: 1e-9, to: 1e3 },
  maxNorm: { from: 1e-9, to: 1e9 },
  weightNoiseStd: { from: 0, to: 10 },
  dropout: { from: 0, to: 0.99 },
  emaDecay: { from: 0, to: 0.99999 },
};

/** What settings were called in metadata of checkpoints and logs of searches before they had the names of the field. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  rate: "learningRate",
  sequences: "batchSize",
  steps: "bpttSteps",
  noise: "weightNoiseStd",
  averaging: "emaDecay",
} satisfies Record<string, keyof Protocol>;

/** What a file says of settings, each under its present name. */
export const withCurrentNames = <T>(settings: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [FORMER_NAMES[name] ?? name, value]));

const NUMERIC_SETTINGS = Object.keys(BOUNDS) as NumericSetting[];

/** Names of the settings that withSettings takes. */
export const SETTINGS: readonly ("optimizer" | "teachers" | NumericSetting)[] = [
  "optimizer",
  "teachers",
  ...NUMERIC_SETTINGS,
];

/**
 * Settings with some replaced, as a command line gives them. The optimizer comes with its own decay, momentum and floor.
 * @throws SurprisalError `malformed-request` when a value is out of its setting's bounds.
 */
export function withSettings(protocol: Protocol, given: Readonly<Record<string, string>>): Protocol {
  const numbers = NUMERIC_SETTINGS.filter((name) => given[name] !== undefined).map((name) => {
    const { from, to, whole = false } = BOUNDS[name];
    const number = given[name].trim() === "" ? Number.NaN : Number(given[name]);
    if (!(number >= from && number <= to) || (whole && !Number.isInteger(number))) {
      const kind = whole ? "a whole number" : "a number";
      throw new SurprisalError(
        "malformed-request",
        expected(`${kind} from ${from} to ${to} for --${name}`, given[name] || "nothing"),
      );
    }
    return [name, number];
  });
  const { optimizer, teachers } = given;
  return {
    ...withOptimizer(protocol, optimizer),
    ...(teachers !== undefined && { teachers }),
    ...Object.fromEntries(numbers),
  };
}

/** RMSProp is named by no `optimizer`, as in the settings of the checkpoints that were made when there was no other. */
function withOptimizer(protocol: Protocol, given: string | undefined): Protocol {
  const { optimizer: present = "rmsprop", ...rest } = protocol;
  if (given === undefined || given === present) return protocol;
  if (given === "adam") return { ...rest, ...ADAM };
  const { decay, momentum, floor } = PAPER;
  if (given === "rmsprop") return { ...rest, decay, momentum, floor };
  throw new SurprisalError("malformed-request", expected(`one of ${OPTIMIZERS.join(", ")} for --optimizer`, given));
}
