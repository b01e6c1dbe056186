/** The reference page /docs in a visited.browser. */
import { describe, expect, test } from "vitest";
import { hasChromium, visit } from "../support/chromium.ts";

describe.skipIf(!hasChromium("the reference page"))("/docs in a browser", () => {
  const visited = visit();

  test.each(["/docs", "/docs/"])("%s shows the routes with their examples, and asks no other host", async (path) => {
    const page = await visited.browser.newPage();
    const asked: string[] = [];
    const faults: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(visited.server.url + path);
    await page.getByRole("heading", { name: "Negative log-likelihood of a piece or recording" }).waitFor();
    const shown = await page.locator("body").innerText();
    for (const route of ["/batch", "/predict", "/models/{set}/{cell}", "/v2/models/{name}/infer"]) {
      expect(shown).toContain(route);
    }
    expect(shown).toContain("auld-lang-syne.mid");
    expect(asked.filter((url) => !url.startsWith(`${visited.server.url}/`) && !url.startsWith("data:"))).toEqual([]);
    expect(asked).toContain(`${visited.server.url}/v1/openapi.json`);
    expect(faults).toEqual([]);
    // Its rules are there too, which the policy might have stopped.
    expect(await page.evaluate("getComputedStyle(document.querySelector('.menu-content')).position")).toBe("sticky");
    await page.close();
  });
});
