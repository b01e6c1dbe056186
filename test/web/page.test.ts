import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { writeWav } from "../../src/formats/wav.ts";
import type { AudioScoreResponse, MusicScoreResponse } from "../../src/schema/score.ts";
import { addToFolder, recordMeasured } from "../../src/store/files.ts";
import { randomCheckpoint, randomPiece, randomRecording, randomSpeechNetwork } from "../support/models.ts";
import { requires } from "../support/requires.ts";
import { Server } from "../support/server.ts";

const { CHROMIUM = "" } = process.env;

const hasChromium = requires(
  CHROMIUM !== "",
  "CHROMIUM is not set; `apt-get install chromium` and `export CHROMIUM=/usr/bin/chromium` enable the tests of the page",
);

const recorded = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));
const midi = Buffer.from(writeMidi(pianoRoll(randomPiece(1, 300)), { framesPerQuarter: 1 }));
const wav = Buffer.from(writeWav({ samples: randomRecording(1, 4000), sampleRate: 8000 }));
const files = {
  midi: { name: "piece.mid", mimeType: "audio/midi", buffer: midi },
  damaged: { name: "damaged.mid", mimeType: "audio/midi", buffer: midi.subarray(0, 40) },
  drums: { name: "drums.mid", mimeType: "audio/midi", buffer: recorded("midi/kinds/23b-melody-on-channel-10.mid") },
  wav: { name: "talk.wav", mimeType: "audio/wav", buffer: wav },
  webm: { name: "talk.webm", mimeType: "video/webm", buffer: recorded("audio/kinds/x05.webm") },
};

/** Deciles of test pieces: far below what a random piece scores, about there, and far above. */
const MEASURED = {
  "jsb/tanh": Array.from({ length: 11 }, (_, k) => k / 10),
  "jsb/gru": Array.from({ length: 11 }, (_, k) => 20 * k),
  "jsb/lstm": Array.from({ length: 11 }, (_, k) => 1000 + k),
};

