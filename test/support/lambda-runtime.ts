/** Stands in for the runtime of Lambda: a process that loads a handler and calls it with JSON, one event after the other. */
const [, , module] = process.argv;
const { handler } = await import(module);
/** As Lambda tells a call how much time it has left. */
const context = { getRemainingTimeInMillis: () => Number(process.env.REMAINING_MS || 29_000) };

process.on("message", async (event) => {
  try {
    process.send?.({ result: await handler(event, context) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.send?.("ready");
