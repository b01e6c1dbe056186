/**
 * The models of a function on Lambda: those of a bucket or, while the bucket has none, those of the function's package.
 * Between calls a function is frozen, so no timer can poll the bucket: each call does.
 */
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SurprisalError } from "../../errors.ts";
import { fileStore } from "../../store/files.ts";
import { type Follower, follow } from "../../store/follow.ts";
import { openStore } from "../../store/open.ts";
import { clientMessage } from "../../store/problem.ts";
import { reporter } from "../../store/report.ts";
import type { CheckpointStore } from "../../store/store.ts";
import { kernelModule, PACKAGE_ROOT } from "../node/kernel.ts";

const REFRESH_MS = 60_000;
/** How long a call waits for the bucket; after that it serves what is loaded already. */
const PATIENCE_MS = 5000;

const MODELS = fileURLToPath(new URL(".lambda/models", PACKAGE_ROOT));

/** Models of the bucket; those of the package until the bucket has had any. */
export interface ModelSource extends Pick<Follower, "offers" | "models"> {
  /** Whether all models that were asked for are those of the bucket, undamaged, or the bucket is known to have none. */
  isAuthoritative(): boolean;
  /** See Deps of http/deps.ts. */
  lastError(): string | undefined;
  /** Polls the bucket when the last poll began a minute ago or more, or joins the one under way. Never rejects. */
  refresh(): Promise<void>;
}

interface Options {
  readonly now?: () => number; // ms
  readonly packaged?: string; // folder of the models that need no bucket
}

/**
 * Reads the models that a setting names, as SURPRISAL_MODELS does; those of the package when it names none.
 * @throws SurprisalError `malformed-request` when the setting is malformed.
 */
export async function openModelSource(
  setting = "",
  { now = Date.now, packaged = MODELS }: Options = {},
): Promise<ModelSource> {
  const kernel = await kernelModule();
  const shipped = fileStore(packaged);
  const store = setting === "" ? shipped : await preferLocal(await openStore(setting), shipped);
  const follower = follow(store, kernel);
  const packages = follow(shipped, kernel);
  let polledAt = Number.NEGATIVE_INFINITY;
  let polled: Promise<unknown> = Promise.resolve();
  let waiting = false; // for an answer of the bucket
  const report = reporter(follower, "the store");
  const present = () => (follower.release() ? follower : packages);

  const source: ModelSource = {
    offers: () => present().offers(),
    models: (wanted) => present().models(wanted).finally(report),
    isAuthoritative() {
      const release = follower.release();
      if (release) return release.failures().every(({ error }) => error instanceof SurprisalError);
      const [{ error } = {}] = follower.problems();
      return error instanceof SurprisalError && error.code === "no-models" && !waiting;
    },
    lastError: () =>
      follower.problems().map(clientMessage).at(0) ?? (waiting ? "The store: it has not answered yet." : undefined),
    async refresh() {
      if (now() - polledAt >= REFRESH_MS) {
        polledAt = now();
        waiting = true;
        const answered = follower.poll().then(() => {
          waiting = false;
        });
        polled = Promise.race([answered, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
      }
      await polled;
      report();
    },
  };
  await source.refresh();
  if (!follower.release()) await packages.poll();
  return source;
}

/** A store whose files are read from the package where it has them, so that a cold start downloads few or none. */
async function preferLocal(store: CheckpointStore, shipped: CheckpointStore): Promise<CheckpointStore> {
  const { catalogue } = await shipped.catalogue();
  const here = new Map(catalogue.models.map((entry) => [entry.version, entry]));
  return {
    catalogue: store.catalogue,
    read(entry) {
      const packaged = here.get(entry.version);
      return packaged ? shipped.read(packaged) : store.read(entry);
    },
  };
}
