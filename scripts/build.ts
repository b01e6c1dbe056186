/**
 * Bundles the server, the command line and the threads of the pool into dist/entry: a start reads a few files instead of
 * hundreds. `npm run build:kernel` has put the kernel beside them.
 *
 *   npm run build
 */
import { rm } from "node:fs/promises";
import { build, type Plugin } from "esbuild";

const outdir = "dist/entry";
await rm(outdir, { recursive: true, force: true }); // names of chunks change with what is in them

/** zod's messages in fifty languages are half of all code, and never shown: the schemas word their own. */
const withoutLocales: Plugin = {
  name: "without-locales",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "" }));
  },
};

await build({
  entryPoints: ["node/main", "cli/main", "node/thread"].map((name) => `src/entry/${name}.ts`),
  outdir,
  outbase: "src/entry",
  chunkNames: "node/[name]-[hash]", // as deep as the sources: both find the package's root at the same distance
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  minifySyntax: true, // with whitespace half the bytes; names stay, for stack traces
  minifyWhitespace: true,
  legalComments: "linked",
  plugins: [withoutLocales],
  // Loaded when they are needed, and piscina by its threads too.
  external: [
    "@aws-sdk/client-s3",
    "piscina",
    "@wasm-audio-decoders/flac",
    "@wasm-audio-decoders/ogg-vorbis",
    "mpg123-decoder",
    "opus-decoder",
    "mediabunny",
  ],
  // midi-file is CommonJS.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});
