// Capsules as files.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { InputError } from "../machine/preset.ts";
import { type Capsule, decodeCapsule, encodeCapsule } from "./capsule.ts";

export async function readCapsule(file: string): Promise<Capsule> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${(error as Error).message})`);
  }
  try {
    return await decodeCapsule(new Uint8Array(bytes));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${file}: ${error.message}`);
  }
}

export async function writeCapsule(file: string, capsule: Capsule): Promise<void> {
  const bytes = await encodeCapsule(capsule);
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw new InputError(`${file}: cannot be written (${(error as Error).message})`);
  }
}

/** Writes the capsule of a failure where it is in nobody's way; returns the file's path. */
export async function keepCapsule(capsule: Capsule): Promise<string> {
  const { image, machine, seed } = capsule.options;
  const folder = join(tmpdir(), "smpbox");
  const hash = capsule.end.stateHash.toString(16).padStart(16, "0").slice(0, 8);
  const name = `${basename(image.name)}-${machine.name}-${seed ?? 1n}-${hash}.sbx`;
  const file = join(folder, name.replaceAll(/[^\w.-]/g, "_"));
  mkdirSync(folder, { recursive: true });
  await writeCapsule(file, capsule);
  return file;
}
