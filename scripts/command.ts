/** What the scripts have in common as programs: --help, options and their defaults, and errors as sentences with an exit code. */
import { parseArgs } from "node:util";
import { argumentFault, UsageError } from "../src/entry/cli/arguments.ts";
import { expected, SurprisalError } from "../src/errors.ts";
import { StoreFailure } from "../src/store/bucket.ts";
import { Diverged } from "../src/training/engine.ts";
import { DamagedSnapshot } from "../src/training/run.ts";
import { systemFault } from "../src/util/system-fault.ts";

export { UsageError };

type Option =
  | { readonly type: "string"; readonly value: string; readonly default?: string; readonly about: string }
  | { readonly type: "boolean"; readonly about: string };

type Options = Readonly<Record<string, Option>>;

/** What the options of a command are once they are read. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends { type: "boolean" }
    ? boolean
    : O[K] extends { default: string }
      ? string
      : string | undefined;
};

export interface Command<O extends Options> {
  readonly usage: string; // such as `npm run train -- MODEL`
  readonly about: string;
  readonly options: O;
  readonly positionals?: number; // how many at most; none unless given
  readonly example: string;
  run(values: Values<O>, positionals: readonly string[]): Promise<void>;
}

/** Reads the arguments of the process and runs the command, or shows its help. */
export async function runScript<const O extends Options>(command: Command<O>): Promise<void> {
  await runCommand(async () => {
    const { values, positionals } = readArguments(command.options, process.argv.slice(2));
    if (values.help) return console.log(helpOf(command));
    const { positionals: most = 0 } = command;
    if (positionals.length > most) {
      throw new UsageError(
        expected(["no argument", "one argument"][most] ?? `at most ${most} arguments`, positionals.join(" ")),
      );
    }
    await command.run(values as Values<O>, positionals);
  });
}

function readArguments(options: Options, args: readonly string[]) {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      option.type === "boolean"
        ? { type: option.type, default: false }
        : { type: option.type, ...(option.default !== undefined && { default: option.default }) },
    ]),
  );
  const help = { type: "boolean", short: "h", default: false } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { ...config, help } });
  } catch (error) {
    const sentence = argumentFault(error, [...Object.keys(options), "help"]);
    throw sentence === undefined ? error : new UsageError(sentence);
  }
}

function helpOf<O extends Options>({ about, usage, options, example }: Command<O>): string {
  const entries: readonly [string, Option][] = [
    ...Object.entries(options),
    ["help", { type: "boolean", about: "shows this" }],
  ];
  const names = entries.map(([name, option]) => `--${name}${option.type === "string" ? ` ${option.value}` : ""}`);
  const width = Math.max(...names.map((name) => name.length));
  const lines = entries.map(([, option], i) => {
    const fallback = option.type === "string" && option.default !== undefined ? ` (default ${option.default})` : "";
    return `  ${names[i].padEnd(width)}  ${option.about}${fallback}`;
  });
  return `${about}\n\nUsage: ${usage} [options]\n\nOptions:\n${lines.join("\n")}\n\nExample: ${example}`;
}

/** Runs a command; what its user can mend is one sentence and exit code 1, or 2 when the arguments are wrong. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const sentence = sentenceOf(error);
    if (sentence === undefined) throw error;
    console.error(sentence);
    process.exitCode = isUsage(error) ? 2 : 1;
  }
}

/** The sentence for an error that the user can mend; undefined for a fault of the program. */
export function sentenceOf(error: unknown): string | undefined {
  if (error instanceof StoreFailure && systemFault(error.cause) !== undefined) return sentenceOf(error.cause);
  const isOurs = [SurprisalError, StoreFailure, UsageError, Diverged, DamagedSnapshot, RangeError].some(
    (kind) => error instanceof kind,
  );
  if (isOurs) return (error as Error).message;
  const fault = systemFault(error);
  if (fault !== undefined) return error instanceof Error && "path" in error ? `${error.path}: ${fault}` : fault;
  return argumentFault(error, []); // of a script that reads its arguments itself
}

const isUsage = (error: unknown): boolean =>
  error instanceof UsageError ||
  (error instanceof SurprisalError && ["malformed-request", "unknown-model"].includes(error.code)) ||
  argumentFault(error, []) !== undefined;
