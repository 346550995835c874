// A program of the user's own, built as `smpbox cflags` says: the same file runs natively and in
// the box, with the same output.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { hasTool } from "../support/tools.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-cflags-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SOURCE = `
#include <mini.h>

static u64 fibonacci(u64 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

int main(void)
{
	print("fibonacci(20) = %lu\\n", fibonacci(20));
	return 3;
}
`;

const smpbox = (...words: string[]) =>
  spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });

it.skipIf(!hasTool("gcc", "gcc"))("the same ELF file natively and in the box", () => {
  const source = join(folder, "program.c");
  const program = join(folder, "program");
  writeFileSync(source, SOURCE);
  const flags = smpbox("cflags").stdout.trim();
  execFileSync("sh", ["-c", `gcc ${flags} -o ${program} ${source}`], { stdio: "pipe" });
  const boxed = smpbox("run", program, "--machine", "conroe");
  expect(boxed.stderr).toContain("exit 3");
  expect(boxed.status).toBe(1);
  expect(boxed.stdout.replaceAll("\r", "")).toBe("fibonacci(20) = 6765\n");
  if (process.platform !== "linux" || process.arch !== "x64") return;
  expect(spawnSync(program, { encoding: "utf8" })).toMatchObject({
    status: 3, stdout: "fibonacci(20) = 6765\n",
  });
});
