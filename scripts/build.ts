/**
 * Bundles the server, the command line, the threads of the pool and the library into dist/entry: a start reads a few files
 * instead of hundreds. The page goes into dist/web. `npm run build` then puts the library's types into dist/types; `npm run
 * build:kernel` makes the kernel.
 *
 *   npm run build
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { type BuildOptions, build } from "esbuild";
import { cardsPage } from "./cards-page.ts";
import { withoutLocales } from "./without-locales.ts";

const outdir = "dist/entry";
await rm(outdir, { recursive: true, force: true }); // names of chunks change with what is in them

await build({
  // All as deep as src/entry/*/: sources and bundles find the package's root at the same distance.
  entryPoints: {
    "node/main": "src/entry/node/main.ts",
    "node/thread": "src/entry/node/thread.ts",
    "cli/start": "src/entry/cli/start.ts",
    "node/index": "src/index.ts",
    "core/index": "src/core.ts",
  },
  outdir,
  chunkNames: "node/[name]-[hash]", // pool.ts finds thread.js beside it
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  minifySyntax: true, // with whitespace half the bytes; names stay, for stack traces
  minifyWhitespace: true,
  legalComments: "linked",
  plugins: [withoutLocales],
  // Loaded when they are needed; yaml when openapi.yaml is asked for.
  external: [
    "@aws-sdk/client-s3",
    "@hono/otel",
    "pino",
    "prom-client",
    "rate-limiter-flexible",
    "yaml", // its build for Node is CommonJS, which requires built-in modules
    "@wasm-audio-decoders/flac",
    "@wasm-audio-decoders/ogg-vorbis",
    "mpg123-decoder",
    "opus-decoder",
    "mediabunny",
    "hyparquet-writer",
  ],
});

// The client of the HTTP API: one small file for every runtime.
await build({
  entryPoints: ["src/client/index.ts"],
  outfile: `${outdir}/client/index.js`,
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  minifySyntax: true,
  minifyWhitespace: true,
});

// The bin file alone must parse on a Node that is too old for the rest, to say so in a sentence.
await build({
  entryPoints: ["src/entry/cli/main.ts"],
  outfile: `${outdir}/cli/main.js`,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node12",
  supported: { "dynamic-import": true }, // since 12.17; before, this is a SyntaxError
  plugins: [
    {
      name: "built-above",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/start\.ts$/ }, () => ({ path: "./start.js", external: true })),
    },
  ],
});

// The page, for every runtime and any static host.
const page = "dist/web";
await rm(page, { recursive: true, force: true });
for (const name of ["index.html", "page.css", "_headers", "samples", "docs"]) {
  await cp(`src/web/${name}`, `${page}/${name}`, { recursive: true });
}
await mkdir(`${page}/cards`);
await writeFile(`${page}/cards/index.html`, await cardsPage("models"));
await cp("dist/kernel.wasm", `${page}/local/kernel.wasm`);
const browser: BuildOptions = {
  bundle: true,
  format: "esm",
  target: "es2023",
  minify: true,
  legalComments: "linked",
  plugins: [withoutLocales],
};
await build({
  ...browser,
  entryPoints: { page: "src/web/main.tsx" },
  outdir: page,
  jsx: "automatic",
  jsxImportSource: "preact",
});
// The worker that scores in the browser; decoders are fetched where they are needed.
await build({
  ...browser,
  entryPoints: { worker: "src/entry/browser/worker.ts" },
  outdir: `${page}/local`,
  splitting: true,
  chunkNames: "[name]-[hash]",
});

// The reference page shows the API by Redoc, whose bundle is complete but for a logo, which it would fetch from its makers' host.
const redoc = "node_modules/redoc/bundles/redoc.standalone.js";
const [before, ...after] = (await readFile(redoc, "utf8")).split("https://cdn.redoc.ly/redoc/logo-mini.svg");
if (after.length !== 1) throw new Error(`Expected the address of one logo in ${redoc}, got ${after.length}.`);
await writeFile(`${page}/docs/redoc.js`, [before, ...after].join("data:,"));
await cp(`${redoc}.LICENSE.txt`, `${page}/docs/redoc.standalone.js.LICENSE.txt`); // which its first line names
