/** What Workers and wrangler have to import, in the types that are used here. */

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "cloudflare:workers" {
  /** The bindings and variables of wrangler.jsonc. */
  export const env: {
    readonly MODELS: import("../../store/r2.ts").R2Binding;
    readonly SURPRISAL_PREFIX: string;
    readonly SURPRISAL_POLL_SECONDS: string;
    readonly SURPRISAL_ORIGINS?: string;
  };
  /** Carries work beyond the answer to the request that calls it. */
  export function waitUntil(work: Promise<unknown>): void;
}
