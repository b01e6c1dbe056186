/** What /batch does on whatever runtime answers `request`. The server behind it serves testModels(). */
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { BatchLine } from "../../src/schema/batch.ts";
import { randomPiece } from "../support/models.ts";
import type { Request } from "./api.ts";

const PIECES = 70; // more than a group

export function batchContract(request: Request): void {
  const batch = async (body: BodyInit, type?: string): Promise<string[]> => {
    const headers: HeadersInit = type === undefined ? {} : { "Content-Type": type };
    const response = await request("/v1/batch?models=jsb/gru", { method: "POST", body, headers });
    const text = await response.text();
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    return text.trimEnd().split("\n");
  };

  test("a batch has the answers of /score, bit for bit and in order, past a line that is bad", async () => {
    const pieces = Array.from({ length: PIECES }, (_, k) =>
      JSON.stringify({ id: `${k}`, pianoRoll: randomPiece(k, 4 + (k % 9)) }),
    );
    const bad = PIECES / 2;
    const lines = await batch(pieces.with(bad, "{nonsense").join("\n"), "application/x-ndjson");
    expect(lines.map((line) => BatchLine.parse(JSON.parse(line)).index)).toEqual(pieces.map((_, k) => k));
    expect(JSON.parse(lines[bad]).problem).toMatchObject({ status: 400, code: "malformed-request" });
    for (const k of [0, bad - 1, bad + 1, PIECES - 1]) {
      const headers = { "Content-Type": "application/json" };
      const alone = await request("/v1/score?models=jsb/gru", { method: "POST", body: pieces[k], headers });
      expect(lines[k].replace(`{"index":${k},`, "{")).toBe(await alone.text());
    }
  });

  test("the files of a form and of an archive are scored alike", async () => {
    const names = ["a.mid", "b.mid"];
    const files = names.map((_, k) => writeMidi(pianoRoll(randomPiece(k, 12)), { framesPerQuarter: 1 }));
    const form = new FormData();
    for (const [k, name] of names.entries()) form.append("file", new File([files[k]], name));
    const archive = zipSync(Object.fromEntries(names.map((name, k) => [name, files[k]])));
    const ofForm = (await batch(form)).map((line) => JSON.parse(line));
    expect(ofForm.map(({ id, scores }) => [id, scores[0].model])).toEqual(names.map((name) => [name, "jsb/gru"]));
    expect((await batch(archive, "application/zip")).map((line) => JSON.parse(line))).toEqual(ofForm);
  });
}