describe.skipIf(!hasChromium)("the page in a browser", () => {
  let folder = "";
  let server: Server;
  let url = "";
  let browser: Browser;
  let page: Page;
  let faults: string[] = [];
  let asked: string[] = []; // paths

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "surprisal-page-"));
    const measured = [];
    for (const cell of ["gru", "lstm", "tanh"] as const) {
      const { id, version } = await addToFolder(folder, randomCheckpoint({ set: "jsb", cell }));
      const deciles = MEASURED[`jsb/${cell}`];
      measured.push({ id, version, test: { micro: deciles[5], macro: deciles[5], deciles } });
    }
    await recordMeasured(folder, measured);
    await addToFolder(folder, randomCheckpoint({ set: "nottingham", cell: "gru", framesPerQuarter: 2 }));
    for (const cell of ["gru", "lstm"] as const) await addToFolder(folder, randomSpeechNetwork({ cell }).checkpoint);
    server = await Server.start({ SURPRISAL_MODELS: folder });
    url = server.url;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); // it may run as root
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    [faults, asked] = [[], []];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("request", (request) => asked.push(request.url().replace(url, "")));
    await page.goto(url);
  });
  afterEach(async () => {
    await page.close();
  });

  const choose = (file: (typeof files)[keyof typeof files]) =>
    page.getByLabel("Drop a MIDI file or a recording here").setInputFiles(file);

  const result = () => page.getByRole("region", { name: "Result" });

  /** Rows of the table, once there is one, each as its cells. */
  async function rows(): Promise<string[][]> {
    await result().waitFor();
    const found = await page.locator("tbody tr:not(.group)").all();
    return Promise.all(found.map((row) => row.locator("th, td").allTextContents()));
  }

  const answerTo = async (query: string, { buffer, mimeType }: (typeof files)["midi"]) =>
    (
      await fetch(`${url}/v1/score${query}`, { method: "POST", body: buffer, headers: { "Content-Type": mimeType } })
    ).json();

  /** As the page should show scores of music: by frame rate, the best first, the others from the lowest on. */
  const shownMusic = ({ scores, bestByFrameRate }: MusicScoreResponse) =>
    bestByFrameRate.flatMap(({ framesPerQuarter, model: best }) =>
      scores
        .filter((each) => each.framesPerQuarter === framesPerQuarter)
        .toSorted((a, b) => Number(b.model === best) - Number(a.model === best) || a.nll - b.nll)
        .map((score) => [
          expect.stringMatching(RegExp(`^${score.model}${score.model === best ? "best" : ""}`)),
          score.nll.toFixed(3),
          score.nllPerQuarter.toFixed(3),
          `${score.transposedBy > 0 ? "+" : ""}${score.transposedBy}`,
        ]),
    );

  test("shows what the API says of a MIDI file in its best keys, and asks nothing of anyone else", async () => {
    await choose(files.midi);
    const answer: MusicScoreResponse = await answerTo("", files.midi);
    expect(answer.best).toBeNull(); // the models have two frame rates
    expect(await rows()).toEqual(shownMusic(answer));
    expect(await page.locator("tr.group th").allInnerTexts()).toEqual([
      "1 frame a quarter note",
      "2 frames a quarter note",
    ]);
    expect(await page.locator(".mark").count()).toBe(2);
    expect(await page.getByRole("caption").innerText()).toMatch(
      /^piece\.mid: \d+ notes, 300 quarter notes long\. .* Models of different frame rates cannot be compared\.$/,
    );
    expect(await page.locator("#curve rect").count()).toBe(150); // 299 frames, two to a bar
    expect(asked).toEqual(["/", "/page.css", "/page.js", "/v1/score?detail=frames"]);
    expect(faults).toEqual([]);
  });

  test("says in words where a score lies among the test pieces, and every warning of a model", async () => {
    await choose(files.midi);
    const { scores }: MusicScoreResponse = await answerTo("", files.midi);
    const shown = new Map((await rows()).map(([name]) => [/^\w+-?\w*\/(gru|lstm|tanh|mixture)/.exec(name)?.[0], name]));
    const percentile = Math.floor(scores.find(({ model }) => model === "jsb/gru")?.percentile ?? -1);
    expect(percentile).toBeGreaterThan(0);
    expect(shown.get("jsb/gru")).toContain(`more surprising than ${percentile} % of the set's test pieces`);
    expect(shown.get("jsb/tanh")).toContain("more surprising than all of the set's test pieces");
    expect(shown.get("jsb/lstm")).toContain("less surprising than all of the set's test pieces");
    expect(shown.get("jsb/mixture")).not.toContain("surprising than");
    const text = await result().innerText();
    const details = scores.flatMap(({ warnings }) => warnings.map(({ detail }) => detail));
    expect(details.length).toBeGreaterThan(1);
    for (const detail of details) expect(text).toContain(detail);
  });

  test("says what concerns all models of a frame rate once, in its heading", async () => {
    await choose(files.drums);
    const { input }: MusicScoreResponse = await answerTo("", files.drums);
    await result().waitFor();
    expect(await page.locator("#warnings li").allInnerTexts()).toEqual(input.warnings.map(({ detail }) => detail));
    await choose({ ...files.drums, buffer: recorded("midi/kinds/27a-triplets.mid") });
    const [one, two] = ["1 frame", "2 frames"].map(
      (rate) => `16 of 24 onsets lie between grid points at ${rate} a quarter note.`,
    );
    await expect.poll(() => result().innerText()).toContain(one);
    const text = await result().innerText();
    expect([text.split(one).length, text.split(two).length]).toEqual([2, 2]);
  });

  test("shows where another model is surprised when its name is pressed", async () => {
    await choose(files.midi);
    await page.getByRole("button", { name: "jsb/tanh" }).click();
    expect(await page.locator("figcaption").innerText()).toMatch(/^Surprisal under jsb\/tanh /);
  });

  test("shifts a MIDI file by as many semitones as it is told, and otherwise leaves that to the API", async () => {
    const semitones = page.getByLabel("Transpose MIDI by");
    expect(await semitones.getAttribute("placeholder")).toBe("automatic");
    await semitones.fill("-3");
    await semitones.blur();
    await choose(files.midi);
    expect(await rows()).toEqual(shownMusic(await answerTo("?transpose=-3", files.midi)));
    expect(asked.at(-1)).toBe("/v1/score?detail=frames&transpose=-3");
    await semitones.fill("");
    await semitones.blur();
    await expect.poll(() => asked.at(-1)).toBe("/v1/score?detail=frames");
    await semitones.fill("2");
    await choose(files.wav); // which the option is not for
    await expect.poll(() => page.getByRole("caption").innerText()).toMatch(/^talk\.wav: /);
  });

  test("scores a file that is dropped onto it", async () => {
    const dataTransfer = await page.evaluateHandle(`{
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from([${[...midi]}])], "dropped.mid", { type: "audio/midi" }));
      transfer;
    }`);
    await page.dispatchEvent("main", "drop", { dataTransfer });
    expect(await rows()).toEqual(shownMusic(await answerTo("", files.midi)));
    expect(await page.getByRole("caption").innerText()).toMatch(/^dropped\.mid: /);
  });

  test("takes one file at a time", async () => {
    const dataTransfer = await page.evaluateHandle(`{
      const transfer = new DataTransfer();
      for (const name of ["a.mid", "b.mid"]) transfer.items.add(new File(["x"], name));
      transfer;
    }`);
    await page.dispatchEvent("main", "drop", { dataTransfer });
    await expect.poll(() => page.getByRole("alert").innerText()).toContain("Expected one file, got 2.");
  });

  test("offers every kind of file that the API reads", async () => {
    const offered = (await page.locator("#file").getAttribute("accept"))?.split(",") ?? [];
    for (const kind of ["mid", "rmi", "wav", "aiff", "flac", "mp3", "ogg", "opus", "webm", "m4a"]) {
      expect(offered).toContain(`.${kind}`);
    }
    await choose(files.webm);
    expect((await rows()).length).toBe(2);
    expect(await page.getByRole("caption").innerText()).toMatch(/^talk\.webm: 6\.3 s at 48000 Hz\./);
  });

  test("shows bits per sample of a recording, and how it is unlike speech", async () => {
    await choose(files.wav);
    const { scores, input }: AudioScoreResponse = await answerTo("", files.wav);
    const found = await rows();
    expect(found.map((cells) => cells.slice(1))).toEqual(
      scores
        .toSorted((a, b) => a.bitsPerSample - b.bitsPerSample)
        .map(({ nll, bitsPerSample }) => [nll.toFixed(2), bitsPerSample.toFixed(3)]),
    );
    expect(await page.getByRole("caption").innerText()).toMatch(/^talk\.wav: 0\.5 s at 8000 Hz\./);
    const warnings = input.warnings.map(({ detail }) => detail);
    expect(await page.locator("#warnings li").allInnerTexts()).toEqual(warnings);
  });

  test("scores four chords at the press of a button", async () => {
    await page.getByRole("button", { name: "Score four chords" }).click();
    expect((await rows()).length).toBe(5);
    expect(await page.getByRole("caption").innerText()).toMatch(/^Four chords: 14 notes/);
  });

  test("says what the API says of a file that cannot be read, and then scores another", async () => {
    await choose(files.damaged);
    const { detail } = await answerTo("", files.damaged);
    await expect.poll(() => page.getByRole("alert").innerText()).toContain(detail);
    expect(await page.getByRole("region", { name: "Result" }).isHidden()).toBe(true);
    await choose(files.midi);
    expect((await rows()).length).toBe(5);
    expect(await page.getByRole("alert").isHidden()).toBe(true);
  });

  test("says when there is no answer", async () => {
    await page.route("**/v1/score*", (route) => route.abort());
    await choose(files.midi);
    await expect.poll(() => page.getByRole("alert").innerText()).toContain("The server cannot be reached");
    await page.unroute("**/v1/score*");
    await page.route("**/v1/score*", (route) => route.fulfill({ status: 502, body: "<h1>Bad Gateway</h1>" }));
    await page.getByRole("button", { name: "Score four chords" }).click();
    await expect
      .poll(() => page.getByRole("alert").innerText())
      .toContain("Expected an answer of the API, got 502 Bad Gateway.");
  });

  test("fits a telephone, with a curl that names this server", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    await choose(files.drums); // it has a warning of a long word
    await rows();
    for (const place of ["document.documentElement", "document.querySelector('.wide')"]) {
      expect(await page.evaluate(`${place}.scrollWidth - ${place}.clientWidth`)).toBeLessThanOrEqual(0);
    }
    expect(await page.locator("pre").innerText()).toBe(`curl -s ${url}/v1/score -F file=@piece.mid`);
  });
});
