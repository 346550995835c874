// Builds a target of the core with one planted bug: a replacement in one source file, made in
// memory only.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import asc from "assemblyscript/asc";

export interface Mutant {
  /** What is broken, in a few words. */
  name: string;
  file: string;
  from: string;
  to: string;
  /** What the planted bug needs and the file does not import. */
  imports?: string;
}

/**
 * The wasm file of the mutant. Throws when the text to replace is not there exactly once: the
 * mutant has gone stale.
 */
export async function buildMutant(mutant: Mutant, entry: string, target: string): Promise<string> {
  const source = readFileSync(mutant.file, "utf8");
  if (source.split(mutant.from).length !== 2) {
    throw new Error(`mutant "${mutant.name}": its text is not exactly once in ${mutant.file}`);
  }
  const out = join(mkdtempSync(join(tmpdir(), "smpbox-mutant-")), `${target}.wasm`);
  const words = [entry, "--config", "asconfig.json", "--target", target, "--outFile", out, "-O1"];
  const { error } = await asc.main(words, {
    readFile: (name, base) => {
      const path = join(base ?? ".", name);
      try {
        const text = readFileSync(path, "utf8");
        if (!path.endsWith(mutant.file)) return text;
        return (mutant.imports ?? "") + text.replace(mutant.from, mutant.to);
      } catch {
        return null;
      }
    },
    writeFile: (name, contents, base) => writeFileSync(resolve(base, name), contents),
    stdout: { write: () => {} },
    stderr: { write: () => {} },
  });
  if (error) throw new Error(`mutant "${mutant.name}" does not compile`, { cause: error });
  return out;
}
