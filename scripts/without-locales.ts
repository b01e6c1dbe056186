import type { Plugin } from "esbuild";

/** zod's messages in fifty languages are half of all code, and never shown: the schemas word their own. */
export const withoutLocales: Plugin = {
  name: "without-locales",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "" }));
  },
};

/** For serverless.yml. */
export default [withoutLocales];
