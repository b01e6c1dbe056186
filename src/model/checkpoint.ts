/**
 * safetensors bytes <-> Checkpoint. Weights stand in the file's layout: row vectors multiply from the left,
 * pre-activation = x W + h U + b.
 */

import { expected, SurprisalError } from "../errors.ts";
import { readSafetensors, type Tensor, writeSafetensors } from "../formats/safetensors.ts";
import { CELLS, type Cell, type Config, mixtureOutputs, sizeOf, type Tensors, tensorShapes } from "../kernel/config.ts";
import { MAX_BLOCK, MAX_COMPONENTS, MAX_INPUTS, MAX_UNITS, MAX_WEIGHT } from "../limits.ts";

/** The preset of the models that keep to the paper; their ids do not name it. */
const PAPER = "paper";

/**
 * The id of a model: `<set>/<cell>` for the paper's preset, `<set>/<cell>-<preset>` for another.
 * @param cell or "mixture", for the mixture of the set's cells
 */
export function modelId({ set, cell, preset }: { set: string; cell: Cell | "mixture"; preset: string }): string {
  return preset === PAPER ? `${set}/${cell}` : `${set}/${cell}-${preset}`;
}

/**
 * A trained model as it is stored. The metadata always hold format, cell, units and head; the trainer adds set,
 * framesPerQuarter, preset, its settings and what it measured.
 */
export interface Checkpoint {
  readonly config: Config;
  readonly tensors: Tensors;
  readonly metadata: Readonly<Record<string, string>>;
}

/** NLL in nats per frame: over all frames, and the mean over pieces. */
export interface Measured {
  readonly micro: number;
  readonly macro: number;
  /** Of the pieces, each with its own mean NLL: the lowest, the nine deciles, the highest. In the catalogue alone. */
  readonly deciles?: readonly number[] | undefined; // (11)
}

/** What was measured of a model, by split. */
export interface Metrics {
  readonly valid?: Measured | undefined;
  readonly test?: Measured | undefined;
  readonly adaptiveTest?: Measured | undefined; // by adaptive scoring, of music; in the catalogue alone
}

/** What was measured of a model, by split, from metadata such as `testMicro`; left out where they hold no finite numbers. */
export function metricsOf(metadata: Checkpoint["metadata"]): Metrics {
  const measured = (split: "valid" | "test") => {
    const [micro, macro] = [metadata[`${split}Micro`], metadata[`${split}Macro`]].map((text) => Number(text || "NaN"));
    return Number.isFinite(micro) && Number.isFinite(macro) ? { [split]: { micro, macro } } : {};
  };
  return { ...measured("valid"), ...measured("test") };
}

const FORMAT = "surprisal/1";

const NAMES_IN_FILE: Readonly<Record<keyof Tensors, string>> = {
  ...{ W: "rnn.W", U: "rnn.U", b: "rnn.b", V: "rnn.V" },
  ...{ A: "head.A", a: "head.a" },
  ...{ C: "nade.C", c: "nade.c", N: "nade.W", M: "nade.V" },
};
const nameInFile = (name: string): string => NAMES_IN_FILE[name as keyof Tensors];

/**
 * Writes a checkpoint; equal checkpoints give equal bytes. The config overrules what the metadata say of it.
 * @throws SurprisalError `malformed-checkpoint` when readCheckpoint would refuse the file.
 */
export function writeCheckpoint({ config, tensors, metadata }: Checkpoint): Uint8Array<ArrayBuffer> {
  const { cell, units } = config;
  const named = Object.entries(tensorShapes(config)).map(([name, shape]): [string, Tensor] => {
    const values = tensors[name as keyof Tensors] ?? new Float32Array();
    const wanted = sizeOf(shape);
    if (values.length !== wanted) {
      throw malformed(expected(`${wanted} numbers in tensor ${nameInFile(name)}`, values.length));
    }
    return [nameInFile(name), { shape, values }];
  });
  const bytes = writeSafetensors({
    metadata: { ...metadata, format: FORMAT, cell, units: String(units), ...headMetadata(config) },
    tensors: new Map(named),
  });
  readCheckpoint(bytes); // a diverged training must not reach the disk
  return bytes;
}

