/** A function -> one that does its work at the first call and remembers the result: a cold start need not wait for it. */
export function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
