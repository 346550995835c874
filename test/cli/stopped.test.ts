// smpbox crash and c2c as a user meets them: a script goes on behind a wrong line and tells of it.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const smpbox = (...words: string[]) =>
  spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
/** Soon over. */
const SHORT = ["hello", "--machine", "conroe", "--at", "1000000"];

it("crash -c goes on after a line that fails, says what was wrong, and exits with 2", () => {
  const script = "px nothing_is_called_so; pd nr_cpus; bt 99999; ps | grep swapper | wc -l; " +
    "quit; sys";
  const { status, stdout, stderr } = smpbox("crash", ...SHORT, "-c", script);
  expect(stdout).toMatch(/^crash> px nothing.*\ncrash> pd nr_cpus\nnr_cpus = \$1 = 2\n/);
  expect(stdout).toContain("crash> ps | grep swapper | wc -l\n2\n");
  expect(stdout).not.toContain("crash> sys");
  expect(stderr).toContain("crash: nothing_is_called_so: neither an address nor a symbol");
  expect(stderr).toContain("crash: 99999: no task has this PID or address");
  expect(status).toBe(2);
  expect(smpbox("crash", ...SHORT, "-c", "pd nr_cpus; sys").status).toBe(0);
}, 60_000);
