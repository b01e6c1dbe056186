/**
 * What the HTTP API does with music, on whatever runtime answers `request`. The server behind it serves testModels() and
 * testSpeechModels() in any order, with mixtures of them or without, and takes bodies of 4 MB at least.
 */

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { predictMusic, startMusic } from "../../src/inference/predict-music.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { MusicPredictResponse } from "../../src/schema/predict.ts";
import { MusicScoreResponse } from "../../src/schema/score.ts";
import { Problem } from "../../src/schema/service.ts";
import { plainNll, randomPiece, testModels } from "../support/models.ts";
import { expectAgreement } from "./agreement.ts";

export type Request = (path: string, init?: RequestInit) => Response | Promise<Response>;

const piece = randomPiece(1, 24);
const midi = writeMidi(pianoRoll(piece), { framesPerQuarter: 1 });
const drums = midi.map((byte, i) => (i > 22 && (byte === 0x80 || byte === 0x90) ? byte + 9 : byte));
const models = testModels();
const gru = models.find(({ id }) => id === "jsb/gru");

const post = (body: BodyInit, contentType?: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers: { ...headers, ...(contentType !== undefined && { "Content-Type": contentType }) },
});
const json = (value: unknown, headers?: Record<string, string>) =>
  post(JSON.stringify(value), "application/json", headers);
const form = (fields: readonly (readonly [string, string | Blob])[]) => {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  return post(data);
};
const file = (bytes: BlobPart = midi) => ["file", new File([bytes], "piece.mid")] as const;

/** Scores of a file as those of a roll, which is sampled nowhere. */
const withoutSamplePoint = (scores: MusicScoreResponse["scores"]) => scores.map(({ samplePoint: _, ...rest }) => rest);

