/**
 * The Open Inference Protocol on whatever runtime answers `request`: every route, in JSON and in binary tensors, against what the
 * other routes say. The server behind it is that of api.ts.
 */
import { describe, expect, test } from "vitest";
import {
  InferResponse,
  ModelMetadata,
  ModelNames,
  ModelReady,
  ProtocolError,
  ServerLive,
  ServerMetadata,
  ServerReady,
} from "../../src/schema/protocol.ts";
import { randomPiece, randomRecording, testModels, testSpeechModels } from "../support/models.ts";
import type { Request } from "./api.ts";

const D = 96;
const pieces = [randomPiece(1, 9), randomPiece(2, 6), randomPiece(3, 2)];
const recordings = [randomRecording(1, 103), randomRecording(2, 90)];
const gru = testModels().find(({ id }) => id === "jsb/gru");
const VERSION = `sha256:${gru?.version}`;
const speech = testSpeechModels().find(({ id }) => id === "speech-short/gru");

/** Columns of frames: of each pitch from 1 to D whether it sounds. */
const matrix = (piece: readonly number[][]) =>
  piece.map((frame) => Array.from({ length: D }, (_, d) => Number(frame.includes(d + 1))));

/** Rows of equal length, zeros after those that end sooner. */
const padded = (rows: readonly (readonly number[])[], length: number) =>
  rows.flatMap((row) => [...row, ...new Array(length - row.length).fill(0)]);

const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({ method: "POST", body, headers });
const json = (value: unknown) => post(JSON.stringify(value), { "Content-Type": "application/json" });

/** A body of the extension for binary tensor data. */
function binary(header: object, ...tensors: readonly ArrayBufferView<ArrayBuffer>[]): RequestInit {
  const text = new TextEncoder().encode(JSON.stringify(header));
  return post(new Blob([text, ...tensors]), {
    "Content-Type": "application/octet-stream",
    "Inference-Header-Content-Length": String(text.length),
  });
}

/** The outputs of an answer by name: float64, or texts. */
async function outputsOf(response: Response): Promise<Record<string, { shape: number[]; values: unknown[] }>> {
  const length = response.headers.get("Inference-Header-Content-Length");
  const body = new Uint8Array(await response.arrayBuffer());
  const end = length === null ? body.length : Number(length);
  const { outputs } = InferResponse.strict().parse(JSON.parse(new TextDecoder().decode(body.subarray(0, end))));
  expect(response.headers.get("Content-Type")).toBe(length === null ? "application/json" : "application/octet-stream");
  let at = end;
  const read = outputs.map(({ name, shape, datatype, parameters, data }) => {
    if (data) return [name, { shape, values: data }] as const;
    const bytes = body.slice(at, at + (parameters?.binary_data_size ?? 0));
    at += bytes.length;
    if (datatype !== "BYTES") return [name, { shape, values: Array.from(new Float64Array(bytes.buffer)) }] as const;
    const view = new DataView(bytes.buffer);
    const values: string[] = [];
    for (let k = 0; k < bytes.length; ) {
      const size = view.getUint32(k, true);
      values.push(new TextDecoder().decode(bytes.subarray(k + 4, k + 4 + size)));
      k += 4 + size;
    }
    return [name, { shape, values }] as const;
  });
  expect(at).toBe(body.length);
  return Object.fromEntries(read);
}

