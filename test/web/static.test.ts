/** A copy of the page on a host of static files: there is no server that could score, so the browser does. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { open } from "../../src/index.ts";
import { CHROMIUM, hasChromium } from "../support/chromium.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
};
const chorale = await readFile("test/fixtures/chorales/05.mid");
const speech = await readFile("test/fixtures/audio/kinds/f01.flac");

/** The kernel's numbers of all networks. An ensemble averages them by exp and log of JavaScript, which differ in the last bits. */
const networks = ({ scores }: { scores: readonly object[] }) =>
  scores.flatMap((score) =>
    "model" in score && "nll" in score && !String(score.model).includes("mixture") ? [[score.model, score.nll]] : [],
  );

const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === "number" ? Number(each.toPrecision(12)) : each)));

/** Files of dist/web, and beside them the shipped models. It answers 405 to a POST, as such hosts do. */
const host = () =>
  createServer(async ({ method, url = "/" }, response) => {
    if (method === "POST") {
      response.writeHead(405, { "Content-Type": "text/html" }).end("<h1>Not Allowed</h1>");
      return;
    }
    const path = normalize(url.split("?")[0].replace(/\/$/, "/index.html"));
    const file = path.startsWith("/local/models/") ? path.replace("/local/models", "models") : join("dist/web", path);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes)
      response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" }).end(bytes);
    else response.writeHead(404).end();
  });

describe.skipIf(!hasChromium("the page without a server"))("the page without a server", () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let url = "";

  beforeAll(async () => {
    server = host().listen(0, "127.0.0.1");
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); // it may run as root
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("heading", { name: "Old Hundredth" }).waitFor();
  });
  afterEach(() => page.close());

  async function answerTo(name: string, buffer: Buffer) {
    await page.getByLabel("Choose files").setInputFiles({ name, mimeType: "", buffer });
    await page.getByRole("heading", { name }).waitFor();
    await page.locator('.progress[data-busy="false"]').waitFor(); // nothing is asked any more
    const pending = page.waitForEvent("download");
    await page.getByRole("button", { name: "JSON", exact: true }).click();
    return JSON.parse(await readFile(await (await pending).path(), "utf8"));
  }

  test("opens with a scored chorale, and says that this browser scores", async () => {
    expect(await page.getByLabel("Score in this browser").isChecked()).toBe(true);
  });

  test("scores a MIDI file to the same bits as a server, and what is computed of them to twelve digits", async () => {
    await page.getByRole("button", { name: "All networks" }).click();
    await page.getByRole("button", { name: "jsb/gru-nade" }).click();
    await page.getByRole("figure", { name: "under jsb/gru-nade" }).waitFor();
    const { all, shown } = await answerTo("chorale.mid", chorale);
    const surprisal = await open();
    const { input, ...scores } = await surprisal.score(chorale, { detail: "comparison" });
    expect(rounded(all)).toEqual(rounded({ ...scores, input: { ...input, name: "chorale.mid" } }));
    expect(networks(all).length).toBeGreaterThanOrEqual(12);
    expect(networks(all)).toEqual(networks(scores));
    const own = await surprisal.score(chorale, { models: ["jsb/gru-nade"], detail: "notes", expected: true });
    expect(shown.scores[0].perFrame).toEqual("perFrame" in own.scores[0] && own.scores[0].perFrame);
    expect(rounded(shown.scores)).toEqual(rounded(own.scores));
  });

  test("scores a recording to the same bits as a server", async () => {
    const { all } = await answerTo("speech.flac", speech);
    expect(all.scores).toEqual((await (await open()).score(speech)).scores);
  });

  test("goes on by itself, and says what is wrong with a file", async () => {
    await page.getByRole("button", { name: "Write on" }).click();
    await page.getByText(/It wrote \d+ notes/).waitFor();
    await page.getByLabel("Choose files").setInputFiles({
      name: "damaged.mid",
      mimeType: "audio/midi",
      buffer: chorale.subarray(0, 40),
    });
    await expect.poll(() => page.getByRole("alert").innerText()).toContain("Track 1 is 841 b");
  });
});
