/**
 * The weights of an ensemble's members while it scores a piece adaptively: a member that predicts the piece well weighs more in
 * the frames that follow. As the members' own weights do, they descend the gradient of what each frame cost, here the exponentiated
 * gradient that keeps a distribution (Kivinen and Warmuth 1997): w_m grows by e^(RATE · p_m / p) before all are normalised.
 * Bayes' rule would multiply it by p_m, and soon leave only the best member, although a mixture predicts better than any of them.
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

/** Chosen on validation, one for all ensembles; docs/models.md#adaptive-scoring has what it was chosen among. */
const RATE = 0.12;

/** Bound on p_m / p, so that one frame which a single member expected does not decide the rest of the piece. */
const MAX_RATIO = 30;

/**
 * The weights before each frame, and after the last.
 * @param scored by member, what each frame cost under it
 */
export function learnedShares(start: LogShares, scored: readonly { readonly nll: Float64Array }[]): LogShares[] {
  const even = evenShares(start.length);
  const shares = [start];
  for (let t = 0; t < scored[0].nll.length; t++) {
    const costs = scored.map(({ nll }) => nll[t]);
    const cost = averageNll(costs, shares[t]);
    const grown = shares[t].map((log, m) => log + RATE * Math.min(MAX_RATIO, Math.exp(cost - costs[m])));
    const mean = -averageNll(
      grown.map((log) => -log),
      even,
    );
    shares.push(grown.map((log) => log - mean));
  }
  return shares;
}
