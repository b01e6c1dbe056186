/** A real browser for tests, where CHROMIUM names one. */
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { Server } from "./server.ts";

export const { CHROMIUM = "" } = process.env;

/**
 * Whether there is one; says how to get one otherwise.
 * @param what is tested in it
 * @throws Error under CI, where no test may be left out for want of a browser
 */
export function hasChromium(what: string): boolean {
  if (CHROMIUM) return true;
  const sentence =
    "CHROMIUM is not set: `export CHROMIUM=/usr/bin/chromium`, after `apt-get install chromium`, names one";
  if (process.env.CI) throw new Error(`${sentence}, and under CI no test may be left out for want of it.`);
  console.warn(`${sentence}, which enables the tests of ${what}.`);
  return false;
}

/** A browser and a server of the shipped models, for the tests of a suite. */
export function visit(): { browser: Browser; server: Server } {
  const visited = {} as { browser: Browser; server: Server };
  beforeAll(async () => {
    visited.server = await Server.start({});
    visited.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); // it may run as root
  });
  afterAll(async () => {
    await visited.browser?.close();
    await visited.server?.stop();
  });
  return visited;
}
