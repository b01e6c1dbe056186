import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = (command: string, args: string[]) => promisify(execFile)(command, args, { cwd: root, maxBuffer: 2 ** 26 });

test("THIRD_PARTY_NOTICES.md is as the installed packages are", async () => {
  await run(process.execPath, ["scripts/notices.ts", "--check"]);
});

test("every component of npm's own bill of materials is among the notices, those under LGPL and MPL named above", async () => {
  const notices = await readFile(`${root}THIRD_PARTY_NOTICES.md`, "utf8");
  const { components } = JSON.parse((await run("npm", ["run", "-s", "sbom"])).stdout);
  expect(components.length).toBeGreaterThan(30);
  const [head] = notices.split("| package |");
  for (const { name, version, licenses } of components) {
    expect(notices).toContain(`| ${name} | ${version} |`);
    if (/GPL|MPL/.test(JSON.stringify(licenses))) expect(head).toContain(name);
  }
});
