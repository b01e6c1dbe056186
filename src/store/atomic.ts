/** Files that several processes read and write: written whole or not at all, and changed by one process at a time. */
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { StoreFailure } from "./bucket.ts";

/** Writes beside the path and renames, so that a reader sees the old file or the new one and never a part. */
export const writeFileAtomically = (path: string, bytes: Uint8Array | string): Promise<void> =>
  writeBeside(path, bytes, (temporary) => rename(temporary, path));

/**
 * Writes bytes to a temporary file in the folder of a path.
 * @param place gives it its name; called once the bytes are on the disk
 */
export async function writeBeside<T>(
  path: string,
  bytes: Uint8Array | string,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(bytes);
      await file.sync(); // the new name must not reach the disk before the bytes
    } finally {
      await file.close();
    }
    const placed = await place(temporary);
    await syncFolder(dirname(path)); // only then may anyone remove what this file replaces, such as a snapshot
    return placed;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Flushes the names in a folder to the disk, where the system can: Windows refuses (EPERM), and some network file systems (EINVAL). */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await unless("EINVAL", unless("EPERM", folder.sync()));
  } finally {
    await folder.close();
  }
}

/**
 * A lock is a file, so that it also holds between machines that share a folder. Nobody can ask whether a process of another
 * machine is alive; instead a lock that others have seen unchanged for this long belongs to a dead process, and a holder gives up
 * after half of it. Each process measures by its own clock.
 */
const LEASE_MS = 30_000;
const PAUSE_MS = 25;

/**
 * Does work on a file while no other process does so under the same lock, `<path>.lock`, which is waited for.
 * @param work calls checkHeld right before each step that others will see
 * @throws StoreFailure when the lock cannot be had, and out of checkHeld when it has been held for too long
 */
export async function locked<T>(
  path: string,
  work: (checkHeld: () => void) => Promise<T>,
  leaseMs = LEASE_MS,
): Promise<T> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true });
  await take(lock, leaseMs);
  const taken = performance.now();
  const isHeld = () => performance.now() - taken < leaseMs / 2;
  try {
    return await work(() => {
      if (!isHeld()) throw new StoreFailure(`${path} was not changed: it took too long. Try again.`);
    });
  } finally {
    if (isHeld()) await rm(lock, { force: true }); // later it may be another's
  }
}

async function take(lock: string, leaseMs: number): Promise<void> {
  let seen: string | undefined;
  let since = performance.now();
  while (!(await create(lock))) {
    const found = await identityOf(lock);
    const elapsed = performance.now() - since;
    if (found === undefined || found !== seen) {
      seen = found;
      since = performance.now();
    } else if (elapsed > 3 * leaseMs) {
      throw new StoreFailure(`${lock} was left behind by a process that died. Remove it and ${lock}.${found}.`);
    } else if (elapsed > leaseMs) {
      await takeAway(lock, found);
    }
    await setTimeout(PAUSE_MS * (0.5 + Math.random())); // processes that begin together do not stay in step
  }
}

/** Removes a dead process's lock. Only one process at a time may, or the second would remove the lock that the first then takes. */
async function takeAway(lock: string, identity: string): Promise<void> {
  const claim = `${lock}.${identity}`;
  if (!(await create(claim))) return;
  if ((await identityOf(lock)) === identity) await rm(lock, { force: true });
  await rm(claim, { force: true });
}

/** Makes an empty file. @returns false when there is one already */
async function create(path: string): Promise<boolean> {
  const file = await unless("EEXIST", open(path, "wx"));
  await file?.close();
  return file !== undefined;
}

/** Tells a lock from a later one of the same name; by an open file, since network file systems answer from memory otherwise. */
async function identityOf(lock: string): Promise<string | undefined> {
  const file = await unless("ENOENT", open(lock));
  if (file === undefined) return undefined;
  try {
    const { ino, mtimeNs } = await file.stat({ bigint: true });
    return `${ino}-${mtimeNs}`;
  } finally {
    await file.close();
  }
}

/** @returns undefined where the system answers with this code */
export async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}
