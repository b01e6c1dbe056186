/**
 * Fuzzes the API and the store with files, requests, checkpoints and catalogues that are changed at random, by a seed; see
 * targets.ts. Each kind has a process of its own, which may neither die, nor be silent, nor grow.
 *
 *   npm run fuzz                                                     100,000 MIDI files, and 50,000 of the rest
 *   npm run fuzz -- --seed 7 --midi 1000 --audio 0 --json 0 --store 0
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { argv, cpuUsage, memoryUsage, version } from "node:process";
import fc from "fast-check";
import { runScript, UsageError } from "../../scripts/command.ts";
import { expected } from "../../src/errors.ts";
import { table } from "../../src/util/table.ts";
import { TARGETS } from "./targets.ts";

type Name = keyof typeof TARGETS;
const NAMES = Object.keys(TARGETS) as Name[];

/** Seconds after which a process is taken for hung, on a machine that may be busy; a run has its limit of CPU time in answers.ts. */
const MAX_SILENCE_SECONDS = 600;
/** Between a tenth of the runs and the end, when what is compiled and cached late is there. */
const MAX_GROWTH_MB = 150;
const REPORTS = 10;

/** What a child says: that a run begins, how it is after so many of them, and how all ended. */
type Message =
  | { readonly kind: "run" }
  | { readonly kind: "report"; readonly runs: number; readonly megabytes: number; readonly cpuSeconds: number }
  | { readonly kind: "end"; readonly failure: string | undefined };

/** @returns a row of the table of results, and what went wrong */
async function supervise(name: Name, seed: number, runs: number) {
  const start = performance.now();
  const child = fork(argv[1], [name, String(seed), String(runs)], { execArgv: ["--expose-gc", ...process.execArgv] });
  let begun = 0;
  let failure: string | undefined = "its process died";
  const memory: number[] = [];
  let cpuSeconds = 0;
  const silence = setTimeout(() => {
    failure = `run ${begun} did not end in ${MAX_SILENCE_SECONDS} s`;
    child.kill("SIGKILL");
  }, 1000 * MAX_SILENCE_SECONDS);
  child.on("message", (message: Message) => {
    silence.refresh();
    if (message.kind === "run") begun++;
    else if (message.kind === "end") failure = message.failure;
    else {
      memory.push(message.megabytes);
      cpuSeconds = message.cpuSeconds;
      const seconds = (performance.now() - start) / 1000;
      console.error(`${name}: ${message.runs} runs, ${seconds.toFixed(0)} s, ${message.megabytes} MB`);
    }
  });
  await once(child, "exit");
  clearTimeout(silence);
  const growth = (memory.at(-1) ?? 0) - (memory[1] ?? 0);
  if (failure === undefined && growth > MAX_GROWTH_MB) failure = `memory grew by ${growth} MB`;
  if (failure !== undefined) {
    console.error(
      `${name}: ${failure}\nAgain: npm run fuzz -- --seed ${seed} ${NAMES.map((each) => `--${each} ${each === name ? begun : 0}`).join(" ")}`,
    );
    process.exitCode = 1;
  }
  return {
    what: name,
    runs: String(begun),
    seconds: ((performance.now() - start) / 1000).toFixed(0),
    "CPU-seconds": cpuSeconds.toFixed(0),
    "RSS, MB": `${memory[1] ?? "-"} to ${memory.at(-1) ?? "-"}`,
    result: failure === undefined ? "held" : "failed",
  };
}

/** In a child: runs one target, and says how it goes. */
async function fuzz(name: Name, seed: number, numRuns: number): Promise<void> {
  const say = (message: Message) => process.send?.(message);
  for (const method of ["error", "warn"] as const) console[method] = () => {}; // decoders report there
  let runs = 0;
  const report = () => {
    globalThis.gc?.();
    const { user, system } = cpuUsage();
    say({ kind: "report", runs, megabytes: Math.round(memoryUsage.rss() / 1e6), cpuSeconds: (user + system) / 1e6 });
  };
  const onRun = () => {
    if (runs % Math.ceil(numRuns / REPORTS) === 0) report();
    runs++;
    say({ kind: "run" });
  };
  const details = await fc.check(TARGETS[name].property(onRun), { numRuns, seed });
  report();
  say({ kind: "end", failure: details.failed ? messageOf(details) : undefined });
  process.disconnect();
}

function messageOf({
  errorInstance,
  counterexample,
  counterexamplePath,
  numShrinks,
}: fc.RunDetails<[unknown]>): string {
  const message = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  const cause =
    errorInstance instanceof Error && errorInstance.cause instanceof Error ? `\n${errorInstance.cause.stack}` : "";
  return `${message}${cause}\nof ${fc.stringify(counterexample)}, shrunk ${numShrinks} times (path ${counterexamplePath})`;
}

function count(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(expected(`a whole number for --${name}`, text));
  return Number(text);
}

const runsOption = (value: string, about: string) => ({ type: "string", value: "N", default: value, about }) as const;

const [, , child, ...numbers] = argv;
if (process.send) {
  const [seed, runs] = numbers.map(Number);
  await fuzz(child as Name, seed, runs);
} else {
  await runScript({
    usage: "npm run fuzz --",
    about:
      "Changes inputs at random and looks for crashes, answers of 500 and above, numbers that are none, hangs and leaks.",
    options: {
      seed: { type: "string", value: "N", default: "1", about: "of all chance" },
      midi: runsOption("100000", "MIDI files to score or continue"),
      audio: runsOption("20000", "audio files, of every container"),
      json: runsOption("20000", "requests of wrong JSON, forms, queries and headers"),
      store: runsOption("10000", "checkpoints and catalogues"),
    },
    example: "npm run fuzz -- --seed 7 --midi 1000 --audio 0 --json 0 --store 0",
    async run({ seed, ...counts }) {
      const rows: Record<string, string>[] = [];
      for (const name of NAMES) {
        const runs = count(name, counts[name]);
        if (runs > 0) rows.push(await supervise(name, count("seed", seed), runs));
      }
      console.log(`Node ${version}, seed ${seed}\n\n${table(rows)}`);
    },
  });
}
