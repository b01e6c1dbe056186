/** Several files that were chosen together, each under one network of its kind, so that they can be compared. */
import { useRef, useState } from "preact/hooks";
import type { Analysis } from "./analysis.ts";
import { type Api, Fault, type Kind, kindOf } from "./api.ts";
import { type AnyScore, bestOf } from "./ranking.ts";

export interface Entry {
  readonly file: File;
  readonly score: AnyScore | null; // null until it has come
  readonly fault: string | null; // why there will be none
}

export function useFiles(api: Api, optionsOf: Analysis["optionsOf"]) {
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const running = useRef<AbortController | null>(null);

  /**
   * Scores files one after the other.
   * @param wanted the network for a kind of files; where there is none, the one that knows the first of them best
   * @param onFirst gets the first file that can be scored
   */
  async function score(files: readonly File[], wanted: { kind: Kind; model: string }, onFirst?: (file: File) => void) {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    const { signal } = own;
    const made: Entry[] = files.map((file) => ({ file, score: null, fault: null }));
    setEntries([...made]);
    const models = new Map<Kind, string>(wanted.model === "" ? [] : [[wanted.kind, wanted.model]]);
    let first = onFirst;
    for (const [k, file] of files.entries()) {
      try {
        const kind = await kindOf(file);
        const known = models.get(kind);
        if (file.size === 0) throw new Fault("It is empty.");
        const options = { ...optionsOf(kind), ...(known !== undefined && { models: known }) };
        const answer = await api.score(file, options, signal);
        const model = known ?? bestOf(answer);
        models.set(kind, model);
        const scores: readonly AnyScore[] = answer.scores;
        made[k] = { file, score: scores.find((each) => each.model === model) ?? null, fault: null };
        first?.(file);
        first = undefined;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        made[k] = { file, score: null, fault: error.message };
      }
      setEntries([...made]);
    }
  }

  function clear(): void {
    running.current?.abort();
    setEntries([]);
  }

  return { entries, score, clear };
}
