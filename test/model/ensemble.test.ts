import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { createApp } from "../../src/http/app.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import type { Model } from "../../src/model/model.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { ModelInfo } from "../../src/schema/model.ts";
import { MusicPredictResponse } from "../../src/schema/predict.ts";
import { MusicScoreResponse } from "../../src/schema/score.ts";
import { uniform } from "../../src/util/random.ts";
import { plainNll, randomCheckpoint, randomModel, randomPiece } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const mix = (networks: readonly MusicNetwork[]) => {
  const version = createHash("sha256").update(networks.map(({ version }) => version).join("\n"));
  return new Ensemble({ id: "jsb/mixture", version: version.digest("hex") }, networks);
};

const members = CELLS.map((cell, i) => randomModel({ set: "jsb", cell, units: 7 + i, seed: i + 1 }));
const mixture = mix(members);
const piece = randomPiece(3, 200);
const roll = pianoRoll(piece);

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

/** A network of 4 pitches of which it expects many (bias > 0) or few (bias < 0). */
function tiny(cell: "tanh" | "lstm" | "gru", bias: number): MusicNetwork {
  const { tensors, ...rest } = randomCheckpoint({ set: "jsb", cell, pitches: 4, seed: 5 });
  return new MusicNetwork({ ...rest, tensors: { ...tensors, a: tensors.a.map(() => bias) } }, "00", kernelModule);
}
const tinyMixture = mix([tiny("gru", 3), tiny("lstm", -3)]);
const tinyPiece = [[1, 4], [], [2, 3], [1, 2, 3, 4], [4]];
/** All 2^4 frames. */
const tinyFrames = Array.from({ length: 16 }, (_, bits) => [1, 2, 3, 4].filter((pitch) => (bits >> (pitch - 1)) & 1));

/** p(frame | the tiny piece) of each of the 16 frames. */
const nextFrameLaw = (model: MusicModel) =>
  Promise.all(
    tinyFrames.map(async (frame) => {
      const { nll } = await model.score(pianoRoll([...tinyPiece, frame]));
      return Math.exp(-nll[nll.length - 1]);
    }),
  );

