/** A real browser for tests, where CHROMIUM names one. */

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
