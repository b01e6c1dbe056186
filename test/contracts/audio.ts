/** What the HTTP API does with audio, on whatever runtime answers `request`. The server behind it is that of api.ts. */

import { describe, expect, test } from "vitest";
import { readWav, writeWav } from "../../src/formats/wav.ts";
import { predictSpeech } from "../../src/inference/predict-speech.ts";
import { recordingOf } from "../../src/inference/recording.ts";
import { scoreSpeech } from "../../src/inference/score-speech.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { AudioPredictResponse } from "../../src/schema/predict.ts";
import { AudioScoreResponse } from "../../src/schema/score.ts";
import { Problem } from "../../src/schema/service.ts";
import { randomRecording, testSpeechModels } from "../support/models.ts";
import { expectAgreement } from "./agreement.ts";
import type { Request } from "./api.ts";

const samples = randomRecording(1, 2003);
const wav = writeWav({ samples, sampleRate: 8000 });
/** As a reader of the 16-bit file has them. */
const { samples: read } = await readWav(wav);
const models = testSpeechModels();
const ids = models.map(({ id }) => id);

/** In the order of `models`. */
const sorted = <T extends { readonly model: string }>(list: readonly T[]) =>
  list.toSorted((a, b) => ids.indexOf(a.model) - ids.indexOf(b.model));

const post = (body: BodyInit, contentType: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers: { ...headers, "Content-Type": contentType },
});
const json = (value: unknown) => post(JSON.stringify(value), "application/json");
const listed = (some: Float32Array) => json({ samples: Array.from(some), sampleRate: 8000 });

