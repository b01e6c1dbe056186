/** The groups in which openapi.yaml shows the routes. */
export const SCORING = "Scoring";
export const MODELS = "Models";
export const HEALTH = "Health";
export const PROTOCOL = "Open Inference Protocol";