export function apiContract(request: Request): void {
  const score = async (init: RequestInit, query = "") => {
    const response = await request(`/v1/score${query}`, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    return MusicScoreResponse.strict().parse(await response.json());
  };
  const predict = async (init: RequestInit, query = "") => {
    const response = await request(`/v1/predict${query}`, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    return MusicPredictResponse.strict().parse(await response.json());
  };
  /** Asserts a problem document of this status and code, and returns its sentence. */
  const problem = async (response: Response | Promise<Response>, status: number, code: string) => {
    const { headers, ...rest } = await response;
    expect(headers.get("content-type")).toBe("application/problem+json");
    const body = Problem.strict().parse(await (await response).json());
    expect(body).toMatchObject({ status, code });
    expect((await response).status, JSON.stringify(rest)).toBe(status);
    expect(body.instance).toMatch(/^\/.*#.+/);
    return body.detail;
  };

  describe("POST /score", () => {
    test("scores a piece as the kernel's reference implementation does", async () => {
      const { scores } = await score(json({ pianoRoll: piece }), "?models=jsb/gru");
      expect(scores).toHaveLength(1);
      expect(scores[0].nll).toBeCloseTo(plainNll(gru, piece).nll.reduce((a, b) => a + b) / 23, 4);
      expect(scores[0].version).toBe(`sha256:${gru?.version}`);
    });

    test("answers alike for a form, for bytes of any type, and under / as under /v1", async () => {
      const wanted = await score(post(midi, "audio/midi"));
      const { notes } = wanted.input;
      expect(wanted.input).toEqual({ kind: "music", notes, durationQuarters: 24, tempo: 120, warnings: [] });
      for (const type of [
        "audio/x-midi",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "text/plain",
      ]) {
        expect(await score(post(midi, type))).toEqual(wanted);
      }
      expect(await score(form([file()]))).toEqual({ ...wanted, input: { ...wanted.input, name: "piece.mid" } });
      expect(await (await request("/score", post(midi))).json()).toEqual(wanted);
      const roll = await score(json({ pianoRoll: piece, models: "jsb/tanh,jsb/lstm,jsb/gru" }));
      const inOwnKey = await score(post(midi, "audio/midi"), "?transpose=0");
      expect(roll.scores).toEqual(withoutSamplePoint(inOwnKey.scores.slice(0, 3)));
    });

    test.each(["utf-8", '"UTF-8"', "utf8"])("reads JSON that names its charset as %s", async (charset) => {
      await score(post(JSON.stringify({ pianoRoll: piece }), `application/json; charset=${charset}`));
    });

    test.each(["gzip", "deflate"] as const)("decodes a body that is compressed by %s", async (format) => {
      const compressed = async (body: BlobPart) =>
        new Uint8Array(
          await new Response(new Blob([body]).stream().pipeThrough(new CompressionStream(format))).arrayBuffer(),
        );
      const headers = { "Content-Encoding": format };
      expect(await score(post(await compressed(midi), "audio/midi", headers))).toEqual(
        await score(post(midi, "audio/midi")),
      );
      const text = JSON.stringify({ pianoRoll: piece });
      expect(await score(post(await compressed(text), "application/json", headers))).toEqual(
        await score(json({ pianoRoll: piece })),
      );
      const cut = (await compressed(midi)).subarray(0, 30);
      const sentence = await problem(request("/score", post(cut, "audio/midi", headers)), 400, "malformed-request");
      expect(sentence).toBe(
        `Expected a body in ${format}, as its Content-Encoding says, got bytes that are not, or are damaged.`,
      );
    });

    test("refuses another encoding", async () => {
      const encoded = post(midi, "audio/midi", { "Content-Encoding": "br" });
      expect(await problem(request("/score", encoded), 415, "unsupported-media-type")).toBe(
        'Expected a Content-Encoding of gzip, deflate or identity, got "br".',
      );
    });

    test("takes a MIDI file as base64 in JSON", async () => {
      const base64 = Buffer.from(midi).toString("base64");
      const scored = await score(post(midi, "audio/midi"));
      expect(await score(json({ midi: base64 }))).toEqual(scored);
      expect(await score(json({ midi: Buffer.from(midi).toString("base64url") }))).toEqual(scored);
      const { scores } = await score(json({ midi: base64, models: "jsb/gru", transpose: 1 }));
      expect(scores.map(({ model, transposedBy }) => `${model} by ${transposedBy}`)).toEqual(["jsb/gru by 1"]);
    });

    test("gives back the id of a request, and the name of a file without its folders", async () => {
      const { id, input } = await score(
        form([
          ["id", "17 ü"],
          ["file", new File([midi], "C:\\bach/bwv 253.mid")],
        ]),
      );
      expect([id, input.name]).toEqual(["17 ü", "bwv 253.mid"]);
      const long = await score(form([["file", new File([midi], `${"é".repeat(400)}.mid`)]]), "?id=18");
      expect([long.id, long.input.name]).toEqual(["18", "é".repeat(255)]);
      const roll = await score(json({ pianoRoll: piece, id: "19" }));
      expect([roll.id, roll.input.name]).toEqual(["19", undefined]);
      const prediction = await predict(form([["id", "20"], file()]));
      expect([prediction.id, prediction.input.name]).toEqual(["20", "piece.mid"]);
    });

    test("takes options from the query, a form or JSON, as text or typed", async () => {
      const wanted = await score(
        json({ pianoRoll: piece, models: ["jsb/gru", "*/tanh"], transpose: 2, detail: "frames" }),
      );
      expect(wanted.scores.map(({ model, transposedBy }) => `${model} by ${transposedBy}`).toSorted()).toEqual([
        "jsb/gru by 2",
        "jsb/tanh by 2",
      ]);
      const query = "?models=jsb/gru,*/tanh&transpose=2&detail=frames";
      expect(await score(json({ pianoRoll: piece }), query)).toEqual(wanted);
      expect(withoutSamplePoint((await score(post(midi), query)).scores)).toEqual(wanted.scores);
      const fields = [["models", "jsb/gru, */tanh"], ["transpose", "2"], ["detail", "frames"], file()] as const;
      expect(withoutSamplePoint((await score(form(fields))).scores)).toEqual(wanted.scores);
      const repeated = [
        ["models", "jsb/gru"],
        ["models", "*/tanh"],
        ["transpose", "2"],
        ["detail", "frames"],
        file(),
      ] as const;
      expect(withoutSamplePoint((await score(form(repeated))).scores)).toEqual(wanted.scores);
    });

    test("reports the transposition that auto chose", async () => {
      const { scores } = await score(json({ pianoRoll: piece, models: "jsb/gru", transpose: "auto" }));
      const byHand = await score(json({ pianoRoll: piece, models: "jsb/gru", transpose: scores[0].transposedBy }));
      expect(scores).toEqual(byHand.scores);
    });

    test("adds frames and notes only when asked", async () => {
      const [none, frames, notes] = await Promise.all(
        ["none", "frames", "notes"].map(
          async (detail) => (await score(post(midi), `?models=jsb/gru&detail=${detail}`)).scores[0],
        ),
      );
      expect([none.perFrame, none.notes, frames.notes]).toEqual([undefined, undefined, undefined]);
      expect(frames.perFrame).toHaveLength(24);
      expect(notes.perFrame).toEqual(frames.perFrame);
      expect(notes.notes?.length).toBeGreaterThan(24);
    });

    test("compares the models with the best, frame by frame, when asked", async () => {
      const long = randomPiece(2, 80);
      const options = { pianoRoll: long, models: "jsb/gru,jsb/lstm,nottingham/gru" };
      const answer = await score(json({ ...options, detail: "comparison" }));
      const { comparisons, notCompared, ...rest } = answer;
      expect(rest).toEqual(await score(json(options)));
      const mean = (id: string) => {
        const { nll } = plainNll(
          models.find((model) => model.id === id),
          long,
        );
        return nll.reduce((a, b) => a + b) / nll.length;
      };
      const best = answer.bestByFrameRate.find((each) => each.framesPerQuarter === 1)?.model ?? "";
      const [worse] = ["jsb/gru", "jsb/lstm"].filter((id) => id !== best);
      expect(comparisons?.map(({ model }) => model)).toEqual([worse]);
      const [{ difference, interval, better }] = comparisons ?? [];
      expect(difference).toBeCloseTo(mean(worse) - mean(best), 4);
      expect(interval.low).toBeLessThan(difference);
      expect(interval.high).toBeGreaterThan(difference);
      expect(better).toBe(interval.low > 0 ? best : null);
      expect(answer.best).toBeNull();
      expect(notCompared).toEqual([]);
    });

    test("compares nothing when there is one model, or few frames", async () => {
      const one = await score(json({ pianoRoll: piece, models: "jsb/gru", detail: "comparison" }));
      expect([one.comparisons, one.notCompared]).toEqual([[], []]);
      const few = await score(post(midi), "?models=jsb/gru,jsb/lstm&detail=comparison");
      expect(few.comparisons).toEqual([]);
      expect(few.notCompared?.[0].reason).toMatch(/at least 30 scored frames, got 23/);
    });

    test("a roll is scored as it is, with its rests", async () => {
      expect((await score(json({ pianoRoll: [[], [60], [], []] }))).scores[0].frames).toBe(4);
    });
  });

  describe("on this runtime as on any other", () => {
    const long = randomPiece(3, 300);
    const ids = models.map(({ id }) => id).join();
    const music = () => pieceOfRoll(pianoRoll(long), DEFAULT_LIMITS);
    const sorted = <T extends { readonly model: string }>(list: readonly T[]) =>
      list.toSorted((a, b) => (a.model < b.model ? -1 : 1));

    test.each(["frames", "notes"] as const)("POST /score with detail=%s has the same numbers", async (detail) => {
      const wanted = await scoreMusic(music(), models, { detail, transpose: "auto" });
      const found = await score(json({ pianoRoll: long, models: ids, detail, transpose: "auto" }));
      expectAgreement({ ...found, scores: sorted(found.scores) }, { ...wanted, scores: sorted(wanted.scores) });
    });

    test("POST /score with adaptive has the same numbers, and says that the models learned", async () => {
      const wanted = await scoreMusic(music(), models, { adaptive: true, detail: "frames" });
      const found = await score(json({ pianoRoll: long, models: ids, detail: "frames" }), "?adaptive=true");
      expectAgreement({ ...found, scores: sorted(found.scores) }, { ...wanted, scores: sorted(wanted.scores) });
      expect(found.scores.map(({ adaptive }) => adaptive)).toEqual(models.map(() => true));
      const plain = await score(json({ pianoRoll: long, models: ids, adaptive: false }));
      expect(plain.scores.map(({ nll }) => nll)).not.toEqual(found.scores.map(({ nll }) => nll));
    });

    test.each([false, true])("POST /predict has the same numbers, adaptive %s", async (adaptive) => {
      const options = { adaptive, steps: 8, seed: 5, temperature: 0.9 };
      const wanted = await predictMusic(music(), await startMusic(music(), models, options), options);
      const found = await predict(json({ pianoRoll: long, models: ids, ...options }));
      expectAgreement(
        { ...found, predictions: sorted(found.predictions) },
        { ...wanted, predictions: sorted(wanted.predictions) },
      );
    });
  });

  describe("POST /predict", () => {
    test("continues from a state bit for bit, over JSON, forms and queries", async () => {
      const whole = await predict(json({ pianoRoll: piece }));
      const start = await predict(json({ pianoRoll: piece.slice(0, 10) }));
      const state = start.predictions.map((prediction) => prediction.state);
      const rest = { pianoRoll: piece.slice(10) };
      const numbers = (answer: MusicPredictResponse) =>
        answer.predictions.map(({ probabilities, state }) => ({ probabilities, state }));
      expect(numbers(await predict(json({ ...rest, state })))).toEqual(numbers(whole));
      expect(numbers(await predict(json({ ...rest, state: state.join() })))).toEqual(numbers(whole));
      expect(numbers(await predict(json(rest), `?state=${state.join()}`))).toEqual(numbers(whole));
      const one = writeMidi(pianoRoll(piece.slice(23)), { framesPerQuarter: 1 });
      const before = await predict(json({ pianoRoll: piece.slice(0, 23), models: "jsb/gru" }));
      const after = await predict(form([["state", before.predictions[0].state], file(one)]));
      const alone = whole.predictions.filter(({ model }) => model === "jsb/gru");
      expect(numbers(after)).toEqual(numbers({ ...whole, predictions: alone }));
    });

    test("samples by steps, temperature and seed", async () => {
      const options = { pianoRoll: piece, models: "jsb/gru", steps: 16, temperature: 1.5, seed: 3 };
      const [first] = (await predict(json(options))).predictions;
      expect(first.continuation).toHaveLength(16);
      expect((await predict(json(options))).predictions[0]).toEqual(first);
      expect((await predict(json({ ...options, seed: 4 }))).predictions[0].continuation).not.toEqual(
        first.continuation,
      );
      expect((await predict(json({ pianoRoll: piece }))).predictions[0].continuation).toBeUndefined();
    });

    test("answers a MIDI file to who accepts it, the same bytes for the same seed", async () => {
      const ask = (accept: string) =>
        request("/v1/predict", json({ pianoRoll: piece, models: "jsb/gru", steps: 16, seed: 3 }, { Accept: accept }));
      const response = await ask("audio/midi");
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "audio/midi"]);
      expect(response.headers.get("vary")).toMatch(/accept/i);
      const bytes = await response.bytes();
      expect(String.fromCharCode(...bytes.subarray(0, 4))).toBe("MThd");
      expect(await (await ask("application/json;q=0.5, audio/midi")).bytes()).toEqual(bytes);
      expect((await ask("*/*")).headers.get("content-type")).toBe("application/json");
      expect((await ask("text/html")).headers.get("content-type")).toBe("application/json");
      expect((await score(post(bytes))).scores[0].nll).toBeGreaterThan(0);
    });

    test("refuses a MIDI answer of several models, or without steps", async () => {
      const accept = { Accept: "audio/midi" };
      const several = request("/predict", json({ pianoRoll: piece, steps: 4, models: "*/gru" }, accept));
      expect(await problem(several, 406, "not-acceptable")).toContain("2 models");
      const without = request("/predict", json({ pianoRoll: piece, models: "jsb/gru" }, accept));
      expect(await problem(without, 406, "not-acceptable")).toContain("steps");
    });

    test("refuses a state that is malformed, or of a model that is not here", async () => {
      await problem(request("/predict", json({ pianoRoll: piece, state: "x" })), 400, "malformed-state");
      await problem(request("/predict", json({ pianoRoll: piece, state: [] })), 400, "malformed-request");
    });
  });

  describe("a request that cannot be answered", () => {
    const roll = { pianoRoll: [[60], [62]] };
    test.each<[string, string, RequestInit, number, string, RegExp]>([
      ["no body", "", { method: "POST" }, 400, "malformed-request", /empty/],
      ["no body but a type", "", post("", "application/json"), 400, "malformed-request", /empty/],
      [
        "no JSON",
        "",
        post("{", "application/json"),
        400,
        "malformed-request",
        /not JSON: Expected a name in double quotes or \} at line 1, column 2, got the end of the text/,
      ],
      ["JSON in no UTF-8", "", post(Uint8Array.of(34, 255, 34), "application/json"), 400, "malformed-request", /UTF-8/],
      ["a JSON list", "", json([]), 400, "malformed-request", /got a list of 0/],
      ["JSON null", "", json(null), 400, "malformed-request", /null/],
      ["JSON without a roll", "", json({}), 400, "malformed-request", /pianoRoll, midi, audio, samples.* got none/],
      ["a roll that is text", "", json({ pianoRoll: "60" }), 400, "malformed-piano-roll", /"60"/],
      [
        "a frame that is a number",
        "",
        json({ pianoRoll: [[60], 3] }),
        400,
        "malformed-piano-roll",
        /^Expected pianoRoll\[1\] to be .*, got 3\.$/,
      ],
      [
        "a pitch of 0",
        "",
        json({ pianoRoll: [[60], [64, 0]] }),
        400,
        "malformed-piano-roll",
        /^Expected pianoRoll\[1\]\[1\] to be .*, got 0\.$/,
      ],
      ["a pitch of 60.5", "", json({ pianoRoll: [[60.5]] }), 400, "malformed-piano-roll", /60\.5/],
      ["a pitch of text", "", json({ pianoRoll: [["60"]] }), 400, "malformed-piano-roll", /"60"/],
      ["one frame", "", json({ pianoRoll: [[60]] }), 422, "nothing-to-score", /frames.*, got 1 frame\.$/],
      ["no frame", "", json({ pianoRoll: [] }), 422, "nothing-to-score", /frames.*, got 0 frames\.$/],
      ["too many frames", "", json({ pianoRoll: Array(10_001).fill([]) }), 413, "too-large", /10001/],
      [
        "JSON that is announced as text",
        "",
        post(JSON.stringify(roll), "text/plain"),
        415,
        "unsupported-media-type",
        /text\/plain/,
      ],
      [
        "bytes that nobody knows",
        "",
        post("hello", "application/octet-stream"),
        415,
        "unsupported-media-type",
        /"hello"/,
      ],
      ["MIDI that is none", "", post("hello", "audio/midi"), 400, "malformed-midi", /./],
      ["MIDI cut short", "", post(midi.subarray(0, 50), "audio/midi"), 400, "malformed-midi", /./],
      [
        "a form without its boundary",
        "",
        post("x", "multipart/form-data"),
        400,
        "malformed-request",
        /^Expected a boundary/,
      ],
      [
        "a form that is none",
        "",
        post("x", "multipart/form-data; boundary=y"),
        400,
        "malformed-request",
        /line "--y", got none/,
      ],
      ["a form without a file", "", form([["models", "jsb/gru"]]), 400, "malformed-request", /field `file`, got none/],
      [
        "a form with two files",
        "",
        form([file(), file()]),
        400,
        "malformed-request",
        /got 2 files\. Send one request for each file\.$/,
      ],
      ["an empty file", "", form([file("")]), 400, "malformed-request", /got an empty file/],
      [
        "a file of a type that nobody reads",
        "",
        form([["file", new File(["hello"], "a.pdf", { type: "application/pdf" })]]),
        415,
        "unsupported-media-type",
        /5 bytes that begin "hello", sent as application\/pdf/,
      ],
      [
        "JSON in another charset",
        "",
        post(JSON.stringify(roll), 'application/json; charset="ISO-8859-1"'),
        415,
        "unsupported-media-type",
        /charset utf-8.*, got "ISO-8859-1"/,
      ],
      ["a file that is text", "", form([["file", "MThd"]]), 400, "malformed-request", /text/],
      [
        "an option that is a file",
        "",
        form([file(), ["models", new File(["x"], "y")]]),
        400,
        "malformed-request",
        /field "models", got a file/,
      ],
      ["an unknown option in the query", "?foo=1", json(roll), 400, "malformed-request", /models.*, got "foo"/],
      [
        "an unknown option in JSON",
        "",
        json({ ...roll, tranpose: 1 }),
        400,
        "malformed-request",
        /got "tranpose"\. Did you mean transpose\?$/,
      ],
      ["an unknown option in a form", "", form([file(), ["foo", "1"]]), 400, "malformed-request", /"foo"/],
      ["an option of /predict", "?steps=4", json(roll), 400, "malformed-request", /"steps"/],
      [
        "an option given twice",
        "?models=jsb/gru",
        json({ ...roll, models: "jsb/gru" }),
        400,
        "malformed-request",
        /models/,
      ],
      ["a number that is given twice", "?transpose=1&transpose=2", json(roll), 400, "malformed-request", /a list of 2/],
      ["NaN", "?transpose=NaN", json(roll), 400, "malformed-request", /transpose .*, got "NaN"/],
      ["half a semitone", "?transpose=0.5", json(roll), 400, "malformed-request", /transpose/],
      ["an empty number", "?framesPerQuarter=", json(roll), 400, "malformed-request", /framesPerQuarter .*, got ""/],
      ["no frames a quarter", "?framesPerQuarter=0", json(roll), 400, "malformed-request", /framesPerQuarter/],
      [
        "too few frames a quarter, of a roll as of a file",
        "?framesPerQuarter=0.01",
        json(roll),
        400,
        "malformed-request",
        /framesPerQuarter to be a number from 0\.015625 to 1024, got "0\.01"/,
      ],
      [
        "infinite frames a quarter",
        "?framesPerQuarter=1e999",
        json(roll),
        400,
        "malformed-request",
        /framesPerQuarter/,
      ],
      ["an unknown detail", "?detail=all", json(roll), 400, "malformed-request", /detail .*, got "all"/],
      ["a channel of 17", "?channels=1,17", post(midi), 400, "malformed-request", /channels .*, got "1,17"/],
      ["channels of a roll", "?channels=1", json(roll), 400, "malformed-request", /channels/],
      [
        "a channel without notes",
        "?channels=5",
        post(midi),
        422,
        "nothing-to-score",
        /on channels 5, got 60 notes on channels 1/,
      ],
      ["drums alone", "", post(drums), 422, "nothing-to-score", /all of them drums on channel 10/],
      ["an unknown model", "?models=jsb/foo", json(roll), 404, "unknown-model", /jsb\/gru.*, got "jsb\/foo"/],
      ["a pattern without a match", "?models=jsb/gru,foo/*", json(roll), 404, "unknown-model", /"foo\/\*"/],
      ["no model", "?models=", json(roll), 404, "unknown-model", /""/],
      [
        "a pattern of more than 128 characters",
        `?models=jsb/gru,${"*".repeat(129)}`,
        json(roll),
        400,
        "malformed-request",
        /^Expected models to be a pattern of at most 128 characters, got /,
      ],
      [
        "an id that is too long",
        `?id=${"x".repeat(129)}`,
        json(roll),
        400,
        "malformed-request",
        /id to be text of 1 to 128/,
      ],
      ["a model that is misspelled", "?models=jsb/gro", json(roll), 404, "unknown-model", /Did you mean jsb\/gru\?$/],
      ...["piano_roll", "notes", "frames"].map((name): [string, string, RequestInit, number, string, RegExp] => [
        `a roll named ${name}`,
        "",
        json({ [name]: [[60], [62]] }),
        400,
        "malformed-piano-roll",
        new RegExp(`^Expected pianoRoll, a list of frames.*, got the field "${name}"\\.$`),
      ]),
      [
        "a matrix of 0 and 1",
        "",
        json({ pianoRoll: piece.map((frame) => Array.from({ length: 88 }, (_, c) => Number(frame.includes(c + 21)))) }),
        400,
        "malformed-piano-roll",
        /got rows of 88 zeros and ones\. List the pitches/,
      ],
      [
        "midi that is a list of notes",
        "",
        json({ midi: [60, 62] }),
        400,
        "malformed-request",
        /midi .*base64.*pianoRoll/,
      ],
      [
        "a file's name for base64",
        "",
        json({ midi: "a.mid" }),
        400,
        "malformed-request",
        /base64, got "\." at character 2/,
      ],
      ["base64 of no MIDI", "", json({ midi: "TVRoZA==" }), 400, "malformed-midi", /./],
      ["a data: URL", "", json({ midi: "data:audio/midi;base64,TVRoZA==" }), 400, "malformed-request", /data: URL/],
      [
        "a roll beside a file",
        "",
        json({ ...roll, midi: "TVRoZA==" }),
        400,
        "malformed-request",
        /got pianoRoll and midi/,
      ],
      [
        "JSON with a trailing comma",
        "",
        post('{\n  "pianoRoll": [[60],]}', "application/json"),
        400,
        "malformed-request",
        /^The body is not JSON: Expected a value at line 2, column 22, got "\]"\.$/,
      ],
      ["a list without end", "", json({ ...roll, models: Array(100_000).fill(1) }), 400, "malformed-request", /100000/],
      [
        "half a million bad pitches",
        "",
        post(`{"pianoRoll":[[${"0,".repeat(500_000)}0]]}`, "application/json"),
        400,
        "malformed-piano-roll",
        /rows of 500001 zeros and ones/,
      ],
      [
        "lists in lists",
        "",
        post(`{"pianoRoll":${"[".repeat(400_000)}${"]".repeat(400_000)}}`, "application/json"),
        400,
        "malformed-request",
        /JSON of at most \d+ lists and objects within each other/,
      ],
    ])("%s is refused in a sentence", async (_, query, init, status, code, sentence) => {
      expect(await problem(request(`/v1/score${query}`, init), status, code)).toMatch(sentence);
    });

    test.each(["0", "513", "1.5", "x", "-1"])("steps=%s is out of range", async (steps) => {
      await problem(request(`/predict?steps=${steps}`, json(roll)), 400, "malformed-request");
    });
    test.each([
      "temperature=0",
      "temperature=0.009",
      "temperature=-1",
      "temperature=11",
      "temperature=NaN",
      "temperature=1e-310",
      "seed=-1",
      "seed=4294967296",
      "seed=1.5",
    ])("%s is out of range", async (query) => {
      await problem(request(`/predict?steps=1&${query}`, json(roll)), 400, "malformed-request");
    });

    test("a temperature near 0 is refused as a number too", async () => {
      const body = { ...roll, steps: 1, temperature: 1e-310 };
      expect(await problem(request("/predict", json(body)), 400, "malformed-request")).toBe(
        "Expected temperature to be a number from 0.01 to 10, got 1e-310.",
      );
    });

    test("a body over the limit is refused", async () => {
      const body = new Uint8Array(DEFAULT_LIMITS.jsonBytes + 1);
      expect(await problem(request("/score", post(body, "application/json")), 413, "too-large")).toContain("4194304");
    });

    test("a MIDI file over the limit is refused", async () => {
      const body = new Uint8Array(2 ** 20 + 1);
      expect(await problem(request("/score", post(body, "audio/midi")), 413, "too-large")).toContain("1048576");
    });

    test("a form of many parts is refused", async () => {
      const many = form([file(), ...Array.from({ length: 64 }, (_, k) => [`x${k}`, "1"] as const)]);
      expect(await problem(request("/score", many), 400, "malformed-request")).toContain("at most 64 parts");
    });
  });

  describe("what is there to read", () => {
    test("GET /models lists the models with their shapes and metrics", async () => {
      const { models: listed } = await (await request("/v1/models")).json();
      const music = listed.filter(({ kind }: { kind: string }) => kind === "music");
      const ids = music.map(({ id }: { id: string }) => id).filter((id: string) => !id.includes("mixture"));
      expect(ids.toSorted()).toEqual(models.map(({ id }) => id).toSorted());
      const info = music.find(({ id }: { id: string }) => id === "jsb/gru");
      expect(info).toMatchObject({ cell: "gru", units: 9, pitches: 96, framesPerQuarter: 1 });
      expect(info.parameters).toBe(3 * 9 * (96 + 9 + 1) + 96 * (9 + 1));
      expect(info.metrics).toEqual({ test: { micro: 8.5, macro: 8.6 } });
    });

    test("GET /models/{set}/{cell} has the version as ETag, and 304 for who has it", async () => {
      const response = await request("/v1/models/jsb/gru");
      const tag = response.headers.get("etag") ?? "";
      expect(tag).toBe(`"sha256:${gru?.version}"`);
      expect((await response.json()).version).toBe(`sha256:${gru?.version}`);
      const again = await request("/v1/models/jsb/gru", { headers: { "If-None-Match": `"other", W/${tag}` } });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", tag]);
      expect((await request("/v1/models/jsb/gru", { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
      await problem(request("/v1/models/jsb/foo"), 404, "unknown-model");
      await problem(request("/v1/models/%E0%A4/%00"), 404, "unknown-model");
    });

    test("the server is live and ready", async () => {
      expect(await (await request("/health/live")).json()).toEqual({ status: "live" });
      const { models: listed } = await (await request("/models")).json();
      const ready = { status: "ready", models: listed.length, lastError: null };
      expect(await (await request("/health/ready")).json()).toEqual(ready);
    });

    test("openapi.yaml and openapi.json say the same", async () => {
      const yaml = await (await request("/openapi.yaml")).text();
      const document = await (await request("/openapi.json")).json();
      expect(parse(yaml)).toEqual(document);
      expect(Object.keys(document.paths)).toContain("/score");
    });
  });

  describe("HTTP itself", () => {
    test("HEAD answers as GET without a body", async () => {
      const response = await request("/v1/models/jsb/gru", { method: "HEAD" });
      expect([response.status, await response.text()]).toEqual([200, ""]);
      expect(response.headers.get("etag")).toBe(`"sha256:${gru?.version}"`);
    });

    test.each([
      ["GET", "/score", "POST"],
      ["PUT", "/v1/predict", "POST"],
      ["POST", "/models", "GET, HEAD"],
      ["DELETE", "/v1/models/jsb/gru", "GET, HEAD"],
    ])("%s %s is not allowed, and what is allowed is said", async (method, path, allow) => {
      const response = request(path, { method });
      await problem(response, 405, "method-not-allowed");
      expect((await response).headers.get("allow")).toBe(allow);
    });

    test.each(["/nothing", "/v1/", "/v1/score/x", "/v3/score"])("there is nothing at %s", async (path) => {
      await problem(request(path), 404, "not-found");
    });

    test("an answer is of the type that it says, sends no referrer on, and stands in no frame", async () => {
      const answers = [request("/v1/models"), request("/nothing"), request("/v1/score", json({ pianoRoll: piece }))];
      for (const { headers } of await Promise.all(answers)) {
        expect(headers.get("x-content-type-options")).toBe("nosniff");
        expect(headers.get("referrer-policy")).toBe("no-referrer");
        expect(headers.get("content-security-policy")).toContain("default-src 'none'");
        expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      }
    });

    test("pages of other origins may not ask", async () => {
      const headers = { Origin: "https://example.org", "Access-Control-Request-Method": "POST" };
      const preflight = await request("/v1/score", { method: "OPTIONS", headers });
      expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
      const refused = request("/v1/score", json({ pianoRoll: piece }, { Origin: "https://example.org" }));
      expect(await problem(refused, 403, "foreign-origin")).toMatch(/, got one of "https:\/\/example\.org"\.$/);
      expect((await refused).headers.get("access-control-allow-origin")).toBeNull();
    });

    test("a request keeps its id, in the header and in a problem", async () => {
      const response = await request("/nothing", { headers: { "X-Request-Id": "abc-1" } });
      expect(response.headers.get("x-request-id")).toBe("abc-1");
      expect((await response.json()).instance).toBe("/nothing#abc-1");
    });
  });
}
