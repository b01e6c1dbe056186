/** The shipped models as a user meets them: what the server says of a piece is what `npm run evaluate` says of it. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels, version } from "../src/entry/node/local.ts";
import { writeMidi } from "../src/formats/midi.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";

import type { MusicModel } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";
import type { MusicScoreResponse } from "../src/schema/score.ts";
import { bigram } from "../src/training/bigram.ts";
import { loadMusicSet, MUSIC_SETS } from "../src/training/datasets.ts";
import { evaluate } from "../src/training/evaluate.ts";
import { hasMusicSet } from "./support/data.ts";

/** Test NLL of Chung et al. 2014, table 2. */
const PAPER = { "jsb/tanh": 9.1, "jsb/lstm": 8.67, "jsb/gru": 8.54 };

describe.skipIf(!hasMusicSet("jsb"))("the shipped models on JSB Chorales", () => {
  const server = createAdaptorServer({ fetch: (request) => app.fetch(request) });
  let app: ReturnType<typeof createApp>;
  let models: readonly MusicModel[];
  let url: string;

  beforeAll(async () => {
    const follower = await openModels(DEFAULT_FOLDER);
    const all = await follower.models();
    expect(follower.problems()).toEqual([]);
    models = modelsOfKind(all, "music", Object.keys(PAPER));
    app = createApp({ models: () => models, limits: DEFAULT_LIMITS, version, log: console.error });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/score`;
  });
  afterAll(() => server.close());

  test("all three cells predict the test pieces no worse than the paper's", async () => {
    const { test: pieces } = await loadMusicSet("jsb");
    for (const [id, nll] of Object.entries(PAPER)) {
      const model = models.find((one) => one.id === id);
      expect(model && (await evaluate(model, pieces)).micro, id).toBeLessThanOrEqual(nll);
    }
  });

  test("every model of every set is clearly below the bigram of its set", async () => {
    const all = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "music");
    for (const name of MUSIC_SETS.filter(hasMusicSet)) {
      const { train, test: pieces, inputs } = await loadMusicSet(name);
      const floor = (await evaluate(bigram(train, inputs), pieces)).micro;
      for (const model of all.filter(({ set }) => set === name)) {
        expect((await evaluate(model, pieces)).micro, model.id).toBeLessThan(0.96 * floor);
      }
    }
  }, 180_000);

  test("each test piece, posted as a MIDI file, scores as `evaluate` scores it", async () => {
    const { test: pieces, framesPerQuarter } = await loadMusicSet("jsb");
    const expected = await Promise.all(
      models.map(async (model) => ({ id: model.id, ...(await evaluate(model, pieces)) })),
    );
    expect(expected).toHaveLength(3);
    for (const [n, piece] of pieces.entries()) {
      const body = new FormData();
      body.set("transpose", "0"); // the set is in its own key
      body.set("file", new File([writeMidi(piece, { framesPerQuarter })], `${n}.mid`));
      const response = await fetch(url, { method: "POST", body });
      expect(response.status).toBe(200);
      const { scores } = (await response.json()) as MusicScoreResponse;
      expect(scores).toHaveLength(3);
      for (const { id, pieces: wanted } of expected) {
        const nll = scores.find(({ model }) => model === id)?.nll ?? Number.NaN;
        expect(Math.abs(nll / wanted[n].nll - 1), `${id}, piece ${n}`).toBeLessThan(1e-5);
      }
    }
  });
});
