/**
 * Writes THIRD_PARTY_NOTICES.md: what the package installs beside itself, under which licences; with --check only compares.
 *
 *   node scripts/notices.ts
 *   node scripts/notices.ts --check
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { runScript } from "./command.ts";

const root = new URL("../", import.meta.url);
const path = new URL("THIRD_PARTY_NOTICES.md", root);

/** Needed to build only, but in the bundle of the page. */
const BUNDLED = ["preact", "redoc"];

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

interface Component {
  readonly name: string; // with its version
  readonly license: string;
  readonly text: string; // of the licence; "" where the package has none
}

/** Of each package that is installed with this one, once for each version. */
async function components(): Promise<Component[]> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    await readFile(new URL("package-lock.json", root), "utf8"),
  );
  const found = new Map<string, Component>();
  for (const [place, { version, license = "unknown", dev, link }] of Object.entries(lock.packages)) {
    const own = place.split("node_modules/").at(-1) ?? "";
    if (place === "" || (dev && !BUNDLED.includes(own)) || link) continue;
    const name = `${own} ${version}`;
    if (!found.has(name)) found.set(name, { name, license, text: await licenceOf(new URL(`${place}/`, root)) });
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function licenceOf(folder: URL): Promise<string> {
  const files = await readdir(folder);
  const name = files.toSorted().find((file) => /^licen[cs]e(\.(md|txt))?$/i.test(file));
  return name ? (await readFile(new URL(name, folder), "utf8")).replaceAll("\r\n", "\n").trim() : "";
}

const COPYLEFT = `Three components are under licences that ask more than a notice. None is changed here, and each is loaded from its own
package, so that another version may take its place; their sources are in the packages and at the addresses that these name.

- codec-parser, which the decoders of FLAC and Ogg Vorbis need: LGPL-3.0-or-later.
- mpg123-decoder is MIT, but has mpg123 compiled to WebAssembly in it: LGPL-2.1.
- mediabunny, which reads WebM and MP4: MPL-2.0.

The bundle for AWS Lambda holds all three, and so do the files by which the page scores in the browser (dist/web/local), each
in one of its own; \`npm run package:lambda\` and \`npm run build\` make them again with whatever version is installed. The bundle
of Workers holds none. libopus, libvorbis, libogg and libFLAC, in the other decoders, are under BSD licences.`;

async function notices(): Promise<string> {
  const all = await components();
  const rows = all.map(({ name, license }) => `| ${name.replace(" ", " | ")} | ${license} |`);
  const texts = [
    ...Map.groupBy(
      all.filter(({ text }) => text !== ""),
      ({ text }) => text,
    ),
  ].map(([text, same]) => `### ${same.map(({ name }) => name).join(", ")}\n\n\`\`\`\n${text}\n\`\`\``);
  return `# Third-party notices

What an installation of this package holds beside it, written by \`npm run notices\`.

${COPYLEFT}

| package | version | licence |
| --- | --- | --- |
${rows.join("\n")}

## Texts

${texts.join("\n\n")}
`;
}

const text = await notices();

await runScript({
  usage: "npm run notices --",
  about: "Writes THIRD_PARTY_NOTICES.md from the lock file and the installed packages.",
  options: { check: { type: "boolean", about: "only compares: the exit code is 1 on a difference" } },
  example: "npm run notices -- --check",
  async run({ check }) {
    if (!check) return writeFile(path, text);
    if ((await readFile(path, "utf8").catch(() => "")) === text) return;
    console.error("THIRD_PARTY_NOTICES.md differs from what is installed; run `npm run notices` and commit it.");
    process.exitCode = 1;
  },
});
