/** The help of the program and of each of its commands, written from their usage. */
import { COMMANDS, type CommandName, type Usage } from "./usage.ts";

/** `  --name VALUE   what it does`, with the descriptions under each other. */
export function optionLines(options: Usage["options"]): string {
  const names = Object.entries(options).map(([name, { value }]) => `--${name}${value ? ` ${value}` : ""}`);
  const width = Math.max(...names.map((name) => name.length));
  return Object.values(options)
    .map(({ about }, i) => `  ${names[i].padEnd(width)}  ${about}`)
    .join("\n");
}

export function helpOf(name: CommandName): string {
  const { synopsis, about, options, more, example }: Usage = COMMANDS[name];
  return [
    `${about}`,
    `Usage: ${synopsis} [options]`,
    `Options:\n${optionLines(options)}`,
    ...(more ? [more()] : []),
    `Example: ${example}`,
  ].join("\n\n");
}

export function help(version: string): string {
  const commands: readonly Usage[] = Object.values(COMMANDS);
  const width = Math.max(...commands.map(({ synopsis }) => synopsis.length));
  return `surprisal ${version}: how surprising is this music, or this speech?

Usage:
${commands.map(({ synopsis, about }) => `  ${synopsis.padEnd(width)}  ${about}`).join("\n")}

surprisal COMMAND --help has the options of a command; surprisal --version says the version.
SURPRISAL_MODELS names the models: a folder, or s3://bucket/prefix. The server looks for new ones every
SURPRISAL_POLL_SECONDS (default 30).

Exit codes: 0 all is done; 1 something could not be: a file not read or scored, no model loaded, an output not written,
the port not opened; 2 wrong usage.`;
}
