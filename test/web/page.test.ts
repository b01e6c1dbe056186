import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { writeWav } from "../../src/formats/wav.ts";
import { addToFolder } from "../../src/store/files.ts";
import { randomCheckpoint, randomPiece, randomRecording, randomSpeechNetwork } from "../support/models.ts";
import { requires } from "../support/requires.ts";
import { Server } from "../support/server.ts";

const { CHROMIUM = "" } = process.env;

const hasChromium = requires(
  CHROMIUM !== "",
  "CHROMIUM is not set; `apt-get install chromium` and `export CHROMIUM=/usr/bin/chromium` enable the tests of the page",
);

const midi = Buffer.from(writeMidi(pianoRoll(randomPiece(1, 300)), { framesPerQuarter: 1 }));
const wav = Buffer.from(writeWav({ samples: randomRecording(1, 4000), sampleRate: 8000 }));
const files = {
  midi: { name: "piece.mid", mimeType: "audio/midi", buffer: midi },
  damaged: { name: "damaged.mid", mimeType: "audio/midi", buffer: midi.subarray(0, 40) },
  wav: { name: "talk.wav", mimeType: "audio/wav", buffer: wav },
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
    for (const cell of ["gru", "lstm", "tanh"] as const)
      await addToFolder(folder, randomCheckpoint({ set: "jsb", cell }));
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

  /** Rows of the table, once there is one, each as its cells. */
  async function rows(): Promise<string[][]> {
    await page.getByRole("region", { name: "Result" }).waitFor();
    const found = await page.locator("tbody tr").all();
    return Promise.all(found.map((row) => row.locator("th, td").allTextContents()));
  }

  const answerTo = async (query: string, { buffer, mimeType }: (typeof files)["midi"]) =>
    (
      await fetch(`${url}/v1/score${query}`, { method: "POST", body: buffer, headers: { "Content-Type": mimeType } })
    ).json();

  /** As the page should show scores of music: the best first, the others from the lowest on. */
  const shownMusic = ({ scores, best }: Awaited<ReturnType<typeof answerTo>>) =>
    scores
      .toSorted(
        (a: (typeof scores)[0], b: (typeof scores)[0]) =>
          Number(b.model === best) - Number(a.model === best) || a.nllPerQuarter - b.nllPerQuarter,
      )
      .map((score: (typeof scores)[0]) => [
        expect.stringMatching(RegExp(`^${score.model}${score.model === best ? "best" : ""}`)),
        score.nll.toFixed(3),
        score.nllPerQuarter.toFixed(3),
        `${score.transposedBy > 0 ? "+" : ""}${score.transposedBy}`,
      ]);

  test("shows what the API says of a MIDI file in its best keys, and asks nothing of anyone else", async () => {
    await choose(files.midi);
    expect(await rows()).toEqual(shownMusic(await answerTo("?transpose=auto", files.midi)));
    expect(await page.getByRole("caption").innerText()).toMatch(/^piece\.mid: \d+ notes in 300\.0 quarters\./);
    expect(await page.locator("#curve rect").count()).toBe(150); // 299 frames, two to a bar
    expect(asked).toEqual(["/", "/page.css", "/page.js", "/v1/score?detail=frames&transpose=auto"]);
    expect(faults).toEqual([]);
  });

  test("takes the key as it is when it should", async () => {
    await page.getByLabel("try all twelve").uncheck();
    await choose(files.midi);
    expect(await rows()).toEqual(shownMusic(await answerTo("", files.midi)));
    expect(asked.at(-1)).toBe("/v1/score?detail=frames");
  });

  test("scores a file that is dropped onto it", async () => {
    const dataTransfer = await page.evaluateHandle(`{
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from([${[...midi]}])], "dropped.mid", { type: "audio/midi" }));
      transfer;
    }`);
    await page.dispatchEvent("main", "drop", { dataTransfer });
    expect(await rows()).toEqual(shownMusic(await answerTo("?transpose=auto", files.midi)));
    expect(await page.getByRole("caption").innerText()).toMatch(/^dropped\.mid: /);
  });

  test("shows bits per sample of a recording, and how it is unlike speech", async () => {
    await choose(files.wav);
    const { scores, input } = await answerTo("", files.wav);
    const found = await rows();
    expect(found.map((cells) => cells.slice(1))).toEqual(
      scores
        .toSorted((a: (typeof scores)[0], b: (typeof scores)[0]) => a.bitsPerSample - b.bitsPerSample)
        .map((score: (typeof scores)[0]) => [score.nll.toFixed(2), score.bitsPerSample.toFixed(3)]),
    );
    expect(await page.getByRole("caption").innerText()).toMatch(/^talk\.wav: 0\.5 s at 8000 Hz\./);
    const warnings = input.warnings.map(({ detail }: { detail: string }) => detail);
    expect(await page.locator("#warnings li").allInnerTexts()).toEqual(warnings);
  });

  test("scores four chords at the press of a button", async () => {
    await page.getByRole("button", { name: "Score four chords" }).click();
    expect((await rows()).length).toBe(4);
    expect(await page.getByRole("caption").innerText()).toMatch(/^Four chords: 14 notes/);
  });

  test("says what the API says of a file that cannot be read, and then scores another", async () => {
    await choose(files.damaged);
    const { detail } = await answerTo("", files.damaged);
    await expect.poll(() => page.getByRole("alert").innerText()).toContain(detail);
    expect(await page.getByRole("region", { name: "Result" }).isHidden()).toBe(true);
    await choose(files.midi);
    expect((await rows()).length).toBe(4);
    expect(await page.getByRole("alert").isHidden()).toBe(true);
  });

  test("says when there is no answer", async () => {
    await page.route("**/v1/score*", (route) => route.abort());
    await choose(files.midi);
    await expect.poll(() => page.getByRole("alert").innerText()).toContain("The server cannot be reached");
  });

  test("fits a telephone, with a curl that names this server", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    await choose(files.midi);
    await rows();
    const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    expect(await page.locator("pre").innerText()).toBe(`curl -s ${url}/v1/score -F file=@piece.mid`);
  });
});
