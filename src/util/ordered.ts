/** Work on many items at a time, whose results keep the order of the items. */

/**
 * Works on the items of a source, up to `window` at a time, and yields the results in the order of the items. No more items are
 * read than are worked on, so what reads the results slowly slows the source down; a result never waits for the next item.
 * @throws what the source or `work` throws, in its place; the source is then ended.
 */
export async function* ordered<Item, Result>(
  source: AsyncIterator<Item>,
  work: (item: Item) => Promise<Result>,
  window: () => number,
): AsyncGenerator<Result, void> {
  const underWay: Promise<Result>[] = [];
  let reading: Promise<IteratorResult<Item>> | undefined;
  let isDone = false;
  try {
    while (!isDone || underWay.length > 0) {
      if (!isDone && underWay.length < window()) reading ??= source.next();
      const next = reading?.then((read) => ({ read }));
      const head = underWay.at(0)?.then((result) => ({ result }));
      const settled = await Promise.race([head, next].filter((promise) => promise !== undefined));
      if ("result" in settled) {
        underWay.shift();
        yield settled.result;
        continue;
      }
      reading = undefined;
      isDone = settled.read.done ?? false;
      if (settled.read.done) continue;
      const result = work(settled.read.value);
      result.catch(() => {}); // it is thrown in its turn
      underWay.push(result);
    }
  } finally {
    reading?.catch(() => {});
    void source.return?.()?.catch(() => {});
  }
}