/**
 * Reads a checkpoint.
 * @throws SurprisalError `malformed-checkpoint` when the file is damaged, or not a model of this format.
 */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { metadata, tensors: found } = readSafetensors(bytes);
  const config = readConfig(metadata, found.get("rnn.W"));
  const shapes = Object.entries(tensorShapes(config));
  const wantedNames = shapes.map(([name]) => nameInFile(name)).sort();
  const foundNames = [...found.keys()].sort();
  if (foundNames.join() !== wantedNames.join()) {
    throw malformed(expected(`the tensors ${wantedNames.join(", ")}`, foundNames.join(", ") || "none"));
  }
  const tensors = Object.fromEntries(
    shapes.map(([name, wanted]) => {
      const { shape, values } = found.get(nameInFile(name)) as Tensor;
      if (shape.join() !== wanted.join()) {
        throw malformed(
          expected(`tensor ${nameInFile(name)} of shape (${wanted.join(", ")})`, `(${shape.join(", ")})`),
        );
      }
      const index = firstBeyond(MAX_WEIGHT, values);
      if (index !== -1) {
        throw malformed(
          expected(
            `numbers of at most ${MAX_WEIGHT} in size in tensor ${nameInFile(name)}`,
            `${values[index]} at index ${index}`,
          ),
        );
      }
      return [name, values];
    }),
  );
  return { config, tensors: tensors as unknown as Tensors, metadata };
}

/** The shape of the model, by the metadata and the rows of W. */
function readConfig(metadata: Readonly<Record<string, string>>, W: Tensor | undefined): Config {
  const { format, units: unitsText } = metadata;
  if (format !== FORMAT) throw malformed(expected(`the format ${JSON.stringify(FORMAT)}`, JSON.stringify(format)));
  const cell = CELLS.find((known) => known === metadata.cell);
  if (cell === undefined) {
    throw malformed(expected(`one of the cells ${CELLS.join(", ")}`, JSON.stringify(metadata.cell)));
  }
  const units = countOf("units", unitsText, MAX_UNITS);
  const inputs = W?.shape[0] ?? 0;
  if (inputs < 1 || inputs > MAX_INPUTS) {
    throw malformed(expected(`tensor rnn.W of 1 to ${MAX_INPUTS} rows`, inputs));
  }
  return { cell, inputs, units, ...readHead(metadata, inputs) };
}

function headMetadata({ mixture, nade }: Config): Record<string, string> {
  if (mixture) return { head: "mixture", components: String(mixture.components), block: String(mixture.block) };
  if (nade) return { head: "nade", hidden: String(nade.hidden) };
  return { head: "bernoulli" };
}

function readHead(
  { head, components, block, hidden }: Readonly<Record<string, string>>,
  inputs: number,
): Pick<Config, "outputs" | "mixture" | "nade"> {
  switch (head) {
    case "bernoulli":
      return { outputs: inputs };
    case "nade":
      return { outputs: inputs, nade: { hidden: countOf("hidden units of the head", hidden, MAX_UNITS) } };
    case "mixture": {
      const mixture = {
        components: countOf("components", components, MAX_COMPONENTS),
        block: countOf("block", block, MAX_BLOCK),
      };
      return { outputs: mixtureOutputs(mixture), mixture };
    }
    default:
      throw malformed(expected("one of the heads bernoulli, nade, mixture", JSON.stringify(head)));
  }
}

function countOf(name: string, text: string | undefined, most: number): number {
  const count = /^[1-9]\d{0,3}$/.test(text ?? "") ? Number(text) : 0;
  if (count < 1 || count > most) throw malformed(expected(`${name} from 1 to ${most}`, JSON.stringify(text)));
  return count;
}

/** Index of the first number that is larger in size or not a number; -1 when there is none. A plain loop, for speed at a start. */
function firstBeyond(most: number, values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]) <= most)) return i;
  return -1;
}

const malformed = (detail: string) => new SurprisalError("malformed-checkpoint", detail);
