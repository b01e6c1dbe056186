/** What is chosen, as the address has it: a link shows the same again. */
export interface Settings {
  readonly sample: string; // its id; empty for a file of the visitor's own
  readonly model: string; // shown; empty: the best
  readonly transpose: string; // semitones; empty: found by the API
  readonly adaptive: "" | "true"; // whether the networks learn while they listen
  readonly where: "" | "browser"; // that scores; empty: the server
}

export function readSettings(): Settings {
  const query = new URLSearchParams(location.search);
  const transpose = query.get("transpose") ?? "";
  return {
    sample: query.get("sample") ?? "",
    model: query.get("model") ?? "",
    adaptive: query.get("adaptive") === "true" ? "true" : "",
    where: query.get("where") === "browser" ? "browser" : "",
    transpose: /^-?\d{1,3}$/.test(transpose) ? transpose : "",
  };
}

/** @param fragment of a link that holds the file that is shown, to hold it on */
export function writeSettings(settings: Settings, fragment: string): void {
  const chosen = Object.entries(settings).filter(([, value]) => value !== "");
  const query = new URLSearchParams(chosen);
  history.replaceState(null, "", (chosen.length > 0 ? `?${query}` : location.pathname) + fragment);
}
