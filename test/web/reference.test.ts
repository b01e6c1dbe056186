/** The reference page /docs in a browser. */
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, hasChromium } from "../support/chromium.ts";
import { Server } from "../support/server.ts";

describe.skipIf(!hasChromium("the reference page"))("/docs in a browser", () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await Server.start({});
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); // it may run as root
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test.each(["/docs", "/docs/"])("%s shows the routes with their examples, and asks no other host", async (path) => {
    const page = await browser.newPage();
    const asked: string[] = [];
    const faults: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(server.url + path);
    await page.getByRole("heading", { name: "Negative log-likelihood of a piece or recording" }).waitFor();
    const shown = await page.locator("body").innerText();
    for (const route of ["/batch", "/predict", "/models/{set}/{cell}", "/v2/models/{name}/infer"]) {
      expect(shown).toContain(route);
    }
    expect(shown).toContain("auld-lang-syne.mid");
    expect(asked.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith("data:"))).toEqual([]);
    expect(asked).toContain(`${server.url}/v1/openapi.json`);
    expect(faults).toEqual([]);
    // Its rules are there too, which the policy might have stopped.
    expect(await page.evaluate("getComputedStyle(document.querySelector('.menu-content')).position")).toBe("sticky");
    await page.close();
  });
});