export function protocolContract(request: Request): void {
  const get = async (path: string) => {
    const response = await request(path);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    return response.json();
  };
  const refused = async (path: string, status: number, init?: RequestInit) => {
    const response = await request(path, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([status, "application/json"]);
    return ProtocolError.strict().parse(await response.json()).error;
  };
  const ask = async (path: string, body: unknown) => (await request(`/v1/${path}`, json(body))).json();
  const infer = async (init: RequestInit, path = "/v2/models/jsb--gru/infer") => {
    const response = await request(path, init);
    if (response.status !== 200) throw new Error(await response.text());
    return outputsOf(response);
  };
  /** What the other routes say of a piece. */
  const wanted = async (pianoRoll: number[][]) => {
    const [one] = (await ask("score", { pianoRoll, models: "jsb/gru", detail: "frames" })).scores;
    const [next] = (await ask("predict", { pianoRoll, models: "jsb/gru" })).predictions;
    return { nll: one.perFrame.slice(1), probabilities: next.probabilities, state: next.state, warnings: one.warnings };
  };
  const frames = (piece: number[][]) => ({
    name: "frames",
    shape: [piece.length, D],
    datatype: "UINT8",
    data: matrix(piece),
  });

  describe("GET /v2", () => {
    test("says what the server is, whether it lives and is ready", async () => {
      const metadata = ServerMetadata.strict().parse(await get("/v2"));
      expect(metadata).toMatchObject({ name: "surprisal", extensions: ["binary_tensor_data"] });
      expect(await get("/v2/")).toEqual(metadata);
      ServerLive.strict().parse(await get("/v2/health/live"));
      ServerReady.strict().parse(await get("/v2/health/ready"));
    });

    test("names every model, and what it reads and gives", async () => {
      const { models } = ModelNames.strict().parse(await get("/v2/models"));
      const ids = (await get("/v1/models")).models.map(({ id }: { id: string }) => id);
      expect(models).toEqual(ids.map((id: string) => id.replace("/", "--")));
      for (const name of models) {
        const { properties, versions } = ModelMetadata.strict().parse(await get(`/v2/models/${name}`));
        expect((await get(`/v1/models/${properties.id}`)).version).toBe(versions[0]);
      }
    });

    test("knows a model with and without its version, and under /v1 too", async () => {
      const metadata = ModelMetadata.parse(await get("/v2/models/jsb--gru"));
      expect(metadata.inputs[0]).toEqual({ name: "frames", datatype: "UINT8", shape: [-1, -1, D] });
      expect(metadata.outputs[0]).toEqual({ name: "nll", datatype: "FP64", shape: [-1, -1] });
      const versions = [`/versions/${VERSION}`, `/versions/${encodeURIComponent(VERSION)}`];
      for (const version of ["", ...versions]) {
        for (const root of ["/v2", "/v1/v2"]) {
          expect(await get(`${root}/models/jsb--gru${version}`)).toEqual(metadata);
          const ready = ModelReady.strict().parse(await get(`${root}/models/jsb--gru${version}/ready`));
          expect(ready).toEqual({ name: "jsb--gru", ready: true });
        }
      }
    });

    test("refuses what it does not have, in the form of the protocol", async () => {
      expect(await refused("/v2/models/jsb--gr", 404)).toMatch(/jsb--gru.*Did you mean jsb--gru\?$/);
      expect(await refused("/v2/models/jsb--gru/versions/1/ready", 404)).toBe(
        `Expected version ${VERSION} of jsb--gru, got "1".`,
      );
      expect(await refused("/v2/models/none/versions/1", 404)).toMatch(/^Expected one of the models/);
      expect(await refused("/v2/repository/index", 404)).toBe("There is nothing at /v2/repository/index.");
      expect(await refused("/v2/models/jsb--gru/infer", 405)).toMatch(/^Expected POST/);
      await refused("/v2/models/none/infer", 404, json({ inputs: [frames(pieces[0])] }));
    });
  });

  describe("POST /v2/models/{name}/infer", () => {
    test("says of a piece what /score and /predict say, bit for bit", async () => {
      const [piece] = pieces;
      const { nll, probabilities, state, warnings } = await wanted(piece);
      const outputs = await infer(json({ id: "17", inputs: [frames(piece)] }));
      expect(outputs).toEqual({
        nll: { shape: [piece.length - 1], values: nll },
        probabilities: { shape: [D], values: probabilities },
        standardErrors: { shape: [D], values: new Array(D).fill(0) },
        state: { shape: [1], values: [state] },
        warnings: { shape: [1], values: [JSON.stringify(warnings)] },
      });
      const version = `/v1/v2/models/jsb--gru/versions/${VERSION}/infer`;
      expect(await infer(json({ inputs: [{ ...frames(piece), data: matrix(piece).flat() }] }), version)).toEqual(
        outputs,
      );
      const response = await request("/v2/models/jsb--gru/infer", json({ id: "17", inputs: [frames(piece)] }));
      expect(await response.json()).toMatchObject({ id: "17", model_name: "jsb--gru", model_version: VERSION });
    });

    test.each([
      ["UINT8", Uint8Array],
      ["INT32", Int32Array],
      ["FP32", Float32Array],
      ["FP64", Float64Array],
    ] as const)("reads and writes %s as bytes", async (datatype, ArrayOf) => {
      const [piece] = pieces;
      const values = new ArrayOf(matrix(piece).flat());
      const parameters = { binary_data_size: values.byteLength };
      const input = { name: "frames", shape: [piece.length, D], datatype, parameters };
      const all = await infer(json({ inputs: [frames(piece)] }));
      expect(await infer(binary({ inputs: [input], parameters: { binary_data_output: true } }, values))).toEqual(all);
      const outputs = [{ name: "state", parameters: { binary_data: true } }, { name: "nll" }];
      expect(await infer(binary({ inputs: [input], outputs }, values))).toEqual({ state: all.state, nll: all.nll });
    });

    test("answers a batch as it answers its pieces, with zeros after those that end sooner", async () => {
      const [length, count] = [9, pieces.length];
      const rows = pieces.map((piece) => matrix(piece).flat());
      const data = padded(rows, length * D);
      const lengths = pieces.map((piece) => piece.length);
      const alone = await Promise.all(pieces.map(wanted));
      const expected = {
        nll: {
          shape: [count, length - 1],
          values: padded(
            alone.map(({ nll }) => nll),
            length - 1,
          ),
        },
        probabilities: { shape: [count, D], values: alone.flatMap(({ probabilities }) => probabilities) },
        state: { shape: [count], values: alone.map(({ state }) => state) },
      };
      const names = Object.keys(expected).map((name) => ({ name }));
      const shape = [count, length, D];
      const inputs = [
        { name: "frames", shape, datatype: "UINT8", data },
        { name: "lengths", shape: [count], datatype: "INT32", data: lengths },
      ];
      expect(await infer(json({ inputs, outputs: names }))).toEqual(expected);
      const [first, second] = [Uint8Array.from(data), BigInt64Array.from(lengths, BigInt)];
      const header = [
        { name: "lengths", shape: [count], datatype: "INT64", parameters: { binary_data_size: 8 * count } },
        { name: "frames", shape, datatype: "BOOL", parameters: { binary_data_size: data.length } },
      ];
      expect(await infer(binary({ inputs: header, outputs: names }, second, first))).toEqual(expected);
    });

    test("goes on from a state as if it had read all at once", async () => {
      const [piece] = pieces;
      const { probabilities, state } = await infer(json({ inputs: [frames(piece)] }));
      const before = await infer(json({ inputs: [frames(piece.slice(0, 5))] }));
      const token = { name: "state", shape: [1], datatype: "BYTES", data: before.state.values };
      const after = await infer(json({ inputs: [frames(piece.slice(5)), token] }));
      expect(after).toMatchObject({ probabilities, state });
      expect(after).not.toHaveProperty("nll");
    });

    test("scores adaptively when it is asked to", async () => {
      const [pianoRoll] = pieces;
      const body = { pianoRoll, models: "jsb/gru", detail: "frames", adaptive: true };
      const [{ perFrame }] = (await ask("score", body)).scores;
      const outputs = [{ name: "nll" }];
      const { nll } = await infer(json({ inputs: [frames(pianoRoll)], outputs, parameters: { adaptive: true } }));
      expect(nll.values).toEqual(perFrame.slice(1));
    });

    test("says of recordings what /score and /predict say, bit for bit", async () => {
      if (!speech) throw new Error("No such model.");
      const { inputs, shape } = speech;
      const path = "/v2/models/speech-short--gru/infer";
      const [length, width] = [103, Math.ceil((103 - inputs) / shape.block)];
      const alone = await Promise.all(
        recordings.map(async (samples) => {
          const body = { samples: Array.from(samples), sampleRate: 8000, models: "speech-short/gru" };
          const [{ perStep }] = (await ask("score", { ...body, detail: "frames" })).scores;
          const [next] = (await ask("predict", body)).predictions;
          return { perStep, ...next };
        }),
      );
      const tables = (name: "means" | "scales") => alone.flatMap((each) => padded(each[name], shape.block));
      const data = Float32Array.from(
        padded(
          recordings.map((samples) => Array.from(samples)),
          length,
        ),
      );
      const lengths = { name: "lengths", shape: [2], datatype: "INT32", data: [103, 90] };
      const samples = { name: "samples", shape: [2, length], datatype: "FP32" };
      const outputs = await infer(
        binary({ inputs: [{ ...samples, parameters: { binary_data_size: data.byteLength } }, lengths] }, data),
        path,
      );
      expect(outputs).toMatchObject({
        nll: {
          shape: [2, width],
          values: padded(
            alone.map(({ perStep }) => perStep),
            width,
          ),
        },
        weights: { shape: [2, shape.components], values: alone.flatMap(({ weights }) => weights) },
        means: { shape: [2, shape.components, shape.block], values: tables("means") },
        scales: { shape: [2, shape.components, shape.block], values: tables("scales") },
        state: { shape: [2], values: alone.map(({ state }) => state) },
      });
      const one = { name: "samples", shape: [90], datatype: "FP32", data: Array.from(recordings[1]) };
      const single = await infer(json({ inputs: [one] }), path);
      expect(single.nll).toEqual({ shape: [alone[1].perStep.length], values: alone[1].perStep });
      expect(single.state).toEqual({ shape: [1], values: [alone[1].state] });
    });

    const good = frames(pieces[2]);
    const two = { ...good, shape: [2, 1, D] };
    const sized = (binary_data_size: number) => ({ ...good, data: undefined, parameters: { binary_data_size } });
    test.each<[string, RequestInit, number, RegExp]>([
      ["no JSON", post("{"), 400, /The body is not JSON/],
      ["a list", json([]), 400, /a JSON object with inputs, got a list/],
      ["no inputs", json({}), 400, /Expected inputs to be a list of tensors, got nothing/],
      ["no tensors", json({ inputs: [] }), 400, /Expected the input frames/],
      ["another input", json({ inputs: [good, { ...good, name: "x" }] }), 400, /frames, lengths, state, got "x"/],
      ["an input twice", json({ inputs: [good, good] }), 400, /frames once/],
      ["another datatype", json({ inputs: [{ ...good, datatype: "FP16" }] }), 400, /datatype to be one of/],
      ["texts as frames", json({ inputs: [{ ...good, datatype: "BYTES", data: ["a"], shape: [1] }] }), 400, /numbers/],
      ["null as a number", json({ inputs: [{ ...good, data: new Array(2 * D).fill(null) }] }), 400, /got null at 0/],
      [
        "other columns",
        json({ inputs: [{ ...good, shape: [2 * D, 1], data: good.data.flat() }] }),
        400,
        /shape \[length, 96\]/,
      ],
      ["too few data", json({ inputs: [{ ...good, data: [1] }] }), 400, /Expected 192 elements in "frames"/],
      ["a ragged nesting", json({ inputs: [{ ...good, data: [[1], [0]] }] }), 400, /nested by its shape \[2,96\]/],
      ["no data", json({ inputs: [{ ...good, data: undefined }] }), 400, /neither/],
      ["a two in a frame", json({ inputs: [{ ...good, data: new Array(2 * D).fill(2) }] }), 400, /got 2 in frame 0/],
      ["another output", json({ inputs: [good], outputs: [{ name: "x" }] }), 400, /the outputs nll/],
      ["an output twice", json({ inputs: [good], outputs: [{ name: "nll" }, { name: "nll" }] }), 400, /once/],
      ["another parameter", json({ inputs: [good], parameters: { adaptiv: true } }), 400, /Did you mean adaptive/],
      ["one frame", json({ inputs: [{ ...good, shape: [1, D], data: matrix([[60]]) }] }), 422, /at least 2 frames/],
      [
        "one frame of a batch",
        json({ inputs: [{ ...two, data: matrix(pieces[2]).flat() }] }),
        422,
        /^Row 0 of the batch/,
      ],
      ["a batch of none", json({ inputs: [{ ...good, shape: [0, 2, D], data: [] }] }), 400, /at least one row/],
      [
        "another state",
        json({ inputs: [good, { name: "state", shape: [1], datatype: "BYTES", data: ["x"] }] }),
        400,
        /state/,
      ],
      [
        "a length beyond",
        json({ inputs: [good, { name: "lengths", shape: [1], datatype: "INT32", data: [3] }] }),
        400,
        /lengths from 1 to 2, got 3/,
      ],
      ["fewer bytes", binary({ inputs: [sized(2 * D)] }, new Uint8Array(D)), 400, /192 bytes of tensors/],
      ["more bytes", binary({ inputs: [sized(D)] }, new Uint8Array(2 * D)), 400, /"frames", UINT8 of shape|96 bytes/],
      ["bytes beside data", binary({ inputs: [{ ...sized(1), data: [1] }] }, new Uint8Array(1)), 400, /got both/],
      [
        "a header beyond the body",
        post("{}", { "Inference-Header-Content-Length": "3" }),
        400,
        /an integer up to the body's 2 bytes, got "3"/,
      ],
    ])("refuses %s", async (_, init, status, sentence) => {
      expect(await refused("/v2/models/jsb--gru/infer", status, init)).toMatch(sentence);
    });

    test("refuses more work than a body of its size may ask for, and more numbers than an answer may have", async () => {
      const length = 10_001;
      const values = new Uint8Array(length * D);
      const input = (shape: number[], size: number) => ({
        name: "frames",
        shape,
        datatype: "UINT8",
        parameters: { binary_data_size: size },
      });
      const path = "/v2/models/jsb--gru/infer";
      const long = binary({ inputs: [input([length, D], values.length)] }, values);
      expect(await refused(path, 413, long)).toBe("Expected at most 10000 frames, got 10001.");
      const many = new Uint8Array(6000 * D);
      const batch = binary({ inputs: [input([6000, 1, D], many.length)] }, many);
      expect(await refused(path, 413, batch)).toMatch(/^Expected an answer of at most 500000 numbers, got one of/);
    });
  });
}
