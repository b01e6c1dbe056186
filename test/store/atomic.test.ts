import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { locked, writeFileAtomically } from "../../src/store/atomic.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atomic-"));
  path = join(folder, "count");
  await writeFile(path, "0");
});
afterEach(() => rm(folder, { recursive: true }));

/** Adds one in a way that loses what is written between its reading and its writing. */
async function addOne(): Promise<void> {
  const count = Number(await readFile(path, "utf8"));
  await setTimeout(1);
  await writeFileAtomically(path, String(count + 1));
}

describe("a lock", () => {
  test("lets one change after the other through", async () => {
    await Promise.all(Array.from({ length: 10 }, () => locked(path, addOne)));
    expect(await readFile(path, "utf8")).toBe("10");
    expect(await readdir(folder)).toEqual(["count"]);
  });

  test("is free again after a change that failed", async () => {
    const failed = locked(path, async () => {
      throw new Error("failed");
    });
    await expect(failed).rejects.toThrow("failed");
    await locked(path, addOne);
    expect(await readFile(path, "utf8")).toBe("1");
  });

  test("of a process that died is taken away by one of those who wait, and all of them get their turn", async () => {
    await writeFile(`${path}.lock`, "");
    await Promise.all(Array.from({ length: 10 }, () => locked(path, addOne, 500)));
    expect(await readFile(path, "utf8")).toBe("10");
    expect(await readdir(folder)).toEqual(["count"]);
  });

  test("that is held for too long changes nothing, and is left to whoever waits", async () => {
    const slow = locked(
      path,
      async (checkHeld) => {
        await setTimeout(120);
        checkHeld();
        await addOne();
      },
      200,
    );
    await expect(slow).rejects.toThrow(`${path} was not changed`);
    await locked(path, addOne, 200);
    expect(await readFile(path, "utf8")).toBe("1");
  });
});
