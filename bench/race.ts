/** Peers take turns, so that a machine that slows down slows all of them; a ratio is the median of the rounds' own ratios. */
import type { Peer } from "./task.ts";

export const ROUNDS = 9;
const WARM_UP_SECONDS = 1;
export const RUN_SECONDS = 0.5;

/** Frames per second of each peer, by round. */
export async function race(peers: readonly Peer[], framesPerRun: number): Promise<number[][]> {
  const repeats: number[] = [];
  for (const peer of peers) {
    let [n, seconds, spent] = [1, 0, 0];
    while (spent < WARM_UP_SECONDS) {
      ({ seconds } = await peer.run(n));
      spent += seconds;
      if (seconds < RUN_SECONDS / 2) n *= 2;
    }
    repeats.push(Math.max(1, Math.round((n * RUN_SECONDS) / seconds)));
  }
  const speeds: number[][] = peers.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, peer] of peers.entries()) {
      const { seconds, sink } = await peer.run(repeats[k]);
      if (!Number.isFinite(sink)) throw new Error(`${peer.name} computed ${sink}.`);
      speeds[k].push((repeats[k] * framesPerRun) / seconds);
      if (round === ROUNDS - 1) console.error(`${peer.name}: ${sink}`);
    }
  }
  for (const peer of peers) peer.close();
  return speeds;
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
export const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)];
const thousands = (speed: number): string => (speed / 1000).toPrecision(3);

/** One line of a table: median (least–most) thousand frames/s of each peer, then the first peer's ratios to the others. */
export function line(title: string, speeds: readonly number[][]): string {
  const cells = speeds.map((values) => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map(thousands);
    return `${thousands(median(values))} (${least}–${most})`;
  });
  const ratios = speeds.slice(1).map((values) => `${median(values.map((v, k) => speeds[0][k] / v)).toPrecision(3)}×`);
  return `| ${[title, ...cells, ...ratios].join(" | ")} |`;
}

export function table(first: string, names: readonly string[], lines: readonly string[]): string {
  const heads = [first, ...names, ...names.slice(1).map((name) => `${names[0]} / ${name}`)];
  return [`| ${heads.join(" | ")} |`, `| ${heads.map(() => "---").join(" | ")} |`, ...lines].join("\n");
}
