// Builds a program of a test's own for the machine, as README tells users to.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/core/root.ts";

/** The path of the image made of `text`, C, in `folder`. */
export function buildProgram(folder: string, name: string, text: string): string {
  const source = join(folder, `${name}.c`);
  writeFileSync(source, text);
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const flags = spawnSync(process.execPath, [main, "cflags"], { encoding: "utf8" }).stdout.trim();
  const out = join(folder, name);
  const command = `gcc ${flags} -o ${out} ${source}`;
  const { status, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return out;
}
