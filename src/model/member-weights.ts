/**
 * The weights of an ensemble's members while it scores a piece adaptively: a member that predicts the piece well weighs more in
 * the frames behind. Bayes' rule would multiply each weight by the likelihood that the member gave the frame, and soon leave
 * the best member alone. It is tempered: the likelihood enters by a power, and what is long past is forgotten.
 */

/** Logarithm of M times the weight of each of M members: zeros where they are even. */
export type LogShares = readonly number[];

export const evenShares = (members: number): LogShares => new Array<number>(members).fill(0);

/** -log of the weighted mean of e^-nll; the smallest is taken out first, so that no likelihood underflows. */
export function averageNll(nlls: readonly number[], logShares: LogShares): number {
  const weighted = nlls.map((nll, m) => nll - logShares[m]);
  const least = Math.min(...weighted);
  const relative = weighted.reduce((sum, nll) => sum + Math.exp(least - nll), 0);
  return least - Math.log(relative / nlls.length);
}

/** Both are 1 in Bayes' rule. Chosen on validation, for all ensembles; docs/models.md#adaptive-scoring has the figures. */
const POWER = 0.1;
const MEMORY = 0.97;

/**
 * The weights before each frame, and behind the last: log w = MEMORY · log w - POWER · nll, normalised.
 * @param scored by member, what each frame cost under it
 */
export function learnedShares(start: LogShares, scored: readonly { readonly nll: Float64Array }[]): LogShares[] {
  const even = evenShares(start.length);
  const shares = [start];
  for (let t = 0; t < scored[0].nll.length; t++) {
    const costs = scored.map(({ nll }, m) => POWER * nll[t] - MEMORY * shares[t][m]);
    const mean = averageNll(costs, even);
    shares.push(costs.map((cost) => mean - cost));
  }
  return shares;
}