describe.each<[string, MusicModel]>([
  ...CELLS.map((cell): [string, MusicModel] => [cell, tiny(cell, 0)]),
  ["mixture", tinyMixture],
])("the likelihood of a %s", (_, model) => {
  test("is a distribution over all frames that can follow", async () => {
    const law = await nextFrameLaw(model);
    expect(law.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(Math.min(...law)).toBeGreaterThan(0);
  });

  test("has the marginals that advance gives", async () => {
    const law = await nextFrameLaw(model);
    const { probabilities } = (await model.advance(model.initialState(), pianoRoll(tinyPiece))).next;
    probabilities.forEach((probability, d) => {
      const marginal = law.reduce((sum, p, i) => sum + (tinyFrames[i].includes(d + 1) ? p : 0), 0);
      expect(probability).toBeCloseTo(marginal, 5);
    });
  });

  test("is the law of the frames that are sampled", async () => {
    const draws = 20_000;
    const law = await nextFrameLaw(model);
    const { next } = await model.advance(model.initialState(), pianoRoll(tinyPiece));
    const draw = uniform(8);
    const found = new Array<number>(16).fill(0);
    for (let i = 0; i < draws; i++) found[next.sample(draw, 1).reduce((bits, pitch) => bits | (1 << (pitch - 1)), 0)]++;
    // Pearson's statistic of 16 outcomes has 15 degrees of freedom: mean 15, deviation √30.
    const chiSquare = law.reduce((sum, p, i) => sum + (found[i] - draws * p) ** 2 / (draws * p), 0);
    expect(chiSquare).toBeLessThan(15 + 5 * Math.sqrt(30));
  });
});

describe("a mixture", () => {
  test("gives each frame the mean of the likelihoods that its members' reference implementations give", async () => {
    const references = members.map((member) => plainNll(member, piece).nll);
    const { nll } = await mixture.score(roll);
    expect(nll).toHaveLength(199);
    nll.forEach((value, t) => {
      expect(value).toBeCloseTo(-Math.log(mean(references.map((reference) => Math.exp(-reference[t])))), 3);
    });
    // Exactly that of its members, in float64.
    const scored = await Promise.all(members.map(async (member) => (await member.score(roll)).nll));
    nll.forEach((value, t) => {
      expect(value).toBeCloseTo(-Math.log(mean(scored.map((member) => Math.exp(-member[t])))), 12);
    });
  });

  test("is better than the mean of its members, and at most log M a frame worse than any", async () => {
    const total = async (model: MusicModel) => (await model.score(roll)).nll.reduce((a, b) => a + b);
    const [own, ...others] = await Promise.all([mixture, ...members].map(total));
    expect(own).toBeLessThan(mean(others));
    for (const other of others) expect(own).toBeLessThan(other + 199 * Math.log(3));
  });

  test("stays finite where every member's likelihood underflows", async () => {
    const sure = [-2000, -3000].map((bias) => tiny("gru", bias));
    const short = pianoRoll([[], [1, 2]]);
    const { nll } = await mix(sure).score(short);
    const [likelier, other] = await Promise.all(sure.map(async (member) => (await member.score(short)).nll[0]));
    expect([Math.exp(-likelier), other - likelier > 1000]).toEqual([0, true]);
    expect(nll[0]).toBeCloseTo(likelier + Math.log(2), 9);
  });

  test("gives a note its probability given the lower pitches of its frame, which say which member to believe", async () => {
    const { pitchNll } = await (await mixture.score(roll)).outcomes();
    const references = members.map((member) => plainNll(member, piece).logits);
    const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
    for (const t of [0, 50, 198]) {
      for (const pitch of [1, 60, 96]) {
        // By each member's reference implementation: p(what the lower pitches do), and that and the pitch.
        const below = references.map((logits) =>
          Array.from({ length: pitch - 1 }, (_, d) => {
            const logit = logits[t * 96 + d];
            return sigmoid(piece[t + 1].includes(d + 1) ? logit : -logit);
          }).reduce((product, p) => product * p, 1),
        );
        const together = below.map((p, m) => p * sigmoid(references[m][t * 96 + pitch - 1]));
        expect(pitchNll(t, pitch)).toBeCloseTo(-Math.log(mean(together) / mean(below)), 4);
      }
    }
  });

  test("keeps the pitches of a frame together when it samples", async () => {
    // One member sounds almost all, the other almost nothing: half a chord is rare, though each pitch is as likely as not.
    const { next } = await tinyMixture.advance(tinyMixture.initialState(), pianoRoll(tinyPiece));
    const draw = uniform(3);
    const sizes = Array.from({ length: 1000 }, () => next.sample(draw, 0.3).length);
    expect(sizes.filter((size) => size === 1 || size === 2 || size === 3).length).toBeLessThan(50);
    expect(Math.abs(sizes.filter((size) => size === 4).length - 500)).toBeLessThan(5 * Math.sqrt(250));
  });

  test("wants at least two members that read the same frames", () => {
    const [gru] = members;
    const faults: [MusicNetwork[], RegExp][] = [
      [[gru], /Expected at least two networks in .*, got 1/],
      [[gru, randomModel({ set: "jsb", cell: "gru", pitches: 95 })], /of pitches in .*, got 96 and 95/],
      [[gru, randomModel({ set: "jsb", cell: "gru", framesPerQuarter: 2 })], /of framesPerQuarter in .*, got 1 and 2/],
    ];
    for (const [networks, message] of faults) expect(() => mix(networks)).toThrow(message);
  });
});

describe("a mixture over the API", () => {
  const serving = (models: readonly Model[]) =>
    createApp({
      models: () => models,
      limits: DEFAULT_LIMITS,
      version: "1.2.3",
      log: (error) => {
        throw error;
      },
    });
  const app = serving([...members, mixture]);
  const post = async (path: string, body: object, to = app) => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await to.request(path, init);
    return [response.status, await response.json()];
  };
  const predict = async (frames: number[][], options: object) => {
    const [status, answer] = await post("/predict", { pianoRoll: frames, ...options });
    expect(status, JSON.stringify(answer)).toBe(200);
    return MusicPredictResponse.parse(answer).predictions;
  };
  const models = "jsb/mixture";
  const short = piece.slice(0, 20);

  test("is scored beside its members", async () => {
    const [, answer] = await post("/score", { pianoRoll: short, detail: "notes" });
    const { scores } = MusicScoreResponse.parse(answer);
    expect(scores.map(({ model }) => model)).toEqual([...members.map(({ id }) => id), "jsb/mixture"]);
    const frames = scores.map(({ perFrame = [] }) => perFrame.slice(1).map(Number));
    frames[3].forEach((nll, t) => {
      expect(nll).toBeCloseTo(-Math.log(mean(frames.slice(0, 3).map((member) => Math.exp(-member[t])))), 10);
    });
    const notes = scores.map(({ notes = [] }) => notes.map(({ nll }) => nll));
    const { pitchNll } = await (await mixture.score(pianoRoll(short))).outcomes();
    expect(notes[3].filter((nll) => nll !== null).length).toBeGreaterThan(0);
    (scores[3].notes ?? []).forEach(({ frame, pitch, nll }) => {
      expect(nll).toBe(frame === 0 ? null : pitchNll(frame - 1, pitch));
    });
  });

  test("is scored from what its members have computed in the same request", async () => {
    const forward = vi.spyOn(Kernel.prototype, "forward");
    const passes = async (body: object) => {
      forward.mockClear();
      expect((await post("/score", { pianoRoll: short, ...body }))[0]).toBe(200);
      return forward.mock.calls.length;
    };
    expect(await passes({ models: "jsb/mixture" })).toBe(3);
    expect(await passes({})).toBe(3);
    expect(await passes({ transpose: "auto" })).toBe(24 + 2); // the smallest tries 24 shifts, and the best is not read again
    forward.mockRestore();
  });

  test("predicts the mean of its members' probabilities", async () => {
    const predictions = (await predict(short, {})).map(({ probabilities }) => probabilities);
    predictions[3].forEach((probability, d) => {
      expect(probability).toBeCloseTo(mean(predictions.slice(0, 3).map((member) => member[d])), 15);
    });
  });

  test("continues from its state to the same answer as the whole piece, bit for bit, wherever it is cut", async () => {
    const options = { steps: 6, seed: 3 };
    const [whole] = await predict(short, { models, ...options });
    for (let cut = 1; cut < short.length; cut++) {
      const [{ state }] = await predict(short.slice(0, cut), { models });
      const [{ frames, ...rest }] = await predict(short.slice(cut), { state, ...options });
      expect({ ...rest, frames: frames + cut }).toEqual(whole);
    }
  });

  test("samples frame after frame from what follows the frames before", async () => {
    const [{ continuation = [] }] = await predict(short, { models, steps: 10, seed: 5, temperature: 1.2 });
    const draw = uniform(5);
    const played = [...short];
    for (const frame of continuation) {
      const member = members[Math.floor(draw() * 3)];
      const { next } = await member.advance(member.initialState(), pianoRoll(played));
      expect(frame).toEqual(next.sample(draw, 1.2));
      played.push(frame);
    }
    expect(played).toHaveLength(30);
  });

  test("refuses a state that no mixture of these members has", async () => {
    const [{ state }] = await predict(short, { models });
    const bytes = Buffer.from(state, "base64url");
    const states = 4 * (7 + 2 * 8 + 9); // tanh, lstm (h and c), gru
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(bytes);
      copy.writeFloatLE(value, copy.length - states + 4 * at);
      return copy.toString("base64url");
    };
    const malformed = [
      changed(6, 1.1), // tanh, h
      changed(7 + 7, -1.1), // lstm, h
      changed(7 + 15, Number.NaN), // lstm, c
      changed(7 + 16, 1.1), // gru, h
      bytes.subarray(0, -4).toString("base64url"),
      Buffer.concat([bytes, Buffer.alloc(4)]).toString("base64url"),
    ];
    for (const each of malformed) {
      expect(await post("/predict", { pianoRoll: short, state: each })).toMatchObject([
        400,
        { code: "malformed-state" },
      ]);
    }
    expect((await post("/predict", { pianoRoll: short, state: changed(7 + 15, 5) }))[0]).toBe(200); // |c| may pass 1
    const others = [mix([members[0], members[1], randomModel({ set: "jsb", cell: "gru", units: 9, seed: 77 })])];
    const stale = await post("/predict", { pianoRoll: short, state }, serving(others));
    expect(stale).toMatchObject([409, { code: "stale-state" }]);
  });

  test("is listed with its members, and has its version as ETag", async () => {
    const response = await app.request("/models/jsb/mixture");
    expect(response.headers.get("etag")).toBe(`"sha256:${mixture.version}"`);
    const info = ModelInfo.strict().parse(await response.json());
    const listed = (await (await app.request("/models")).json()).models as ModelInfo[];
    expect(listed[3]).toEqual(info);
    expect(info).toEqual({
      id: "jsb/mixture",
      version: `sha256:${mixture.version}`,
      kind: "music",
      set: "jsb",
      preset: "paper",
      head: "bernoulli",
      recommended: true,
      members: ["jsb/tanh", "jsb/lstm", "jsb/gru"],
      parameters: listed[0].parameters + listed[1].parameters + listed[2].parameters,
      pitches: 96,
      framesPerQuarter: 1,
      metrics: {},
    });
  });
});
