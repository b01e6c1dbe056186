/** The environment -> limits, and limits -> the rows that show them. */
import { expected, SurprisalError } from "../errors.ts";
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS, type Limits, variableOf } from "../limits.ts";

/**
 * The limits that an environment sets, and for the others those of the runtime. An empty variable counts as unset.
 * @throws SurprisalError `malformed-request` for anything but a number above 0 or "unlimited".
 */
export function limitsOf(env: Readonly<Record<string, unknown>>, defaults: Limits = DEFAULT_LIMITS): Limits {
  const limits = { ...defaults };
  for (const name of LIMIT_NAMES) {
    const setting = env[variableOf(name)];
    if (setting === undefined || setting === "") continue;
    const value = setting === "unlimited" ? Number.POSITIVE_INFINITY : Number(setting);
    if (!(value > 0)) {
      const wanted = `a number above 0 or "unlimited" in ${variableOf(name)}`;
      throw new SurprisalError("malformed-request", expected(wanted, JSON.stringify(setting)));
    }
    limits[name] = value;
  }
  return limits;
}

const numberOf = (value: number): string => (value === Number.POSITIVE_INFINITY ? "unlimited" : String(value));

/** The limits in force, one row each. */
export const limitRows = (limits: Limits) =>
  LIMIT_NAMES.map((name) => ({
    variable: variableOf(name),
    value: numberOf(limits[name]),
    problem: LIMITS[name].code,
    limits: LIMITS[name].about,
  }));
