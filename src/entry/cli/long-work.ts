/** What commands that take long have in common: they find out early whether they can write, and say how to go on when stopped. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes a folder if it is not there, and finds out whether files can be written into it: before hours of work, not after.
 * @throws Error of the system, whose path is in the folder
 */
export async function checkWritable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const probe = join(folder, `.writable-${process.pid}`);
  await writeFile(probe, "");
  await rm(probe);
}

/** The command that this process runs, as a shell takes it. @param program such as `npm run train --` */
export function commandLine(program: string): string {
  const args = process.argv.slice(2).map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : `'${arg}'`));
  return [program, ...args].join(" ");
}

/** Says how to go on when the user stops long work that the same command takes up again. @param program as commandLine has it */
export function sayHowToGoOn(program: string): void {
  process.once("SIGINT", () => {
    console.error(`\nStopped. To go on from here: ${commandLine(program)}`);
    process.exit(130);
  });
}
