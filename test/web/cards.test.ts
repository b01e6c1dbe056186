/** The cards of the models as a page, in a visited.browser. */
import { readFile } from "node:fs/promises";
import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { hasChromium, visit } from "../support/chromium.ts";

describe.skipIf(!hasChromium("the page of the models"))("the page of the models", () => {
  const visited = visit();

  test.each(["/cards", "/cards/"])("%s shows every card, and asks no other host", async (path) => {
    const page = await visited.browser.newPage();
    const asked: string[] = [];
    const faults: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(visited.server.url + path);
    const cards = await readFile("models/README.md", "utf8");
    const titles = [...cards.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.replaceAll("`", ""));
    expect(await page.getByRole("heading").allInnerTexts()).toEqual(titles);
    const rows = cards.match(/^\|(?! *:?-).*$/gm)?.length;
    expect(await page.getByRole("row").count()).toBe(rows);
    const widths = "[...document.images].map(({ naturalWidth }) => naturalWidth)";
    const pictures = (await page.evaluate(widths)) as number[];
    expect(pictures.length).toBe(cards.match(/!\[/g)?.length);
    expect(pictures.filter((width) => width === 0)).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(`${visited.server.url}/`) && !url.startsWith("data:"))).toEqual([]);
    expect(faults).toEqual([]);
    await page.getByRole("link", { name: "surprisal" }).click();
    expect(page.url()).toBe(`${visited.server.url}/`);
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByRole("heading", { level: 1, name: "The models" }).waitFor();
    await page.close();
  });

  test("axe finds nothing in it", async () => {
    const page = await visited.browser.newPage();
    await page.goto(`${visited.server.url}/cards/`);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
    await page.close();
  });
});
