// Files that the user named for output.
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { InputError } from "../index.ts";

function refuse(option: string, file: string, error: unknown): never {
  const reason = (error as Error).message;
  throw new InputError(`${option} ${file}: cannot be written; name another file (${reason})`);
}

/** Before long work: its result can be written there. */
export function checkWritable(option: string, file: string): void {
  try {
    const existed = existsSync(file);
    closeSync(openSync(file, "a"));
    if (!existed) rmSync(file);
  } catch (error) {
    refuse(option, file, error);
  }
}

export function writeOutput(option: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    refuse(option, file, error);
  }
}