export function audioContract(request: Request): void {
  const score = async (init: RequestInit, query = "") => {
    const response = await request(`/v1/score${query}`, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    const answer = AudioScoreResponse.strict().parse(await response.json());
    return { ...answer, scores: sorted(answer.scores) };
  };
  const predict = async (init: RequestInit, query = "") => {
    const response = await request(`/v1/predict${query}`, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    const answer = AudioPredictResponse.strict().parse(await response.json());
    return { ...answer, predictions: sorted(answer.predictions) };
  };
  const problem = async (answer: Response | Promise<Response>, status: number, code: string) => {
    const response = await answer;
    const body = Problem.strict().parse(await response.json());
    expect(body).toMatchObject({ status, code });
    return body.detail;
  };

  describe("audio to POST /score", () => {
    test("is scored by every model of audio and by no other, as the model alone scores it", async () => {
      const { input, scores, best } = await score(post(wav, "audio/wav"));
      expect(input).toEqual({
        kind: "audio",
        sampleRate: 8000,
        samples: 2003,
        durationSeconds: 2003 / 8000,
        warnings: [],
      });
      expect(scores.map(({ model }) => model)).toEqual(ids);
      for (const [k, model] of models.entries()) {
        const { nll: perStep } = await model.score(model.standardise(read));
        const total = perStep.reduce((a, b) => a + b);
        const { logLikelihood, nll, nllPerSample, bitsPerSample, scoredSamples } = scores[k];
        expect(scoredSamples).toBe(2003 - 8);
        expect(logLikelihood / -total).toBeCloseTo(1, 6);
        expect(nllPerSample).toBeCloseTo(total / 1995, 6);
        expect(nll).toBeCloseTo((4 * total) / 1995, 6);
        // A density of samples 0.1 times as large is 10 times as high, and a step of 16 bits is 2^-15 wide.
        expect(bitsPerSample).toBeCloseTo(-Math.log2((Math.exp(-total / 1995) / 0.1) * 2 ** -15), 6);
      }
      const lowest = scores.toSorted((a, b) => a.bitsPerSample - b.bitsPerSample)[0];
      expect(best).toBe(lowest.model);
    });

    test.each(["none", "frames"] as const)("has the same numbers on every runtime, detail=%s", async (detail) => {
      const speech = await recordingOf({ samples: read, sampleRate: 8000 }, DEFAULT_LIMITS);
      const wanted = await scoreSpeech(speech, models, { detail });
      expectAgreement(await score(post(wav, "audio/wav"), `?detail=${detail}`), wanted);
    });

    test("as a form, as bytes of no stated type and as samples has one score", async () => {
      const whole = (await score(post(wav, "audio/wav"))).scores;
      const data = new FormData();
      data.append("file", new File([wav], "talk.wav"));
      expect((await score({ method: "POST", body: data })).scores).toEqual(whole);
      expect((await score(post(wav, "application/octet-stream"))).scores).toEqual(whole);
      expect((await score(listed(read))).scores).toEqual(whole);
      expect((await score(json({ audio: Buffer.from(wav).toString("base64") }))).scores).toEqual(whole);
    });

    test("gives the NLL of each block with detail=frames", async () => {
      const { scores } = await score(post(wav, "audio/wav"), "?detail=frames&models=*/gru");
      expect(scores.map(({ model }) => model)).toEqual(["speech-short/gru"]);
      const [{ perStep = [], logLikelihood }] = scores;
      expect(perStep.length).toBe(Math.ceil(1995 / 4));
      expect(perStep.reduce((a, b) => a + b)).toBeCloseTo(-logLikelihood, 6);
    });

    test("at another rate is resampled", async () => {
      const fast = Float32Array.from({ length: 44_100 }, (_, t) => 0.3 * Math.sin((2 * Math.PI * 440 * t) / 44_100));
      const slow = Float32Array.from({ length: 8000 }, (_, t) => 0.3 * Math.sin((2 * Math.PI * 440 * t) / 8000));
      const { input, scores } = await score(post(writeWav({ samples: fast, sampleRate: 44_100 }), "audio/wav"));
      const direct = await score(post(writeWav({ samples: slow, sampleRate: 8000 }), "audio/wav"));
      expect(input).toMatchObject({ sampleRate: 44_100, samples: 44_100 });
      scores.forEach(({ samples, nll }, k) => {
        expect(samples).toBe(8000);
        expect(nll).toBeCloseTo(direct.scores[k].nll, 1);
      });
    });

    test.each([
      ["digital silence", new Float32Array(4000), "constant"],
      ["constant input", new Float32Array(4000).fill(0.5), "constant"],
      ["near silence", randomRecording(2, 4000).map((sample, t) => (t < 50 ? sample : sample / 1000)), "silence"],
      ["clipped input", randomRecording(3, 4000).map((s) => Math.max(-1, Math.min(1, 20 * s))), "clipping"],
      ["a DC offset", randomRecording(4, 4000).map((sample) => sample / 4 + 0.4), "dc-offset"],
    ])("of %s has finite scores and a warning", async (_, recording, code) => {
      const { input, scores } = await score(listed(recording));
      expect(input.warnings.map((warning) => warning.code)).toContain(code);
      for (const { nll, bitsPerSample } of scores) expect(Number.isFinite(nll + bitsPerSample)).toBe(true);
    });

    test("of noise is said to be unlike speech, and of a lower rate to lack a band", async () => {
      const noise = randomRecording(5, 4000).map((_, t) => Math.sin(t * t) * 0.9);
      const { scores } = await score(json({ samples: Array.from(noise), sampleRate: 4000 }));
      for (const { warnings } of scores) {
        expect(warnings.map(({ code }) => code)).toEqual(["low-sample-rate", "unlike-speech"]);
      }
    });

    test.each([
      ["a WAV header alone", wav.subarray(0, 44), 422, "nothing-to-score"],
      ["a WAV header cut off", wav.subarray(0, 30), 400, "malformed-audio"],
      [
        "fewer samples than a step reads",
        writeWav({ samples: read.subarray(0, 8), sampleRate: 8000 }),
        422,
        "nothing-to-score",
      ],
    ])("is refused when it is %s", async (_, bytes, status, code) => {
      await problem(request("/v1/score", post(bytes, "audio/wav")), status, code);
    });

    test("of an hour is refused", async () => {
      const bytes = new Uint8Array(44 + 3600 * 1000); // at a low rate, since some runtimes take no large bodies
      bytes.set(writeWav({ samples: new Float32Array(1), sampleRate: 1000 }).subarray(0, 44));
      const view = new DataView(bytes.buffer);
      view.setUint32(28, 1000, true);
      view.setUint16(32, 1, true);
      view.setUint16(34, 8, true);
      view.setUint32(40, 3600 * 1000, true);
      expect(await problem(request("/v1/score", post(bytes, "audio/wav")), 413, "too-large")).toContain("3600 s");
    });

    test.each([
      ["transpose=2", "Expected transpose with music only, got audio."],
      ["framesPerQuarter=2", "Expected framesPerQuarter with music only, got audio."],
      ["channels=1", "Expected channels with music only, got audio."],
      ["adaptive=true", "Expected adaptive with music only, got audio."],
      ["detail=notes", "Expected detail=notes with music only, got audio."],
      ["models=jsb/gru", "Expected models that read audio, got jsb/gru."],
    ])("with %s is refused", async (query, sentence) => {
      const answer = request(`/v1/score?${query}`, post(wav, "audio/wav"));
      expect(await problem(answer, 400, "malformed-request")).toBe(sentence);
    });

    test.each([
      ["no rate", { samples: [0, 0.5] }, "Expected sampleRate to be an integer from 1000 to 768000, got nothing."],
      [
        "no samples",
        { sampleRate: 8000 },
        "Expected samples to be a list of samples, numbers from -1 to 1, got nothing.",
      ],
      ["a text among them", { samples: [0, "a"], sampleRate: 8000 }, 'Expected samples[1] to be a number, got "a".'],
      [
        "a rate of 0",
        { samples: [0], sampleRate: 0 },
        "Expected sampleRate to be an integer from 1000 to 768000, got 0.",
      ],
      [
        "a roll beside",
        { samples: [0], sampleRate: 8000, pianoRoll: [[60]] },
        "Expected one of pianoRoll, midi, audio, samples, got pianoRoll and samples.",
      ],
    ])("of samples with %s is refused", async (_, body, sentence) => {
      expect(await problem(request("/v1/score", json(body)), 400, "malformed-request")).toBe(sentence);
    });

    test("of a sample beyond any level is refused", async () => {
      const loud = json({ samples: [...read.subarray(0, 100), 1e9], sampleRate: 8000 });
      expect(await problem(request("/v1/score", loud), 400, "malformed-audio")).toContain(
        "got 1000000000 at sample 100",
      );
    });
  });

  describe("audio to POST /predict", () => {
    test("gives the density and the expectation of the samples that follow, full scale = 1", async () => {
      const { predictions } = await predict(post(wav, "audio/wav"));
      expect(predictions.map(({ model }) => model)).toEqual(ids);
      for (const [k, model] of models.entries()) {
        const { next } = await model.advance(model.initialState(), read);
        const { weights, means, scales, expected } = predictions[k];
        expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
        expect([means.length, scales.length, expected.length]).toEqual([3, 3, next.expected().length]);
        next.expected().forEach((sample, d) => {
          expect(expected[d]).toBeCloseTo(0.1 * sample + 0.001, 6);
        });
        expect(scales[0][0]).toBeCloseTo(0.1 * next.scales[0][0], 6);
      }
    });

    test("has the same numbers on every runtime, and the same samples in its continuation", async () => {
      const speech = await recordingOf({ samples: read, sampleRate: 8000 }, DEFAULT_LIMITS);
      const options = { steps: 20, seed: 9, temperature: 0.9 };
      const runs = models.map((model) => ({ model }));
      const found = await predict(post(wav, "audio/wav"), "?steps=20&seed=9&temperature=0.9");
      expectAgreement(found, await predictSpeech(speech, runs, options));
    });

    test("continues from a state as if all had been sent at once", async () => {
      const whole = await predict(listed(read));
      for (const cut of [8, 1000, 1001, 2002]) {
        const before = await predict(listed(read.subarray(0, cut)));
        const state = before.predictions.map((prediction) => prediction.state);
        const { predictions } = await predict(
          json({ samples: Array.from(read.subarray(cut)), sampleRate: 8000, state }),
        );
        predictions.forEach((prediction, k) => {
          expect({ ...prediction, samples: 2003 }).toEqual(whole.predictions[k]);
        });
      }
    });

    test("is continued by sampled samples, the same for the same seed", async () => {
      const sampled = async (query: string) =>
        (await predict(post(wav, "audio/wav"), `?models=*/lstm&steps=5${query}`)).predictions[0].continuation ?? [];
      const first = await sampled("&seed=1");
      expect(first.length).toBe(4 - ((2003 - 8) % 4) + 4 * 4);
      expect(await sampled("&seed=1")).toEqual(first);
      expect(await sampled("&seed=2")).not.toEqual(first);
    });

    test("is continued as a WAV file when Accept asks for one", async () => {
      const query = "?models=*/gru&steps=50&seed=3";
      const [{ continuation = [] }] = (await predict(post(wav, "audio/wav"), query)).predictions;
      const response = await request(`/v1/predict${query}`, post(wav, "audio/wav", { Accept: "audio/wav" }));
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "audio/wav"]);
      const { samples, sampleRate } = await readWav(new Uint8Array(await response.arrayBuffer()));
      expect([sampleRate, samples.length]).toEqual([8000, continuation.length]);
      samples.forEach((sample, t) => {
        expect(Math.abs(sample - Math.max(-1, Math.min(1, continuation[t])))).toBeLessThan(2 ** -15);
      });
    });

    test.each([
      ["audio/midi", "?models=*/gru&steps=5"],
      ["audio/wav", "?steps=5"],
      ["audio/wav", "?models=*/gru"],
    ])("has no continuation as %s with %s", async (Accept, query) => {
      await problem(request(`/v1/predict${query}`, post(wav, "audio/wav", { Accept })), 406, "not-acceptable");
    });

    test("of another rate cannot continue a state", async () => {
      const { predictions } = await predict(listed(read), "?models=*/gru");
      const body = { samples: [0, 0.1], sampleRate: 16_000, state: [predictions[0].state] };
      expect(await problem(request("/v1/predict", json(body)), 400, "malformed-request")).toContain(
        "Expected samples at 8000 Hz",
      );
    });

    test("cannot continue a state of music, nor music a state of audio", async () => {
      const { predictions } = await predict(listed(read), "?models=*/gru");
      const chord = { pianoRoll: [[60, 64, 67]] };
      const music = await (await request("/v1/predict?models=jsb/gru", json(chord))).json();
      const crossed = [
        { samples: [0, 0.1], sampleRate: 8000, state: [music.predictions[0].state] },
        { ...chord, state: [predictions[0].state] },
      ];
      for (const body of crossed) await problem(request("/v1/predict", json(body)), 400, "malformed-request");
    });

    test("refuses a token that was changed in any of its fields", async () => {
      const [{ state }] = (await predict(listed(read), "?models=*/lstm")).predictions;
      const bytes = Uint8Array.from(atob(state.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
      const start = 34 + "speech-short/lstm".length;
      const changed = (change: (view: DataView) => void) => {
        const copy = bytes.slice();
        change(new DataView(copy.buffer, start));
        const text = btoa(String.fromCharCode(...copy));
        return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      };
      const tokens = [
        changed((view) => view.setFloat64(0, 1001, true)), // between two blocks
        changed((view) => view.setFloat64(0, -4, true)),
        changed((view) => view.setFloat64(0, Number.NaN, true)),
        changed((view) => view.setUint8(8, 7)),
        changed((view) => view.setUint8(8, 255)),
        changed((view) => view.setFloat32(9, Number.NaN, true)),
        changed((view) => view.setFloat32(9, 1e9, true)),
        changed((view) => view.setFloat32(view.byteLength - 4, Number.POSITIVE_INFINITY, true)),
      ];
      for (const token of tokens) {
        const body = { samples: [0], sampleRate: 8000, state: [token] };
        await problem(request("/v1/predict", json(body)), 400, "malformed-state");
      }
    });
  });

  test("GET /models lists the models of audio with their rate", async () => {
    const { models: infos } = await (await request("/v1/models")).json();
    const audio = infos.filter(({ kind }: { kind: string }) => kind === "audio");
    expect(audio.map(({ id }: { id: string }) => id).toSorted()).toEqual(ids.toSorted());
    for (const info of audio) expect(info).toMatchObject({ sampleRate: 8000, set: "speech-short" });
  });
}
