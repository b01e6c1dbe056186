/** `npm run check` holds the floors of src/ (docs/architecture.md): an import that runs upward, or in a circle, is an error. */
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

/** What the linter says of a file that is planted for it, all in one line. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  try {
    for (const [path, text] of Object.entries(files)) await writeFile(path, text);
    const { stdout, stderr } = await run("node_modules/.bin/biome", ["lint", ...Object.keys(files)]).catch(
      (error) => error,
    );
    return (stdout + stderr).replaceAll(/\s+/g, " ");
  } finally {
    for (const path of Object.keys(files)) await rm(path, { force: true });
  }
}

test.each([
  ["src/kernel/planted.ts", "../model/checkpoint.ts", "kernel/ imports only from floors below it"],
  ["src/formats/planted.ts", "../kernel/config.ts", "formats/ imports only from floors below it"],
  ["src/model/planted.ts", "../inference/piece.ts", "model/ imports only from floors below it"],
  ["src/inference/planted.ts", "../http/app.ts", "inference/ imports only from floors below it"],
  ["src/http/planted.ts", "../store/load.ts", "http/ imports only from floors below it"],
  ["src/web/planted.ts", "../model/model.ts", "The page knows the API by the types of schema/ only"],
  ["src/client/planted.ts", "../http/app.ts", "A client knows the API by the types of schema/ only"],
  ["src/store/planted.ts", "../inference/answer.ts", "store/ imports only from floors below it"],
])("%s may not import %s", async (path, imported, sentence) => {
  const text = await lint({ [path]: `export * from "${imported}";\n` });
  expect(text).toContain("noRestrictedImports");
  expect(text).toContain(sentence);
});

test("an import downward is no fault", async () => {
  expect(await lint({ "src/model/planted.ts": 'export * from "../kernel/config.ts";\n' })).not.toContain(
    "noRestrictedImports",
  );
});

test("files that import each other are a fault, were it only for types", async () => {
  const text = await lint({
    "src/util/planted-a.ts": 'import type { B } from "./planted-b.ts";\nexport type A = B | 1;\n',
    "src/util/planted-b.ts": 'import type { A } from "./planted-a.ts";\nexport type B = A | 2;\n',
  });
  expect(text).toContain("noImportCycles");
});
