/** POST /batch on an app that scores by itself, and through threads. */
import { gzipSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { BatchLine } from "../../src/schema/batch.ts";
import { randomPiece, testModels } from "../support/models.ts";

const failures: unknown[] = [];
const app = createApp({
  models: testModels,
  limits: { ...DEFAULT_LIMITS, jsonBytes: 5000, bodyBytes: 100_000 },
  version: "0.0.0",
  log: (error) => failures.push(error),
});
const midi = writeMidi(pianoRoll(randomPiece(1, 24)), { framesPerQuarter: 1 });

type Body = RequestInit["body"];
const batch = (body: Body, query = "", type = "application/x-ndjson", headers: Record<string, string> = {}) =>
  app.request(`/v1/batch${query}`, {
    method: "POST",
    body,
    headers: { ...(type && { "Content-Type": type }), ...headers },
    duplex: "half",
  } as RequestInit);
const linesOf = async (response: Response | Promise<Response>) => {
  const { status, headers } = await response;
  expect([status, headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
  const text = await (await response).text();
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
};
const ndjson = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const scored = async (body: object, query = "") => {
  const response = await app.request(`/v1/score${query}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  return response.text();
};

describe("POST /batch", () => {
  test("answers each line as /score does, bit for bit and in order", async () => {
    const asked = Array.from({ length: 40 }, (_, k) => ({
      id: `piece ${k}`,
      pianoRoll: randomPiece(k, 4 + (k % 9)),
      ...(k % 3 === 0 && { detail: "frames" }),
    }));
    const text = await (await batch(ndjson(asked), "?models=jsb/*")).text();
    const answers = text.trimEnd().split("\n");
    expect(answers).toHaveLength(40);
    for (const [k, answer] of answers.entries()) {
      expect(answer.replace(`{"index":${k},`, "{")).toBe(await scored(asked[k], "?models=jsb/*"));
      BatchLine.parse(JSON.parse(answer));
    }
  });

  test("a line's own options come before those of the query", async () => {
    const roll = randomPiece(1, 8);
    const [own, other] = await linesOf(
      batch(ndjson([{ pianoRoll: roll, models: ["jsb/lstm"] }, { pianoRoll: roll }]), "?models=jsb/gru"),
    );
    expect([own, other].map(({ scores }) => scores[0].model)).toEqual(["jsb/lstm", "jsb/gru"]);
  });

  test("a bad line is answered with its problem, and the others go on", async () => {
    const good = JSON.stringify({ id: "good", pianoRoll: randomPiece(1, 8) });
    const bad = [
      "{nonsense",
      "[1]",
      '{"id":"bad","pianoRoll":[[200],[60]]}',
      '{"id":"none"}',
      '{"id":"odd","pianoRoll":[[60],[62]],"speed":3}',
      '{"id":"unknown","pianoRoll":[[60],[62]],"models":"nowhere/*"}',
      '{"id":7,"pianoRoll":[[60],[62]]}',
      `{"id":"long","pianoRoll":[${"[60],".repeat(2000)}[60]]}`,
      '{"id":"short","pianoRoll":[[60]]}',
    ];
    const body = `\n${good}\r\n  \n${bad.map((line) => `${line}\n${good}\n`).join("\n")}`.trimEnd(); // no last line end
    const lines = await linesOf(batch(body, "?models=jsb/gru"));
    expect(lines.map(({ index }) => index)).toEqual(lines.map((_, k) => k));
    expect(lines.filter((_, k) => k % 2 === 0).map(({ id }) => id)).toEqual(Array(10).fill("good"));
    const problems = lines.filter((_, k) => k % 2 === 1);
    expect(problems.map(({ id, problem }) => [id, problem.status, problem.code])).toEqual([
      [undefined, 400, "malformed-request"],
      [undefined, 400, "malformed-request"],
      ["bad", 400, "malformed-piano-roll"],
      ["none", 400, "malformed-request"],
      ["odd", 400, "malformed-request"],
      ["unknown", 404, "unknown-model"],
      [undefined, 400, "malformed-request"],
      [undefined, 413, "too-large"],
      ["short", 422, "nothing-to-score"],
    ]);
    expect(problems[0].problem.detail).toMatch(/^The line is not JSON: .* at line 1, column 2/);
    expect(failures).toEqual([]);
  });

  test("lines may be cut anywhere, and compressed", async () => {
    const body = Buffer.from(
      ndjson(Array.from({ length: 40 }, (_, k) => ({ id: `é${k}`, pianoRoll: randomPiece(k, 6) }))),
    );
    const wanted = await linesOf(batch(body, "?models=jsb/gru"));
    const cut = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 7) controller.enqueue(body.subarray(at, at + 7));
        controller.close();
      },
    });
    expect(await linesOf(batch(cut, "?models=jsb/gru"))).toEqual(wanted);
    const packed = batch(gzipSync(body), "?models=jsb/gru", "application/jsonl", { "Content-Encoding": "gzip" });
    expect(await linesOf(packed)).toEqual(wanted);
  });

  test("damaged compression is the last line's problem, after the lines before it", async () => {
    const packed = gzipSync(
      Buffer.from(ndjson(Array.from({ length: 600 }, (_, k) => ({ pianoRoll: randomPiece(k, 4) })))),
    );
    const response = await batch(packed.subarray(0, -9), "?models=jsb/gru", undefined, { "Content-Encoding": "gzip" });
    const lines = await linesOf(response);
    expect(lines.at(-1)).toMatchObject({ index: lines.length - 1, problem: { code: "malformed-request" } });
    expect(lines.slice(0, -1).every(({ scores }) => scores.length === 1)).toBe(true);
  });

  test.each([
    ["", "", "application/x-ndjson", 400],
    [" \n\n", "", "application/x-ndjson", 400],
    ["{}", "", "text/plain", 415],
    ["{}", "?transpose=up", "application/x-ndjson", 400],
    ["PK", "", "application/zip", 400],
  ])("%j%s as %s is a problem of the whole request", async (body, query, type, status) => {
    const response = await batch(body, query, type);
    expect([response.status, response.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
  });

  test("takes a form with many files, whose ids are their names", async () => {
    const form = new FormData();
    form.append("models", "jsb/gru");
    for (const name of ["a.mid", "b.mid"]) form.append("file", new File([midi], name));
    form.append("file", new File(["no music"], "c.txt"));
    const lines = await linesOf(batch(form, "", ""));
    expect(lines).toMatchObject([
      { index: 0, id: "a.mid", input: { name: "a.mid" }, scores: [{ model: "jsb/gru" }] },
      { index: 1, id: "b.mid" },
      { index: 2, id: "c.txt", problem: { code: "unsupported-media-type" } },
    ]);
  });

  test("takes a ZIP archive: folders are passed over, bombs and damage are problems of their file", async () => {
    const archive = zipSync({
      "music/": new Uint8Array(),
      "music/a.mid": midi,
      "__MACOSX/music/._a.mid": strToU8("x"),
      "music/bomb.mid": new Uint8Array(200_000),
      "../b.mid": [midi, { level: 0 }],
      "notes.txt": strToU8("no music"),
    });
    const lines = await linesOf(batch(archive, "?models=jsb/gru", "application/zip"));
    expect(lines.map(({ id, problem }) => [id, problem?.code])).toEqual([
      ["music/a.mid", undefined],
      ["music/bomb.mid", "too-large"],
      ["../b.mid", undefined],
      ["notes.txt", "unsupported-media-type"],
    ]);
    expect(lines[0].scores).toEqual(lines[2].scores);
    const cut = await batch(archive.subarray(0, 200), "?models=jsb/gru", "application/zip");
    expect((await cut.text()).trimEnd().split("\n").at(-1)).toContain("malformed-request");
  });

  test("reads no further than its answers are read, and stops when the client leaves", async () => {
    let sent = 0;
    let cancelled = false;
    const line = Buffer.from(ndjson([{ pianoRoll: randomPiece(1, 8), detail: "notes" }]));
    const endless = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          sent += 1;
          controller.enqueue(line);
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const response = await batch(endless, "?models=jsb/gru");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const settled = async () => {
      for (let before = -1; before !== sent; ) {
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return sent;
    };
    const held = await settled();
    expect(held).toBeLessThan(10_000);
    for (let bytes = 0; bytes < 2 ** 20; ) bytes += (await reader.read()).value?.length ?? 0;
    expect(await settled()).toBeGreaterThan(held);
    await reader.cancel();
    const end = await settled();
    expect([cancelled, await settled()]).toEqual([true, end]);
  });
});
