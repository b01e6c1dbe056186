/** Work on many items, several at a time: enough to hide the latency of a bucket. */
const AT_A_TIME = 8;

/** @throws what the work throws */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
