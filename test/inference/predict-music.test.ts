import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import * as answer from "../../src/inference/answer.ts";
import { pieceOfMidi, pieceOfRoll } from "../../src/inference/piece.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { PredictOptions } from "../../src/schema/options.ts";
import type { MusicPredictResponse, Prediction } from "../../src/schema/predict.ts";
import { uniform } from "../../src/util/random.ts";
import { plainNll, randomModel, randomPiece, testModels } from "../support/models.ts";
import { pack, Random } from "../support/random.ts";

const models = testModels();
const piece = randomPiece(9, 30);

const predict = async (frames: number[][], options: PredictOptions = {}): Promise<Prediction[]> =>
  ((await answer.predict(pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS), models, options)) as MusicPredictResponse)
    .predictions;

const predictOne = async (frames: number[][], options: PredictOptions = {}): Promise<Prediction> =>
  (await predict(frames, { ...(options.state === undefined && { models: ["jsb/gru"] }), ...options }))[0];

const { state: stateOfPiece } = await predictOne(piece);

const codeOf = async (run: () => Promise<unknown>) => {
  try {
    await run();
  } catch (error) {
    if (error instanceof SurprisalError) return error.code;
    throw error;
  }
  return "none";
};

describe("the distribution of the next frame", () => {
  test("is the reference implementation's, for pitches 1 to D", async () => {
    for (const prediction of await predict(piece)) {
      const model = models.find(({ id }) => id === prediction.model);
      const clipped = piece.map((frame) => frame.filter((pitch) => pitch <= (model?.pitches ?? 0)));
      const { logits } = plainNll(model, [...clipped, []]); // the row that predicts one frame more
      const last = logits.subarray(logits.length - (model?.pitches ?? 0));
      expect(prediction.probabilities).toHaveLength(last.length);
      prediction.probabilities.forEach((probability, d) => {
        expect(probability).toBeCloseTo(1 / (1 + Math.exp(-last[d])), 5);
      });
    }
  });

  test("with adaptive is the reference implementation's that has learned from the input", async () => {
    for (const prediction of await predict(piece, { adaptive: true })) {
      const model = models.find(({ id }) => id === prediction.model) ?? models[0];
      const reference = new ReferenceKernel(model.checkpoint.config);
      reference.load(model.checkpoint.tensors);
      const clipped = piece.map((frame) => frame.filter((pitch) => pitch <= model.pitches).map((pitch) => pitch - 1));
      reference.adapt(pack([clipped]).batch, 0.02);
      reference.setState(reference.state());
      reference.forward(pack([[clipped[clipped.length - 1], []]]).batch);
      const logits = reference.logits();
      expect(prediction.adaptive).toBe(true);
      prediction.probabilities.forEach((probability, d) => {
        expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logits[d])), 4);
      });
    }
  });

  test("shows its ten most probable pitches in the input's own key", async () => {
    const { probabilities, likely } = await predictOne(piece, { transpose: 5 });
    const wanted = probabilities
      .map((probability, d) => ({ pitch: d + 1 - 5, probability }))
      .filter(({ pitch }) => pitch > 0)
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 10);
    expect(likely).toEqual(wanted);
  });

  test("needs one frame, not two, and says so", async () => {
    expect((await predictOne([[60]])).frames).toBe(1);
    expect(await codeOf(() => predictOne([]))).toBe("nothing-to-score");
  });
});

