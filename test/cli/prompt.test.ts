// The prompt of smpbox crash, typed at through a pseudo-terminal: Tab, Ctrl-C and history.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { hasTool } from "../support/tools.ts";

/** Types each key of argv[1] once the prompt is there (~: after 2 s); writes what is shown. */
const TYPIST = `
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
def until(count):
    global shown
    while shown.count(b"crash> ") < count:
        shown += os.read(fd, 65536)
until(1)
for line in sys.argv[1].split("|"):
    seen = shown.count(b"crash> ")
    for key in line.encode().decode("unicode_escape").encode():
        if key == ord("~"):
            time.sleep(2)
            continue
        os.write(fd, bytes([key]))
        time.sleep(0.03)
    if line != "q\\\\r":
        until(seen + 1)
try:
    while True:
        data = os.read(fd, 65536)
        if not data: break
        shown += data
except OSError:
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const python = hasTool("python3", "python3");

/** A session of `keys`, a line each, on what `words` have run. */
function typed(keys: readonly string[], ...words: string[]) {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  return spawnSync("python3", ["-c", TYPIST, keys.join("|"), process.execPath, main, "crash",
    ...words, "--progress", "none"], { encoding: "utf8", timeout: 100_000 });
}

it.skipIf(!python)("Tab completes, Ctrl-C keeps the session, history lists", () => {
  const keys = ["p\\td nr_c\\t\\r", "pd 40\\x03", "pd 1 + 1\\r", "history\\r", "q\\r"];
  const { stdout, status } = typed(keys, "hello", "--machine", "conroe", "--at", "1000000");
  expect(stdout).toContain("nr_cpus = $1 = 2");
  expect(stdout).toContain("^C");
  expect(stdout).toContain("$2 = 2");
  // What Ctrl-C dropped was not executed, and is none of the lines.
  expect(stdout).not.toContain("= 40");
  expect(stdout).toMatch(/\[1\] pd nr_cpus\r?\n\[2\] pd 1 \+ 1\r?\n\[3\] history/);
  expect(status).toBe(0);
}, 120_000);

it.skipIf(!python)("Ctrl-C stops the command that runs, and the session goes on", () => {
  // why repeats the run with all accesses: it takes long enough to be stopped.
  const { stdout, status } = typed(["why\\r~\\x03", "pd 1 + 1\\r", "q\\r"], "w001",
    "--append", "v001k=7 -- w001 W001i s=0 r=2 rounds=4000", "--at", "40000000");
  expect(stdout).toMatch(/why\s+\^C\s.*pd 1 \+ 1\s+\$1 = 2/s);
  expect(stdout).not.toMatch(/Nothing to explain|overtook|Lost wake-up|bug of smpbox/);
  expect(status).toBe(0);
}, 120_000);
