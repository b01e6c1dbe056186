/** Arguments of a command -> its options and files, or one sentence that says which of them is wrong. */
import { parseArgs } from "node:util";
import { suggest } from "../../util/suggest.ts";
import type { Usage } from "./usage.ts";

/** Wrong arguments; the command line shows the sentence and ends with 2. */
export class UsageError extends Error {}

/** Options by name, as they were written. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** @throws UsageError when an option is unknown, lacks its value or has one that it does not take. */
export function parseArguments(
  args: readonly string[],
  options: Usage["options"],
): { values: Values; files: string[] } {
  try {
    const { values, positionals } = parseArgs({ args: joinNegative(args), options, allowPositionals: true });
    return { values: values as Values, files: positionals };
  } catch (error) {
    const sentence = argumentFault(error, Object.keys(options));
    if (sentence === undefined) throw error;
    throw new UsageError(sentence);
  }
}

/** The sentence for an error of parseArgs, undefined for any other error. @param known names of the options */
export function argumentFault(error: unknown, known: readonly string[]): string | undefined {
  const isOurs = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!isOurs) return undefined;
  const unknown = /^Unknown option '(--?[^']*)'/.exec(error.message)?.[1];
  if (unknown !== undefined) return `There is no option ${unknown}.${didYouMean(unknown, known)}`;
  // What follows the first sentence is advice on ways to write it.
  const [fault] = error.message.split(/\.?\n|\. |\.$/);
  return `${fault}.`;
}

function didYouMean(option: string, known: readonly string[]): string {
  const near = suggest(option.replace(/^--?/, ""), known);
  return near === undefined ? "" : ` Did you mean --${near}?`;
}

/** parseArgs takes the -3 of `--transpose -3` for an option unless it is joined by =. */
export function joinNegative(args: readonly string[]): string[] {
  const joins = (i: number) => /^--[\w-]+$/.test(args[i] ?? "") && /^-\d/.test(args[i + 1] ?? "");
  return args.flatMap((arg, i) => (joins(i) ? `${arg}=${args[i + 1]}` : joins(i - 1) ? [] : arg));
}
