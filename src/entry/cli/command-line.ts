/** The command line: arguments -> a command, and its exit code, which the help explains. */

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { SurprisalError } from "../../errors.ts";
import { DEFAULT_LIMITS, MAX_FRAMES } from "../../limits.ts";

import { portOf, settings, version } from "../node/local.ts";
import { listModels, predict, score, UsageError } from "./commands.ts";

const thousands = (count: number) => count.toLocaleString("en");

/** Made when it is shown: Node takes 30 ms to write its first number in English. */
const help = () => `surprisal ${version}: how surprising is this music, or this speech?

Usage:
  surprisal score FILE…     negative log-likelihood of MIDI or audio files under each model
  surprisal predict FILE    what comes next; with --steps a sampled continuation
  surprisal serve           the HTTP API
  surprisal models          the models at hand

FILE is a MIDI file or audio (WAV, FLAC, MP3, Ogg Vorbis or Opus), or - for standard input. Music may have up to
${thousands(MAX_FRAMES)} frames here, ${thousands(DEFAULT_LIMITS.frames)} over HTTP; audio may last an hour here,
${DEFAULT_LIMITS.seconds / 60} minutes over HTTP.

Of score and predict:
  --models LIST             ids or patterns such as jsb/gru or 'jsb/*' (default: all that read the file)
Of both, with music:
  --transpose N|auto        semitones, or auto: into the key of each set (default for MIDI files)
  --channels LIST           MIDI channels 1 to 16 (default: all but 10, the drums)
  --frames-per-quarter N    instead of the model's own frame rate
Of score, with music:
  --compare                 by how much each model falls behind the best, with a 95% interval
Of predict:
  --steps N                 frames, or blocks of ten audio samples, to sample
  --temperature T           below 1 more cautious, above 1 wilder (default 1)
  --seed S                  same seed, same continuation (default 0)
  --out FILE                writes the continuation as a MIDI or WAV file
Of serve:
  --port N                  default: PORT or 8787
  --host NAME               default: HOST or 127.0.0.1

  --json                    JSON instead of a table, one line for each file
  --help, --version

SURPRISAL_MODELS names the models: a folder, or s3://bucket/prefix. The server looks for new ones every
SURPRISAL_POLL_SECONDS (default 30).
Exit codes: 0 all is done; 1 something could not be: a file not read or scored, no model loaded, an output not written,
the port not opened; 2 wrong usage.
`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const input = { models: text, transpose: text, channels: text, "frames-per-quarter": text, json: flag } as const;

const environment = settings(process.env);
const { models } = environment;

/** @returns the exit code. */
async function main([command, ...args]: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) return main(["--help"]);
  switch (command) {
    case "score":
      return score(models, ...parsed(args, { ...input, compare: flag }));
    case "predict":
      return predict(models, ...parsed(args, { ...input, steps: text, temperature: text, seed: text, out: text }));
    case "models":
      return listModels(models, ...parsed(args, { json: flag }));
    case "serve": {
      const [{ port: setting = environment.port, host = environment.host }, files] = parsed(args, {
        port: text,
        host: text,
      });
      if (files.length > 0) throw new UsageError(`serve takes no file; found ${files[0]}.`);
      const port = portOf(setting);
      if (port === undefined) throw new UsageError(`The port is ${setting}; wanted 0 to 65535.`);
      const { listen } = await import("../node/server.ts"); // HTTP takes longer to load than all the rest
      return listen(models, { ...environment, port, host });
    }
    case "--version":
      console.log(version);
      return 0;
    case "--help":
    case "-h":
    case "help":
      console.log(help());
      return 0;
    default:
      throw new UsageError(
        `${command === undefined ? "No command" : `Found the command ${command}`}; wanted score, predict, serve or models.`,
      );
  }
}

function parsed<Options extends ParseArgsOptionsConfig>(args: string[], options: Options) {
  try {
    const { values, positionals } = parseArgs({ args: joinNegative(args), options, allowPositionals: true });
    return [values, positionals] as const;
  } catch (error) {
    // parseArgs goes on with advice on ways to write it.
    const [fault] = (error instanceof Error ? error.message : String(error)).split(/\.?\n|\. |\.$/);
    throw new UsageError(`${fault}.`);
  }
}

/** parseArgs takes the -3 of `--transpose -3` for an option unless it is joined by =. */
function joinNegative(args: readonly string[]): string[] {
  const joins = (i: number) => /^--[\w-]+$/.test(args[i] ?? "") && /^-\d/.test(args[i + 1] ?? "");
  return args.flatMap((arg, i) => (joins(i) ? `${arg}=${args[i + 1]}` : joins(i - 1) ? [] : arg));
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(); // a reader such as head has seen enough
  console.error(`surprisal: Standard output cannot be written: ${error.message}.`);
  process.exit(1);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError || (error instanceof SurprisalError && error.code === "unknown-model");
  if (!usage && !(error instanceof SurprisalError)) throw error;
  console.error(`surprisal: ${error.message}${usage ? " See surprisal --help." : ""}`);
  process.exitCode = usage ? 2 : 1;
}
