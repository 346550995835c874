// smpbox explore: proofs, counterexamples that replay, deadlocks, bounds, exit codes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");

function explore(...words: string[]) {
  const command = [main, "explore", "explore", ...words];
  return spawnSync(process.execPath, command, { encoding: "utf8" });
}

const UNFENCED = ["--entry", "peterson_unfenced(0,1),peterson_unfenced(1,1)",
  "--predicate", "peterson_count == 2"];

/** Entries, predicate; the variant without the fence or the lock. */
const PAIRS: [string, string, string][] = [
  ["peterson(0,1),peterson(1,1)", "peterson_count == 2",
    "peterson_unfenced(0,1),peterson_unfenced(1,1)"],
  ["dekker(0),dekker(1)", "dekker_count == 2", "dekker_unfenced(0),dekker_unfenced(1)"],
  ["ticket,ticket,ticket", "ticket_count == 3", "ticket_unlocked,ticket_unlocked,ticket_unlocked"],
  ["mcs(0),mcs(1),mcs(2)", "mcs_count == 3", "mcs_unlocked(0),mcs_unlocked(1),mcs_unlocked(2)"],
  ["deque_owner,deque_thief,deque_thief", "deque_ok",
    "deque_owner_unfenced,deque_thief,deque_thief"],
];

describe.each(PAIRS)("%s", (entry, predicate, broken) => {
  it("is proved", () => {
    const { status, stdout, stderr } = explore("--entry", entry, "--predicate", predicate);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^Model explore: x86-TSO, all interleavings \(\d+ machine states\)$/m);
    expect(stdout).toMatch(/^Proved: it holds in /m);
    expect(status).toBe(0);
  });

  it("is broken without its fence or lock, with a line that shows it", () => {
    const { status, stdout } = explore("--entry", broken, "--predicate", predicate);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^step +CPU +does +buffer of P0 +buffer of P1/m);
    const line = /^reproduce: smpbox explore explore .*--replay (\S+)$/m.exec(stdout)!;
    const again = explore(
      "--entry", broken, "--predicate", predicate, "--replay", line[1]);
    expect(again.status).toBe(1);
    const table = (text: string) => text.slice(text.indexOf("\nstep "));
    expect(table(again.stdout)).toBe(table(stdout));
  });
});

it("says which store was late, and that it takes one", () => {
  const { stdout } = explore(...UNFENCED);
  expect(stdout).toContain("P0's store to peterson_wants[0] was still in its store buffer when " +
    "P0 loaded peterson_wants[1]");
  expect(stdout).toContain("peterson_unfenced+");
  const inOrder = explore(...UNFENCED, "--model", "sc");
  expect(inOrder.status).toBe(0);
  expect(inOrder.stdout).toContain("Proved: it holds");
});

it("names who waits in a deadlock, and a function that nobody wakes", () => {
  const { status, stdout } = explore("--entry", "lock_ab,lock_ba");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^\*>P0 \(lock_ab\) waits for a lock at lock_ab\+0x\w+; P1 /m);
  expect(stdout).toContain("no store was late in it");
  expect(explore("--entry", "sleep_wait_unfenced,sleep_wake").stdout)
    .toContain("P0 (sleep_wait_unfenced) sleeps for ever at");
});

it("searches at random, for a seed", () => {
  const words = [...UNFENCED, "--runs", "3000", "--depth", "3", "--seed", "7"];
  const { status, stdout } = explore(...words);
  expect(status).toBe(1);
  expect(stdout).toContain("3000 runs random priorities that change 2 times, seed 7");
  expect(explore(...words).stdout).toBe(stdout);
  const right = explore("--entry", "dekker(0),dekker(1)", "--predicate", "dekker_count == 2",
    "--runs", "100");
  expect(right.status).toBe(0);
  expect(right.stdout).toContain("that is no proof");
});

it("reports a bound that was hit", () => {
  const { status, stdout } = explore(
    "--entry", "peterson(0,3),peterson(1,3)", "--predicate", "peterson_count == 6",
    "--max-states", "50");
  expect(status).toBe(124);
  expect(stdout).toContain("Incomplete: stopped after 50 machine states");
  expect(stdout).not.toContain("Proved");
});

it("prints one document", () => {
  const { status, stdout } = explore(...UNFENCED, "--json");
  expect(status).toBe(1);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    schema: "smpbox-explore-1", holds: false, complete: true,
    states: [{ state: "peterson_count=2;", verdict: "right" },
      { state: "peterson_count=1;", verdict: "wrong" }],
    failure: { verdict: "wrong", schedule: expect.stringMatching(/^[A-Pa-p0-9]+:[0-9a-fx.]+$/) },
  });
  expect(document.failure.witness[0]).toMatch(/^step/);
});

it("begins with the memory of a machine that was stopped", () => {
  const folder = mkdtempSync(join(tmpdir(), "smpbox-explore-"));
  try {
    const capsule = join(folder, "bench.sbx");
    const record = ["run", "bench", "--machine", "uni1", "--append", "-- bench scale=1",
      "--record", capsule];
    // The start-up code has stored the number of its arguments by then.
    const ran = spawnSync(process.execPath, [main, ...record, "--snapshot-at", "8000000"]);
    expect(ran.status).toBe(0);
    const words = ["--entry", "memset(&mini_envp,1,8)", "--predicate"];
    const ask = (image: string, predicate: string) => spawnSync(
      process.execPath, [main, "explore", image, ...words, predicate], { encoding: "utf8" });
    expect(ask("bench", "mini_argc == 0").status).toBe(0);
    expect(ask(capsule, "mini_argc == 0").status).toBe(1);
    const after = ask(capsule, "mini_argc == 2 && mini_envp:4[0] == 16843009");
    expect(after.stdout).toContain("Proved");
    spawnSync(
      process.execPath, [main, "run", "hello", "--machine", "uni1", "--record", capsule]);
    const without = ask(capsule, "1");
    expect([without.status, without.stderr]).toEqual(
      [2, "smpbox: the capsule has no snapshot: record it with --snapshot-at\n"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  [["--entry", "nothing"], /explore: no symbol nothing/],
  [["--entry", "dekker(0),dekker(1)", "--predicate", "x =="], /--predicate x ==/],
  [["--entry", "dekker(0),dekker(1)", "--replay", "A!"], /schedule: letter 2 is !/],
  [["--entry", "dekker(0),dekker(1)", "--replay", "A:40x"], /schedule: 40x is no range of words/],
  [["--entry", "dekker(0),dekker(0),dekker(0),dekker(0),dekker(0)"], /--entry takes 1 to 4/],
  [[], /--entry/],
])("usage: %s", (words, message) => {
  const { status, stderr } = explore(...words);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
