/** A file of the hashes of keys -> a check that a request has one of them: `Authorization: Bearer KEY`. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { MiddlewareHandler } from "hono";
import { expected, SurprisalError } from "../../errors.ts";
import type { Env } from "../../http/deps.ts";

interface Key {
  readonly hash: Buffer; // sha256
  readonly name: string; // of its owner, for logs and rates
}

/** A hash and a name, as sha256sum writes them. Empty lines and those that begin with # are skipped. */
const LINE = /^([0-9a-f]{64})\s+\*?(\S+)$/i;

/**
 * @throws SurprisalError `malformed-request` for a file that cannot be read, has no key, or has a malformed line; the
 * error does not quote the line, which may be a key itself.
 */
export async function readKeys(path: string): Promise<readonly Key[]> {
  const text = await readFile(path, "utf8").catch((cause) => {
    const wanted = "the file of SURPRISAL_KEYS_FILE to be readable";
    throw new SurprisalError("malformed-request", expected(wanted, cause.code ?? "another error"), { cause });
  });
  const keys: Key[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, hash, name] = LINE.exec(line.trim()) ?? [];
    if (hash === undefined) {
      const wanted = "a sha256 in hexadecimal and a name, as sha256sum writes them";
      throw new SurprisalError("malformed-request", expected(wanted, `something else in line ${index + 1} of ${path}`));
    }
    keys.push({ hash: Buffer.from(hash, "hex"), name });
  }
  if (keys.length > 0) return keys;
  throw new SurprisalError("malformed-request", expected(`at least one key in ${path}`, "none"));
}

/** Lets a request pass if it has a key, and notes whose. It is compared with every key, each time in constant time. */
export function requireKey(keys: () => readonly Key[]): MiddlewareHandler<Env> {
  return async (c, next) => {
    const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(c.req.header("Authorization") ?? "") ?? [];
    const hash = createHash("sha256")
      .update(token ?? "")
      .digest();
    const [key] = keys().filter((known) => timingSafeEqual(known.hash, hash));
    if (!key || token === undefined) {
      c.res.headers.set("WWW-Authenticate", "Bearer");
      const got = token === undefined ? "none" : "one that this server does not know";
      throw new SurprisalError("unauthorized", expected("a key in Authorization: Bearer", got));
    }
    c.get("facts").client = key.name;
    await next();
  };
}
