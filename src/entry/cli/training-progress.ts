/** A training under way -> what its user sees of it. */
import type { Protocol } from "../../training/protocol.ts";
import type { LoggedEpoch } from "../../training/run.ts";
import type { Trainer } from "../../training/trainer.ts";
import { duration, Progress } from "./progress.ts";

const PROGRESS_SECONDS = 2; // between lines where there is no terminal

/** A bar on a terminal; elsewhere a line every few seconds, and the first. Time left is up to the last epoch, should none stop early. */
export function showTraining({ epochs }: Pick<Protocol, "epochs">): (epoch: LoggedEpoch, trainer: Trainer) => void {
  const progress = process.stderr.isTTY ? new Progress(epochs) : undefined;
  let shown = Number.NEGATIVE_INFINITY;
  return (epoch, trainer) => {
    const figures = [
      `train ${epoch.train.toFixed(4)}`,
      `valid ${epoch.valid.toFixed(4)}`,
      `best ${trainer.best?.epoch.valid.toFixed(4)} at ${trainer.best?.epoch.epoch}`,
    ].join("  ");
    if (progress) {
      progress.show(epoch.epoch, figures);
      if (trainer.finished) progress.end();
      return;
    }
    if (epoch.seconds - shown < PROGRESS_SECONDS && !trainer.finished) return;
    shown = epoch.seconds;
    const secondsPerEpoch = epoch.seconds / epoch.epoch;
    const speed = `${Math.round(trainer.framesPerEpoch / secondsPerEpoch).toLocaleString("en")} frames/s`;
    const left = `at most ${duration(secondsPerEpoch * (epochs - epoch.epoch))} left`;
    console.log(`epoch ${epoch.epoch}/${epochs}  ${figures}  ${speed}  ${left}`);
  };
}
