// smpbox barriers: the README's own example, litmus files, the matrix, one placement, errors.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { numberOf } from "../../src/machine/preset.ts";
import { hasTool } from "../support/tools.ts";

const root = packageRoot();
const main = join(root, "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-barriers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const smpbox = (...words: string[]) =>
  spawnSync(process.execPath, [main, ...words], { encoding: "utf8", cwd: folder });
const barriers = (...words: string[]) => smpbox("barriers", ...words);

/** The program of the section; what its commands print is compared in package/readme.test.ts. */
function example(): string {
  const text = readFileSync(join(root, "README.md"), "utf8");
  return /\n```c sleep\.c\n(.*?)\n```\n/s.exec(text)![1];
}

describe.skipIf(!hasTool("gcc", "gcc"))("the example in the README", () => {
  it("is written with fences, and then proved", () => {
    const source = example();
    expect(source.split("\n").length).toBeLessThanOrEqual(35);
    writeFileSync(join(folder, "sleep.c"), `${source}\n`);
    const flags = smpbox("cflags").stdout.trim();
    execFileSync("sh", ["-c", `gcc ${flags} -o sleep sleep.c`], { cwd: folder, stdio: "pipe" });
    const at = ["sleep", "--entry", "waker,sleeper", "--at", "waker=mfence,sleeper=lock"];
    const { stdout } = barriers(...at, "-o", "fixed");
    expect(stdout).toContain("Proved: every CPU comes to its end");
    expect(smpbox("explore", "fixed", "--entry", "waker,sleeper").status).toBe(0);
    expect(smpbox("explore", "sleep", "--entry", "waker,sleeper").status).toBe(1);
    expect(smpbox("run", "fixed", "--machine", "conroe").status).toBe(0);
  });
});

const STORE_BUFFERING = `
#include <mini.h>
#include <smpbox.h>
volatile int x[16], y[16], saw_x, saw_y;
void left(void) { store_site("x", x[0], 1); barrier_site("left"); saw_y = 1 + y[0]; }
void right(void) { y[0] = 1; barrier_site("right"); saw_x = 1 + x[0]; }
int main(void) { left(); right(); return 0; }
`;

it.skipIf(!hasTool("gcc", "gcc"))("measures what placements cost, and how often none fails", () => {
  writeFileSync(join(folder, "sb.c"), STORE_BUFFERING);
  const flags = smpbox("cflags").stdout.trim();
  execFileSync("sh", ["-c", `gcc ${flags} -o buffering sb.c`], { cwd: folder, stdio: "pipe" });
  const words = ["buffering", "--entry", "left,right", "--predicate", "saw_x + saw_y > 2",
    "--kinds", "none,mfence,xchg", "--machines", "clovertown", "--runs", "300", "--json"];
  const document = JSON.parse(barriers(...words).stdout);
  const { costs } = document;
  const none = costs.find(({ verdict }: { verdict: string }) => verdict === "broken");
  expect(none.placement).toEqual({ x: "plain", left: "none", right: "none" });
  expect(none.failures).toBeGreaterThan(30);
  const safe = costs.filter((cost: { verdict: string }) => cost.verdict === "safe");
  // x by exchange needs no fence behind it.
  expect(safe.length).toBe(6);
  for (const { failures, runs, median, p99, ci95 } of safe) {
    expect([failures, runs]).toEqual([0, 300]);
    expect(ci95[1]).toBeLessThan(0.02);
    // A fence waits for a store to a line that is remote.
    expect(median).toBeGreaterThan(none.median + 50);
    expect(p99).toBeGreaterThanOrEqual(median);
  }
  const again = JSON.parse(barriers(...words).stdout);
  expect(again.costs).toEqual(costs);
  const text = barriers(...words.slice(0, -1)).stdout;
  expect(text).toContain("clovertown: cycles of all functions together");
  expect(text.replace(/\s+/g, " ")).toContain(`${none.clock} cycles for the clock`);
  expect(none.clock).toBeGreaterThan(50);
  expect(none.measured).toBe(300 - none.failures);
  // No failure in 300 runs: at most 1.3 % fail, by Wilson's interval.
  expect(text).toMatch(/^\* .* safe +< 1\.3 % +300 /m);
  expect(text).toMatch(/ broken +\d+ \(\d+\.\d-\d+\.\d %\) /);
  const table = text.slice(text.indexOf("\nclovertown:"));
  expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

describe.skipIf(!hasTool("gcc", "gcc"))("a site", () => {
  function compiled(body: string) {
    const source = `#include <mini.h>\n#include <smpbox.h>\n` +
      `volatile char c; volatile short s; volatile int i; volatile long l;\n` +
      `int main(void) { ${body} return 0; }\n`;
    writeFileSync(join(folder, "site.c"), source);
    const flags = smpbox("cflags").stdout.trim();
    return spawnSync("sh", ["-c", `gcc ${flags} -o site site.c`], {
      cwd: folder, encoding: "utf8",
    });
  }

  it.each(["c", "s"])("that stores to a %s of 1 or 2 bytes does not compile", (place) => {
    const { status, stderr } = compiled(`store_site("x", ${place}, 1);`);
    expect(stderr).toContain("store_site() stores 4 or 8 bytes");
    expect(status).not.toBe(0);
  });

  it("with a long name does not compile", () => {
    const name = "n".repeat(32);
    for (const text of [`barrier_site("${name}");`, `store_site("${name}", i, 1);`]) {
      const { status, stderr } = compiled(text);
      expect(stderr).toContain("the name of a site has at most 31 characters");
      expect(status).not.toBe(0);
    }
  });

  it("compiles with 31 characters and 4 or 8 bytes", () => {
    const name = "n".repeat(31);
    const { stderr } = compiled(
      `if (i) barrier_site("${name}"); else store_site("i", i, 1); store_site("l", l, 1);`);
    expect(stderr).toBe("");
    expect(barriers("site", "--entry", "main", "--kinds", "mfence,xchg").stdout)
      .toContain("12 placements");
  });

  it.each(["a=b", "a,b", "a*"])("%s is refused", (name) => {
    expect(compiled(`barrier_site("${name}");`).stderr).toBe("");
    const { stderr, status } = barriers("site", "--entry", "main");
    expect(stderr).toMatch(/^smpbox: site: the name of site a\S+ has =, , or \* in it/);
    expect(status).toBe(2);
  });
});

it("shows the run that breaks one placement", () => {
  const words = ["explore", "--entry", "m1_wake,m1_wait", "--at", "wM1.wake=mfence"];
  const { stdout, status } = barriers(...words);
  expect(status).toBe(0);
  expect(stdout).toContain("sleeps for ever at m1_wait+");
  expect(stdout).toMatch(/^step +CPU +does +buffer of P0/m);
  expect(stdout).toContain("P1's store to m1_queued was still in its store buffer");
});

it("prints one document, with a schedule for what is broken", () => {
  const words = ["explore", "--entry", "m5_driver,m5_device", "--sites", "wM5.*", "--json"];
  const document = JSON.parse(barriers(...words).stdout);
  expect(document).toMatchObject({ schema: "smpbox-barriers-1", entries: "m5_driver,m5_device" });
  expect(document.sites.map(({ name }: { name: string }) => name))
    .toEqual(["wM5.driver", "wM5.device"]);
  expect(document.placements.length).toBe(36);
  for (const { verdict, schedule } of document.placements) {
    expect(typeof schedule).toBe(verdict === "broken" ? "string" : "undefined");
  }
  const minimal = document.placements.filter((item: { minimal: boolean }) => item.minimal);
  expect(minimal.length).toBe(9);
  expect(minimal[0].placement).toEqual({ "wM5.driver": "mfence", "wM5.device": "mfence" });
});

it.each([
  ["SB", "a full fence at P0.1 and a full fence at P1.1"],
  ["MP", "No barrier is needed"],
  ["R", "a full fence at P1.1"],
])("%s.litmus", (name, sentence) => {
  const { stdout, status } = barriers(join(root, "workloads", "litmus", `${name}.litmus`));
  expect(stdout.replace(/\n/g, " ")).toContain(sentence);
  expect(status).toBe(0);
});

it("measures a litmus test on machines, and shows one placement of it", () => {
  const test = join(root, "workloads", "litmus", "SB.litmus");
  const svg = join(folder, "sb.svg");
  const words = [test, "--machines", "clovertown,conroe", "--runs", "300", "--svg", svg];
  const { costs } = JSON.parse(barriers(...words, "--json").stdout);
  // A chart has all of them.
  expect(costs.length).toBe(2 * 16);
  for (const { placement, verdict, failures, runs, median } of costs) {
    const full = [placement["P0.1"], placement["P1.1"]].filter((kind) => kind === "mfence").length;
    expect(verdict).toBe(full === 2 ? "safe" : "broken");
    expect(runs).toBe(300);
    if (full === 2) expect(failures).toBe(0);
    if (full === 0 && placement["P0.1"] === "none") expect(failures).toBeGreaterThan(5);
    expect(median).toBeGreaterThan(20);
  }
  expect(readFileSync(svg, "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
  const at = (text: string) => barriers(test, "--at", text, "-o", join(folder, "at.litmus"));
  expect(at("P0.1=mfence").stdout).toMatch(/^Observation SB Sometimes 1 /m);
  expect(at("P0.1=mfence,P1.1=mfence").stdout).toMatch(/^Observation SB Never 0 /m);
  expect(smpbox("litmus", join(folder, "at.litmus")).stdout).toMatch(/^Observation SB Never 0 /m);
});

it("judges the matrix of case 001, and a line shows a hang again", () => {
  const { cells } = JSON.parse(barriers("001", "--matrix", "--json").stdout);
  expect(cells.length).toBe(540);
  const of = (memory: string, verdict: string) => cells.filter(
    (cell: { memory: string; verdict: string }) =>
      cell.memory === memory && cell.verdict === verdict);
  expect([of("tso", "hang").length, of("sc", "hang").length]).toEqual([187, 0]);
  expect(cells[0]).toMatchObject({ layout: 24, memory: "tso", completer: "k0", waiter: "a" });
  for (const { states, seconds } of cells) {
    expect(states).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(0);
  }
  const line: string = of("tso", "hang")[100].reproduce;
  const words = line.replaceAll("'", "").split(" ");
  expect(smpbox(...words.slice(1)).status).toBe(1);
});

it("asks every program of a case, and says which fences help nobody", () => {
  const verdicts = (id: string) => {
    const { stdout, status } = barriers(id, "--json");
    expect(status).toBe(0);
    const { programs } = JSON.parse(stdout);
    return programs.map((program: { id: string; verdict: string }) =>
      `${program.id}: ${program.verdict}`).join("\n");
  };
  const disorder = "No barrier at these sites helps; it is broken under sequential consistency, " +
    "too: not an ordering bug.";
  expect(verdicts("003")).toMatch(new RegExp(
    `^003.X1: ${disorder}\n003.X5: Needed, and enough: a full fence at 003.X7. .*\n` +
    `003.X7: ${disorder}$`));
  expect(barriers("002").stdout.replace(/\n/g, " ")).toContain(disorder);
  const needed = (id: string, ...sites: string[]) =>
    `^${id}: Needed, and enough: ${sites.map((site) => `a full fence at ${site}`).join(" and ")}`;
  const modern = verdicts("M");
  expect(modern).toMatch(new RegExp(needed("wM1", "wM1.wake", "wM1.wait"), "m"));
  expect(modern).toMatch(new RegExp(needed("wM4", "wM4.app", "wM4.poll"), "m"));
  expect(modern).toMatch(new RegExp(needed("wM5", "wM5.driver", "wM5.device"), "m"));
  expect(modern).toMatch(/^wM6: No barrier is needed/m);
  expect(modern).toMatch(new RegExp(needed("wM7", "wM7.resume", "wM7.block"), "m"));
});

it("takes one program of a case by its name", () => {
  const { stdout } = barriers("wM5", "--kinds", "none,mfence");
  expect(stdout).toContain("4 placements, 4 explored");
  expect(stdout).toMatch(/^why: smpbox barriers explore --entry m5_driver,m5_device --at none$/m);
  expect(barriers("wM5", "--at", "wM5.driver=mfence,wM5.device=lock").stdout)
    .toContain("Proved: every CPU comes to its end");
});

it("prints the pairs of cases 003 and M, and a line shows what goes wrong", () => {
  const { cells } = JSON.parse(barriers("003", "--matrix", "--json").stdout);
  expect(cells.length).toBe(28);
  const x5 = cells.find((cell: { id: string; memory: string }) =>
    cell.id === "x5" && cell.memory === "tso");
  expect(x5).toMatchObject({ verdict: "hang", useAfterFree: true });
  for (const line of [x5.reproduce, x5.reproduceLate] as string[]) {
    expect(smpbox(...line.replaceAll("'", "").split(" ").slice(1)).status).toBe(1);
  }
  const { stdout } = barriers("M", "--matrix");
  expect(stdout).toMatch(/^M4 SQPOLL +mb +mb +safe +safe +\d+ +[\d.]+$/m);
  expect(stdout).toMatch(/^M4 SQPOLL +mb +none +safe +hang +\d+ +[\d.]+$/m);
});

const MACHINES = ["clovertown", "conroe", "nehalem-ep", "zen"];
/** Hot medians from below, each at least so many cycles above the one before. */
const ORDER: Record<string, [string[], number]> = {
  clovertown: [["k0", "k7", "k12"], 5],
  conroe: [["k0", "k7", "k12"], 5],
  "nehalem-ep": [["k0", "k7"], 15],
  // MFENCE alone is slow there.
  zen: [["k0", "k8", "k7"], 15],
};

it("says what a completion of case 001 costs, its lines in the L1 and at another CPU", () => {
  const svg = join(folder, "completions.svg");
  const words = ["001", "--machines", MACHINES.join(), "--runs", "32", "--json", "--svg", svg];
  type State = "hot" | "remote" | "beside";
  type Measured = { runs: number; measured: number; median: number; p99: number; clock: number };
  type Row = Record<State, Measured> & {
    beside: { failures: number; ci95: [number, number]; medianCi95: [number, number] };
    machine: string; completer: string; safe: boolean; cheapest: State[]; relation: string;
  };
  const { costs }: { costs: Row[] } = JSON.parse(barriers(...words).stdout);
  for (const machine of MACHINES) {
    const own = costs.filter((row) => row.machine === machine);
    expect(own.map(({ completer }) => completer))
      .toEqual(["k0", "k7", "k8", "k9", "k10", "k11", "k12"]);
    expect(own.filter(({ safe }) => !safe).map(({ completer }) => completer)).toEqual(["k0"]);
    const of = (name: string) => own.find(({ completer }) => completer === name)!;
    const far = own[0].relation === "other socket";
    expect(far).toBe(machine !== "conroe");
    const transfer = numberOf(
      loadPreset(machine), far ? "latency.socketOwn" : "latency.siblingOwn");
    // A full fence waits for no line that is here already, and for those of the ring and of its
    // tail if they are not; without one only the lock's line is waited for.
    for (const name of ["k7", "k8", "k9", "k10", "k11", "k12"]) {
      const more = (state: State) => of(name)[state].median - of("k0")[state].median;
      const where = `${machine} ${name}`;
      expect(more("hot"), where).toBeGreaterThan(4);
      expect(more("hot"), where).toBeLessThan(Math.max(transfer, 100));
      expect(more("remote"), where).toBeGreaterThan(transfer);
    }
    const slower = of("k0").remote.median - of("k0").hot.median;
    expect(slower).toBeGreaterThan(transfer / 2);
    expect(slower).toBeLessThan(2 * transfer);
    const [order, margin] = ORDER[machine];
    order.slice(1).forEach((name, i) =>
      expect(of(name).hot.median, `${machine} ${name}`)
        .toBeGreaterThanOrEqual(of(order[i]).hot.median + margin));
    for (const { hot, remote, beside, safe, cheapest } of own) {
      for (const { runs, median, p99 } of [hot, remote, beside]) {
        expect(runs).toBe(32);
        expect(p99).toBeGreaterThanOrEqual(median);
      }
      expect(beside.median).toBeGreaterThan(hot.median);
      expect(beside.measured).toBe(beside.runs - beside.failures);
      expect(beside.ci95[1]).toBeGreaterThan(beside.failures / beside.runs);
      expect(beside.medianCi95[0]).toBeLessThanOrEqual(beside.median);
      expect(beside.medianCi95[1]).toBeGreaterThanOrEqual(beside.median);
      if (safe) expect(beside.failures).toBe(0);
      else expect(cheapest).toEqual([]);
    }
    for (const state of ["hot", "remote"] as const) {
      const medians = own.filter(({ safe }) => safe).map((row) => row[state].median);
      const marked = own.filter(({ cheapest }) => cheapest.includes(state));
      expect(new Set(marked.map((row) => row[state].median))).toEqual(
        new Set([Math.min(...medians)]));
    }
  }
  const drawing = readFileSync(svg, "utf8");
  expect(drawing.match(/<title>/g)).toHaveLength(3 * costs.length);
  expect(drawing).toContain("k7, remote: ");
});

it("prints the costs of completions as a table, against the fence of upstream", () => {
  const { stdout } = barriers("001", "--machines", "conroe", "--runs", "10");
  const cells = (name: string) => new RegExp(`^${name} +(.*)$`, "m").exec(stdout)![1];
  const beside = " +\\d+-\\d+ +\\d+ +(< \\d+ %|\\d+ \\([-.\\d]+ %\\))$";
  expect(cells("k0")).toMatch(
    new RegExp(`^broken +\\d+ +-\\d+ +\\d+ +\\d+ +-\\d+ +\\d+${beside}`));
  expect(cells("k7")).toMatch(
    new RegExp(`^safe +\\*?\\d+ +0 +\\d+ +\\*?\\d+ +0 +\\d+${beside}`));
  expect(stdout.match(/ \*\d/g)!.length).toBeGreaterThanOrEqual(2);
  expect(stdout).toContain("conroe: measured on CPU 0; CPU 1, same L2, has written");
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

describe("usage", () => {
  it.each([
    [[], "name an image with barrier sites"],
    [["explore"], "--entry: name a function for each CPU"],
    [["explore", "--entry", "m1_wake,m1_wait", "--sites", "no"], "--sites no: explore has"],
    [["explore", "--entry", "m1_wake,m1_wait"], "placements are too many"],
    [["explore", "--entry", "m1_wake,m1_wait", "--kinds", "iron"], "--kinds iron: choose from"],
    [["explore", "--entry", "m1_wake,m1_wait", "--at", "wM1.wake"], "write site=kind"],
    [["explore", "--entry", "m1_wake,m1_wait", "--at", "wM1.wake=iron"], "iron is not one of"],
    [["hello", "--entry", "main"], "no barrier sites; put barrier_site"],
    [["no.litmus"], "no.litmus: cannot be read"],
    [["no.litmus", "--entry", "main"], "a litmus test has its threads and its condition"],
    [[join(root, "workloads", "litmus", "SB.litmus"), "--at", "P0.2=mfence"], "has P0.1, P1.1"],
    [["002", "--matrix"], "001, 003 and M have one"],
    [["003", "--at", "003.X7=mfence"], "instead of 003 name one of 003.X1, 003.X5, 003.X7"],
    [["001", "--matrix", "--machines", "conroe"], "leave --machines out"],
    [["001", "--matrix", "--max-states", "5"], "leave --max-states out"],
    [["001", "--machines", "conroe", "--kinds", "mfence"], "leave --kinds out"],
    [["wM1", "--at", "none", "--machines", "conroe"], "leave --machines out"],
    [["--cost", "--kinds", "mfence"], "--cost: measures every kind; leave --kinds out"],
    [[join(root, "workloads", "litmus", "SB.litmus"), "--kinds", "lock"],
      "--kinds lock: these sites have none, sfence, lfence, mfence"],
    [["wM1", "--seeds", "2"], "--seeds: is for --machines"],
    [["009"], "or a case: 000 to 004, M"],
    [["001", "--machines", "conroe,uni1"], "uni1 has one CPU, and 2 are needed"],
    [["wM1", "--machines", "uni1"], "uni1 has one CPU, and 2 are needed; name a larger one"],
    [[join(root, "workloads", "litmus", "3.SB.litmus"), "--machines", "conroe"],
      "conroe has 2 CPUs, and 3 are needed"],
  ])("%j", (words, message) => {
    const { status, stderr } = barriers(...words);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
