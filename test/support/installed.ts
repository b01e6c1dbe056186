/** Whether a package that not every machine has can be imported. */
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);

export function isInstalled(name: string): boolean {
  try {
    return Boolean(resolve(name));
  } catch {
    return false;
  }
}
