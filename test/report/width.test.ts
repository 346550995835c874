// What smpbox case prints, and its reports: no line of more than 100 columns, and none cut. Reports
// of real failures are looked at where they are made; here a run's whole output, and what no run
// of these has.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CaseRun } from "../../src/cases/case.ts";
import { packageRoot } from "../../src/core/root.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import { explainLostWakeup } from "../../src/report/lost-wakeup.ts";
import { fold, foldCommand } from "../../src/report/text.ts";
import { tooWide } from "./report-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-width-"));
afterAll(() => rmSync(folder, { recursive: true }));

const words = (text: string) => text.split(/\s+/).filter(Boolean);
const LONG = "a word and another one, ".repeat(12).trim();

describe("smpbox case", () => {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  it.each([
    // All tasks of a dump wait; the request has more fields than any other.
    ["003", "--seed", "1"],
    ["002", "--seed", "1", "--rounds", "16"],
    ["M", "--workload", "wM7", "--variant", "none/none", "--seed", "1", "--rounds", "1000"],
  ])("%s prints and writes what fits", (...given) => {
    const file = join(folder, "report.txt");
    const options = ["--expect", "fail", "--workers", "1", "--report", file];
    const { stdout, stderr, status } = spawnSync(
      process.execPath, [main, "case", ...given, ...options], { encoding: "utf8", cwd: folder });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("First failure: ");
    expect(tooWide([stdout])).toEqual([]);
    if (given[0] === "M") return;
    const written = readFileSync(file, "utf8");
    expect(written).toContain(`reproduce: smpbox case ${given[0]}`);
    expect(tooWide([written])).toEqual([]);
  }, 60_000);
});

it("an account is folded, and each word of it is there", () => {
  const failure = { invariant: "I", what: "it fails", account: `  ${LONG}\nshort`, events: [] };
  const text = explainLostWakeup({ failure: { ...failure, cause: "no race" } } as
    unknown as CaseRun);
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(words(text)).toEqual(words(`it fails. ${LONG} short`));
  // What belongs to a line that is indented is indented, too.
  expect(text.split("\n").slice(1, -1).every((line) => line.startsWith("  "))).toBe(true);
});

it("whatever a section has is folded", () => {
  const lines = reportLines({
    id: "R", title: LONG, what: LONG, sections: [{
      title: "a section", lines: [LONG, "short  and   as it was"],
      fields: [{ name: "a name", text: LONG }],
      steps: [{
        time: 1n, cpu: 0, label: "A", kind: "load", place: `${LONG}.field`, value: 1n, words: LONG,
      }],
      claims: [{ text: LONG, holds: false }],
    }],
  });
  expect(tooWide(lines)).toEqual([]);
  expect(lines).toContain("short  and   as it was");
  expect(words(lines.join(" ")).filter((word) => word === "another")).toHaveLength(7 * 12);
});

it("a command that is folded is still one for a shell", () => {
  const command = "reproduce: echo " + Array.from({ length: 12 }, (_, i) =>
    `--set 'some.field${i}=${i}'`).join(" ");
  const folded = foldCommand(command);
  expect(tooWide([folded])).toEqual([]);
  expect(folded.split("\n").length).toBeGreaterThan(2);
  const run = (text: string) =>
    spawnSync("sh", ["-c", text.replace("reproduce: ", "")], { encoding: "utf8" }).stdout;
  expect(run(folded)).toBe(run(command));
  expect(run(command)).toContain("some.field11=11");
  expect(foldCommand("reproduce: short")).toBe("reproduce: short");
  expect(fold("  short")).toEqual(["  short"]);
});