describe("a state", () => {
  test.each(CELLS)(
    "of %s continues to the same answer as the whole piece, bit for bit, wherever it is cut",
    async (cell) => {
      const options = { models: [`jsb/${cell}`] };
      const whole = await predictOne(piece, options);
      for (let cut = 1; cut < piece.length; cut++) {
        const { state } = await predictOne(piece.slice(0, cut), options);
        const { frames, ...continued } = await predictOne(piece.slice(cut), { ...options, state: [state] });
        expect({ ...continued, frames: frames + cut }).toEqual(whole);
      }
    },
  );

  test("keeps the transposition of the run", async () => {
    const whole = await predictOne(piece, { transpose: -4 });
    const { state } = await predictOne(piece.slice(0, 7), { transpose: -4 });
    expect((await predictOne(piece.slice(7), { state: [state] })).probabilities).toEqual(whole.probabilities);
    expect(await codeOf(() => predictOne(piece, { state: [state], transpose: 0 }))).toBe("malformed-request");
  });

  test("names the likeliest whole frames with their exact probabilities", async () => {
    const { probabilities, draws, chords } = await predictOne(piece);
    expect(draws).toBe(0);
    for (const { pitches, probability } of chords) {
      const product = probabilities.reduce((all, p, d) => all * (pitches.includes(d + 1) ? p : 1 - p), 1);
      expect(probability / product).toBeCloseTo(1, 6);
    }
    expect(chords.map(({ probability }) => probability)).toEqual(
      chords.map(({ probability }) => probability).toSorted((a, b) => b - a),
    );
    expect(chords).toHaveLength(5);
  });

  test("keeps the frame rate of the run", async () => {
    const file = (frames: number[][]) =>
      pieceOfMidi(parseMidi(writeMidi(pianoRoll(frames), { framesPerQuarter: 2 })), DEFAULT_LIMITS);
    const read = async (frames: number[][], options: PredictOptions) =>
      ((await answer.predict(file(frames), models, options)) as MusicPredictResponse).predictions[0];
    const options = { models: ["jsb/gru"], framesPerQuarter: 2, transpose: 0 };
    const whole = await read(piece, options);
    const cut = piece.findIndex((frame, t) => t > 5 && frame.length > 0 && piece[t - 1].length > 0);
    const { state } = await read(piece.slice(0, cut), options);
    const { frames, ...continued } = await read(piece.slice(cut), { state: [state] });
    expect({ ...continued, frames: frames + cut }).toEqual(whole);
    expect(whole.framesPerQuarter).toBe(2);
    expect(await codeOf(() => read(piece, { state: [state], framesPerQuarter: 1 }))).toBe("malformed-request");
  });

  test("is that after the input, not after sampled frames", async () => {
    expect((await predictOne(piece, { steps: 5 })).state).toBe((await predictOne(piece)).state);
  });

  test("of several models answers for these, once each", async () => {
    const states = (await predict(piece)).map(({ state }) => state);
    expect((await predict(piece, { state: states })).map(({ model }) => model)).toEqual(models.map(({ id }) => id));
    expect(await codeOf(() => predict(piece, { state: [states[0], states[0]] }))).toBe("malformed-request");
    expect(await codeOf(() => predict(piece, { state: [states[0]], models: ["jsb/*"] }))).toBe("malformed-request");
    expect(await codeOf(() => predict(piece, { state: states.slice(0, 3), models: ["jsb/*"] }))).toBe("none");
  });

  test("of another version or of a model that is gone is refused", async () => {
    const { state } = await predictOne(piece);
    const later = [randomModel({ set: "jsb", cell: "gru", seed: 99 })];
    const music = pieceOfRoll(pianoRoll(piece), DEFAULT_LIMITS);
    expect(await codeOf(() => answer.predict(music, later, { state: [state] }))).toBe("stale-state");
    expect(await codeOf(() => answer.predict(music, models.slice(0, 2), { state: [state] }))).toBe("unknown-model");
  });

  test("of an adaptive run is refused, as is a state together with adaptive", async () => {
    for (const { state, model } of await predict(piece, { adaptive: true })) {
      await expect(predict(piece, { state: [state] })).rejects.toThrow(
        `The state token is of an adaptive run of ${model}, which has no room for the weights that the input has changed; send the whole sequence again.`,
      );
      expect(await codeOf(() => predict(piece, { state: [state] }))).toBe("stale-state");
    }
    await expect(predict(piece, { state: [stateOfPiece], adaptive: true })).rejects.toThrow(
      "Expected state without adaptive, since a state does not hold the weights that a piece has changed, got both.",
    );
    expect(await codeOf(() => predict(piece, { state: [stateOfPiece], adaptive: false }))).toBe("none");
  });

  const token = (edit: (bytes: Buffer) => Buffer | undefined) => {
    const bytes = Buffer.from(stateOfPiece, "base64url");
    return (edit(bytes) ?? bytes).toString("base64url");
  };
  const payloadAt = 34 + "jsb/gru".length; // of shift, frame rate and state
  const rate = (value: number) =>
    token((bytes) => {
      bytes.writeDoubleLE(value, payloadAt + 1);
      return bytes;
    });
  const float = (value: number) => (bytes: Buffer) => {
    bytes.writeFloatLE(value, bytes.length - 4);
    return bytes;
  };

  test.each([
    ["no base64url", "a+b/"],
    ["nothing", ""],
    ["padding", `${token((bytes) => bytes)}=`],
    ["a length that base64 cannot have", "AAAAA"],
    ["bits to spare", "AB"],
    ["a header alone", token((bytes) => bytes.subarray(0, 20))],
    ["a state cut short", token((bytes) => bytes.subarray(0, -4))],
    ["a byte too many", token((bytes) => Buffer.concat([bytes, Buffer.of(0)]))],
    ["another format", token((bytes) => Buffer.concat([Buffer.of(1), bytes.subarray(1)]))],
    ["a frame rate out of range", rate(1025)],
    ["a frame rate that is not a number", rate(Number.NaN)],
    [
      "a shift out of range",
      token((bytes) => Buffer.concat([bytes.subarray(0, payloadAt), Buffer.of(128), bytes.subarray(payloadAt + 1)])),
    ],
    ["not a number", token(float(Number.NaN))],
    ["infinity", token(float(Number.POSITIVE_INFINITY))],
    ["a hidden unit above 1", token(float(1.01))],
    ["a hidden unit below -1", token(float(-1.01))],
    ["a megabyte", "A".repeat(2 ** 20)],
  ])("that is %s is malformed", async (_, state) => {
    expect(await codeOf(() => predictOne(piece, { state: [state] }))).toBe("malformed-state");
  });

  test("with the bits set that base64 leaves over is malformed", async () => {
    const { state } = await predictOne(piece);
    expect(Buffer.from(state, "base64url").length % 3).toBe(2); // then the last character has 2 bits to spare
    const spare = `${state.slice(0, -1)}${String.fromCharCode(state.charCodeAt(state.length - 1) + 1)}`;
    expect(Buffer.from(spare, "base64url")).toEqual(Buffer.from(state, "base64url"));
    expect(await codeOf(() => predictOne(piece, { state: [spare] }))).toBe("malformed-state");
  });

  test("with any byte changed is refused or answers finite numbers", async () => {
    const random = new Random(4);
    const bytes = Buffer.from((await predictOne(piece, { models: ["jsb/lstm"] })).state, "base64url");
    let refused = 0;
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] ^= random.integer(1, 255);
      const state = [changed.toString("base64url")];
      const code = await codeOf(async () => {
        for (const { probabilities } of await predict(piece, { state }))
          expect(probabilities.every(Number.isFinite)).toBe(true);
      });
      expect(["none", "malformed-state", "stale-state", "unknown-model", "nothing-to-score"]).toContain(code);
      if (code !== "none") refused++;
    }
    expect(refused).toBeGreaterThan(33); // format, shift or version, id and lengths
  });
});

