/** Stands in for the runtime of Lambda: a process that loads a handler and calls it with JSON, one event after the other. */
const [, , module] = process.argv;
const { handler } = await import(module);

process.on("message", async (event) => {
  try {
    process.send?.({ result: await handler(event) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.send?.("ready");
