/** What routes share in openapi.yaml: first the groups in which it shows them. */
export const SCORING = "Scoring";
export const MODELS = "Models";
export const HEALTH = "Health";
export const PROTOCOL = "Open Inference Protocol";

/** By which key a route may be asked: by none, or where the server asks for keys, by one of them. */
export const KEY = "key";
export const KEYS = [{}, { [KEY]: [] }];

export const FOREIGN = "The page that asks is of an origin that the server does not allow.";
