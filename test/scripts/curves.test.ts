import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keepCurve, keptCurve } from "../../scripts/curves.ts";
import { learningCurves } from "../../scripts/pictures.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { randomCheckpoint } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "curves-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Epochs of these validation NLLs. */
const curve = (valids: readonly number[]) =>
  valids.map((valid, i) => ({ epoch: i + 1, train: valid + 1 / 3, valid, seconds: (i + 1) / 7 }));

describe("the curve of a model", () => {
  /** A model that says which epoch was its best. */
  const model = (bestEpoch: number, validMicro: number) => {
    const { metadata, ...rest } = randomCheckpoint({ set: "jsb", cell: "gru" });
    const measured = { preset: "paper", bestEpoch: String(bestEpoch), validMicro: String(validMicro) };
    return new MusicNetwork({ ...rest, metadata: { ...metadata, ...measured } }, "0", kernelModule);
  };
  const models = () => join(folder, "models");
  const addLog = async (name: string, valids: readonly number[]) => {
    await mkdir(join(folder, "runs/jsb"), { recursive: true });
    const lines = curve(valids).map((epoch) => JSON.stringify(epoch));
    await writeFile(join(folder, "runs/jsb", name), `${lines.join("\n")}\n`);
  };

  test("is the log of its own run among others, rounded", async () => {
    await addLog("gru-1.jsonl", [9, 8.123456789, 8.5]);
    await addLog("gru-2.jsonl", [9, 8.2, 8.123456789]);
    await addLog("gru-3.jsonl", [9, 8.3, 8.123956789, 8.4]);
    const third = model(3, 8.123456789);
    await keepCurve(third, models(), join(folder, "runs"));
    expect(await keptCurve(third, models())).toEqual([
      { epoch: 1, train: 9.3333, valid: 9, seconds: 0.14 },
      { epoch: 2, train: 8.5333, valid: 8.2, seconds: 0.29 },
      { epoch: 3, train: 8.4568, valid: 8.1235, seconds: 0.43 },
    ]);
  });

  test("is none when no run ended with it", async () => {
    await addLog("gru-1.jsonl", [9, 8.2, 8.1]);
    await keepCurve(model(3, 8.2), models(), join(folder, "runs"));
    await keepCurve(model(4, 8.1), models(), join(folder, "runs"));
    expect(await readdir(folder)).toEqual(["runs"]);
  });

  test("is kept when its run is gone or done again, and dropped when the model is another", async () => {
    await addLog("gru-1.jsonl", [9, 8.2]);
    await keepCurve(model(2, 8.2), models(), join(folder, "runs"));
    const kept = await readFile(join(models(), "jsb/gru.jsonl"), "utf8");
    await addLog("gru-0.jsonl", [9.5, 8.2]);
    await keepCurve(model(2, 8.2), models(), join(folder, "runs"));
    expect(await readFile(join(models(), "jsb/gru.jsonl"), "utf8")).toBe(kept);
    expect(await keptCurve(model(1, 9.5), models())).toBeUndefined();
    await keepCurve(model(1, 9.5), models(), join(folder, "none"));
    expect(await keptCurve(model(1, 9.5), models())).toBeUndefined();
  });
});

describe("the picture of learning curves", () => {
  const falling = curve([10, 9, 8.8, 8.6, 8.4, 8.3, 8.35]);
  const lines = [
    { name: "tanh", color: "#D55E00", curve: falling },
    { name: "gru", color: "#009E73", curve: falling.map((epoch) => ({ ...epoch, valid: epoch.valid + 0.1 })) },
  ];
  /** Points of the lines of a colour, one list a panel. */
  const pointsOf = (svg: string, color: string) =>
    [
      ...svg.matchAll(new RegExp(`<path d="M([\\d.L -]+)" fill="none"[^>]*stroke="${color}" stroke-width="1.5"`, "g")),
    ].map(([, path]) => path.split("L").map((point) => point.split(" ").map(Number)));

  test("is the same for the same curves, whatever was drawn before", () => {
    const first = learningCurves("JSB", lines);
    learningCurves("Nottingham", lines.slice(1));
    expect(learningCurves("JSB", lines)).toBe(first);
  });

  test("has in both panels a line through every epoch of each cell, to scale", () => {
    const svg = learningCurves("JSB", lines);
    expect(svg).toContain("JSB: validation NLL, nats per frame");
    for (const { name, color, curve } of lines) {
      expect(svg).toContain(`>${name}</text>`);
      const panels = pointsOf(svg, color);
      expect(panels.map((points) => points.length)).toEqual([7, 7]);
      for (const points of panels) {
        const [a, b, , , e] = points;
        expect((e[0] - a[0]) / (b[0] - a[0])).toBeCloseTo(4, 1);
        const fall = (curve[0].valid - curve[4].valid) / (curve[0].valid - curve[1].valid);
        expect((e[1] - a[1]) / (b[1] - a[1])).toBeCloseTo(fall, 1);
      }
    }
    const [[tanh], [gru]] = lines.map(({ color }) => pointsOf(svg, color));
    expect(gru[4][1]).toBeLessThan(tanh[4][1]); // a higher NLL stands higher
  });
});
