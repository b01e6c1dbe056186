/**
 * zod as it is used here: it interprets schemas. Compiled ones pay off after thousands of values, and every start would wait
 * for them. A schema takes the setting when it is made, so what makes schemas imports this first.
 */
import { z } from "zod";

z.config({ jitless: true });

export { z };
