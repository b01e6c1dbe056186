/** The command line: arguments -> a command, and its exit code, which the help explains. */
import { SurprisalError } from "../../errors.ts";
import { limitRows } from "../../util/limits-of.ts";
import { suggest } from "../../util/suggest.ts";
import { systemFault } from "../../util/system-fault.ts";
import { table } from "../../util/table.ts";
import { portOf, settings, version } from "../node/local.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { help, helpOf } from "./help.ts";
import { COMMAND_NAMES, COMMANDS, type CommandName } from "./usage.ts";

/** @returns the exit code. */
async function main([first, ...args]: readonly string[]): Promise<number> {
  const isHelp = first === "--help" || first === "-h" || first === "help";
  if (first === "--version") {
    console.log(version);
    return 0;
  }
  const command = isCommand(first) ? first : undefined;
  if (isHelp || (command && (args.includes("--help") || args.includes("-h")))) {
    const about = isHelp ? args.find(isCommand) : command;
    console.log(about ? helpOf(about) : help(version));
    return 0;
  }
  if (!command) throw new UsageError(unknownCommand(first));
  const { values, files } = parseArguments(args, COMMANDS[command].options);
  const environment = settings(process.env);
  const { models } = environment;
  switch (command) {
    case "score":
      return (await import("./score.ts")).score(models, values, files);
    case "predict":
      return (await import("./predict.ts")).predict(models, values, files);
    case "models":
      return (await import("./models.ts")).listModels(models, values, files);
    case "export":
      return (await import("./export.ts")).exportModel(models, values, files);
    case "train":
      return (await import("./train.ts")).train(models, values, files);
    case "serve": {
      const { port: setting = environment.port, host = environment.host, limits } = values as Serve;
      if (files.length > 0) throw new UsageError(`Expected no file, got ${files[0]}.`);
      if (limits) {
        console.log(table(limitRows(environment.limits)));
        return 0;
      }
      const port = portOf(setting);
      if (port === undefined) throw new UsageError(`Expected a port from 0 to 65535, got ${setting}.`);
      const { listen } = await import("../node/server.ts"); // HTTP takes longer to load than all the rest
      return listen({ ...environment, port, host });
    }
  }
}

interface Serve {
  readonly port?: string;
  readonly host?: string;
  readonly limits?: boolean;
}

const isCommand = (name: string | undefined): name is CommandName => COMMAND_NAMES.some((known) => known === name);

function unknownCommand(name: string | undefined): string {
  const near = name === undefined ? undefined : suggest(name, COMMAND_NAMES);
  const got = name === undefined ? "no command" : name;
  return `Expected one of the commands ${COMMAND_NAMES.join(", ")}, got ${got}.${near ? ` Did you mean ${near}?` : ""}`;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(); // a reader such as head has seen enough
  console.error(`surprisal: Standard output cannot be written: ${systemFault(error) ?? error.message}`);
  process.exit(1);
});

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  const usage = error instanceof UsageError || (error instanceof SurprisalError && error.code === "unknown-model");
  const sentence = error instanceof UsageError || error instanceof SurprisalError ? error.message : systemFault(error);
  if (sentence === undefined) throw error;
  const advice = `See surprisal ${isCommand(args[0]) ? `${args[0]} ` : ""}--help.`;
  console.error(`surprisal: ${sentence}${usage ? ` ${advice}` : ""}`);
  process.exitCode = usage ? 2 : 1;
}
