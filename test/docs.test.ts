/** The documents: links that lead somewhere, commands that exist, a README that stays short, and its answer as the server gives it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";

const MAX_WORDS = 900;
const MAX_PICTURE_BYTES = 150_000;

const read = (path: string) => readFileSync(path, "utf8");
const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "models/*.md"]).sort();

/** Without code, in which brackets and # mean something else. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");

/** Anchors as GitHub makes them of headings. */
function anchors(path: string): string[] {
  const text = read(path).replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (page) => {
  test("has links that lead to files and headings", () => {
    const links = [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    const broken = links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file, anchor] = link.split("#");
        const path = file === "" ? page : normalize(join(dirname(page), file));
        return !existsSync(path) || (anchor !== undefined && !anchors(path).includes(anchor));
      });
    expect(broken).toEqual([]);
  });

  test("names scripts of npm that exist", () => {
    const named = [...read(page).matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name);
    const known = [...Object.keys(manifest.scripts), ...Object.keys(JSON.parse(read("bench/package.json")).scripts)];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe("README.md", () => {
  const readme = read("README.md");

  test(`has at most ${MAX_WORDS} words, and the commands that start and test the project`, () => {
    expect(readme.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(MAX_WORDS);
    expect(readme).toContain("npm ci && npm start");
    expect(readme).toContain("npm ci && npm test");
  });

  test("has a picture that loads fast", () => {
    expect(readme).toContain("](docs/page.png)");
    expect(readFileSync("docs/page.png").length).toBeLessThan(MAX_PICTURE_BYTES);
  });

  test("shows the answer that the server gives to its request", async () => {
    const [, body = ""] =
      /curl [^\n]*\/v1\/score[^']*'Content-Type: application\/json' -d '([^']+)'/.exec(readme) ?? [];
    const [, shown = ""] = /^```json\n([\s\S]*?)^```/m.exec(readme) ?? [];
    const follower = await openModels(DEFAULT_FOLDER);
    const app = createApp({
      models: follower.models,
      limits: DEFAULT_LIMITS,
      version: "0",
      log: console.error,
    });
    const headers = { "Content-Type": "application/json" };
    const response = await app.request("/v1/score", { method: "POST", headers, body });
    // Shortened as README.md says: numbers to three decimals, the version to eight digits.
    const answer = JSON.parse(await response.text(), (_, value) => {
      if (typeof value === "number") return Number(value.toFixed(3));
      return typeof value === "string" ? value.replace(/^(sha256:.{8}).*/, "$1…") : value;
    });
    expect(answer).toMatchObject(JSON.parse(shown));
  });
});

test("openapi.yaml, the package and CITATION.cff have one version", () => {
  expect(read("openapi.yaml")).toMatch(new RegExp(`^ {2}version: "?${manifest.version}"?$`, "m"));
  expect(read("CITATION.cff")).toMatch(new RegExp(`^version: ${manifest.version}$`, "m"));
});