describe("a sampled continuation", () => {
  test("is decided by its seed, and the same whichever models are asked beside", async () => {
    const options = { models: ["jsb/gru"], steps: 20, seed: 7 };
    const { continuation } = await predictOne(piece, options);
    expect(continuation).toHaveLength(20);
    expect((await predictOne(piece, options)).continuation).toEqual(continuation);
    expect((await predict(piece, { ...options, models: ["jsb/*"] }))[2].continuation).toEqual(continuation);
    expect((await predictOne(piece, { ...options, seed: 8 })).continuation).not.toEqual(continuation);
    expect((await predictOne(piece, { ...options, seed: 0 })).continuation).toEqual(
      (await predictOne(piece, { models: ["jsb/gru"], steps: 20 })).continuation,
    );
  });

  test("grows at its end when more steps are asked", async () => {
    const long = (await predictOne(piece, { steps: 12 })).continuation;
    expect((await predictOne(piece, { steps: 5 })).continuation).toEqual(long?.slice(0, 5));
  });

  test("draws each pitch at its probability, sharpened or flattened by temperature", async () => {
    const seeds = 400;
    const { probabilities } = await predictOne(piece);
    const [model] = models.filter(({ id }) => id === "jsb/gru");
    const { next } = await model.advance(model.initialState(), pianoRoll(piece));
    expect((await predictOne(piece, { steps: 1, seed: 7 })).continuation?.[0]).toEqual(next.sample(uniform(7), 1));
    for (const temperature of [0.5, 1, 2]) {
      const wanted = probabilities.map((p) => 1 / (1 + ((1 - p) / p) ** (1 / temperature)));
      const heard = new Array<number>(96).fill(0);
      for (let seed = 0; seed < seeds; seed++) {
        for (const pitch of next.sample(uniform(seed), temperature)) heard[pitch - 1]++;
      }
      // Σ (heard - n p)² / (n p (1 - p)) over 96 independent pitches has mean 96 and deviation √192.
      const chiSquare = wanted.reduce((sum, p, d) => sum + (heard[d] - seeds * p) ** 2 / (seeds * p * (1 - p)), 0);
      expect(Math.abs(chiSquare - 96)).toBeLessThan(4 * Math.sqrt(192));
    }
  });

  test("feeds each frame back: frame by frame it is what the distribution after the frames before gives", async () => {
    const draw = uniform(21);
    const played = [...piece];
    for (const frame of (await predictOne(piece, { steps: 8, seed: 21 })).continuation ?? []) {
      expect(frame).toEqual((await predictOne(played)).probabilities.flatMap((p, d) => (draw() < p ? [d + 1] : [])));
      expect(frame).not.toEqual([]);
      played.push(frame);
    }
    expect(played).toHaveLength(piece.length + 8);
  });

  test("near temperature 0 is the more probable side of every pitch", async () => {
    const { continuation, probabilities } = await predictOne(piece, { steps: 1, temperature: 1e-300 });
    expect(continuation).toEqual([probabilities.flatMap((p, d) => (p > 0.5 ? [d + 1] : []))]);
  });

  test("comes back in the input's own key, and leaves out what no MIDI note can be", async () => {
    const up = piece.map((frame) => frame.map((pitch) => pitch + 12));
    const own = await predictOne(piece, { steps: 30, temperature: 2 });
    const high = await predictOne(up, { steps: 30, temperature: 2, transpose: -12 });
    expect(high.continuation).toEqual(own.continuation?.map((frame) => frame.map((pitch) => pitch + 12)));
    const low = await predictOne(
      piece.map((frame) => frame.map((pitch) => pitch - 12)),
      { steps: 30, temperature: 2, transpose: 12 },
    );
    const lost = own.continuation?.flat().filter((pitch) => pitch <= 12).length;
    expect(lost).toBeGreaterThan(0);
    expect(low.warnings).toMatchObject([{ code: "notes-left-out", count: lost }]);
  });
});
