// Progress: where it is written, and when not.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { Progress, setProgress } from "../../src/cli/progress.ts";
import { packageRoot } from "../../src/core/root.ts";

const { isTTY } = process.stderr;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  setProgress("auto");
  process.stderr.isTTY = isTTY;
});

/** What an update after eleven seconds writes. */
function written(): string {
  let text = "";
  vi.spyOn(process.stderr, "write").mockImplementation((piece) => {
    text += String(piece);
    return true;
  });
  const start = performance.now();
  const progress = new Progress();
  vi.spyOn(performance, "now").mockReturnValue(start + 11_000);
  progress.update(() => "half of it");
  progress.clear();
  return text;
}

it("rewrites a line of a terminal, unless NO_COLOR or TERM=dumb forbid it", () => {
  process.stderr.isTTY = true;
  vi.stubEnv("NO_COLOR", "");
  vi.stubEnv("TERM", "xterm");
  expect(written()).toBe("\r\x1b[Khalf of it\r\x1b[K");
  vi.restoreAllMocks();
  vi.stubEnv("NO_COLOR", "1");
  expect(written()).toBe("half of it\n");
  vi.restoreAllMocks();
  vi.stubEnv("NO_COLOR", "");
  vi.stubEnv("TERM", "dumb");
  expect(written()).toBe("half of it\n");
});

it("is as --progress says", () => {
  process.stderr.isTTY = true;
  setProgress("plain");
  expect(written()).toBe("half of it\n");
  vi.restoreAllMocks();
  setProgress("none");
  expect(written()).toBe("");
});

const smpbox = (env: NodeJS.ProcessEnv, ...words: string[]) => spawnSync(
  process.execPath, [join(packageRoot(), "dist", "src", "cli", "main.js"), ...words],
  { encoding: "utf8", env },
);

it("doctor says what is there, what is not, and what each is for", () => {
  const { status, stdout } = smpbox({ ...process.env, PATH: "/nowhere" }, "doctor");
  expect(status).toBe(0);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(stdout).toContain(`ok      Node.js: ${process.versions.node}\n        for everything`);
  expect(stdout).toMatch(/^ok {6}WebAssembly threads: available$/m);
  expect(stdout).toMatch(/^absent {2}gcc: not found; apt-get install gcc\n {8}for C of your own/m);
  const { findings } = JSON.parse(smpbox(process.env, "doctor", "--json").stdout);
  expect(findings.filter((one: { needed: boolean }) => one.needed)).toHaveLength(6);
});
