/** A disk that fills up in the middle of a file, without a disk: the system ends writes at a size, and what is there is torn. */

/** The command that runs a program under which no file may have more bytes; a shell counts in blocks of 512. */
export const underFileLimit = (bytes: number, program: string, args: readonly string[]): [string, string[]] => [
  "sh",
  ["-c", `ulimit -f ${Math.floor(bytes / 512)} && exec "$@"`, "sh", program, ...args],
];
