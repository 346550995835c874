// What the explore engine does not model is said, never proved: code that is written, time, loops
// too long to tell from endless ones; and verdicts about loops imply nothing of other placements.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { imageSurvey, survey } from "../../src/engine/barriers.ts";
import { ask } from "../../src/engine/explore-image.ts";
import { explorationLines } from "../../src/report/exploration.ts";
import { hasTool } from "../support/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-limits-"));
afterAll(() => rmSync(folder, { recursive: true }));

function compiled(name: string, code: string) {
  const source = join(folder, `${name}.c`);
  const file = join(folder, name);
  writeFileSync(source, `#include <mini.h>\n#include <smpbox.h>\n${code}
int main(void) { return 0; }\n`);
  execFileSync("gcc", [
    "-O2", "-static", "-no-pie", "-nostdlib", "-ffreestanding", "-mgeneral-regs-only",
    "-fno-stack-protector", "-fcf-protection=none", "-Wl,-Ttext-segment=0x2000000",
    "-I", join(packageRoot(), "workloads", "include"), "-o", file, source,
  ], { stdio: "pipe" });
  return { name, bytes: readFileSync(file) };
}

describe.skipIf(!hasTool("gcc", "gcc"))("the explore engine", () => {
  const patched = String.raw`
    volatile int seen, go;
    __asm__(".pushsection .wx, \"awx\", @progbits\n.balign 64\n.globl key\n"
            "key: mov $1, %eax\n\tret\n.balign 64\n.popsection");
    extern int key(void);
    extern unsigned char bytes[] __asm__("key");
    void patch(void) { bytes[1] = 2; go = 1; }
    void use(void) { while (!go); seen = key(); }`;

  it.each(["patch,use", "use,patch"])("refuses code that is written: %s", async (entries) => {
    const image = compiled("patched", patched);
    const { exploration, failure } = await ask(image, { entries, predicate: "seen == 1" });
    expect(exploration.bound).toMatch(/code is written/);
    expect(failure).toBeUndefined();
  });

  it("does not call a long loop an endless one", async () => {
    const image = compiled("long", `
      void count(void) { volatile long n = 0; while (n < 1000000) n++; }
      void spin(void) { volatile long n = 0; for (;;) n = 1; }`);
    const long = await ask(image, { entries: "count" });
    expect(long.exploration.bound).toMatch(/without touching memory that others use/);
    expect(long.failure).toBeUndefined();
  });

  it("has no time", async () => {
    const image = compiled("time", `
      static unsigned now(void) {
        unsigned low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        return low | high;
      }
      int twice(void) {
        unsigned before = now();
        for (volatile int i = 0; i < 9; i++);
        return now() - before;
      }`);
    const { finals } = await ask(image, { entries: "twice" });
    expect(finals.map(({ values }) => values[0] & 0xffffffffn)).toEqual([0n]);
  });

  it("names the exception that a CPU stops with, and where", async () => {
    const image = compiled("fault", `
      void load(void) { *(volatile int *)0x123456789 = 1; }
      void undefined(void) { __asm__ volatile("ud2"); }`);
    const about = async (entries: string) => {
      const question = { entries };
      const answer = await ask(image, question);
      return (await explorationLines("", question, answer, () => "")).join("\n");
    };
    const load = await about("load");
    expect(load).toMatch(/P0 \(load\) stops with #PF, page fault of 0x123456789, at load/);
    expect(load).toContain("Broken: a CPU stops with an exception in this run");
    expect(await about("undefined")).toMatch(/stops with #UD, invalid opcode, at undefined;/);
  });

  it("refuses a predicate that faults, and one about elements of unknown size", async () => {
    const image = compiled("array", `
      volatile unsigned long list[4];
      void set(void) { list[1] = 1; }
      int bad(void) { return *(volatile int *)0; }`);
    const about = (predicate: string) => ask(image, { entries: "set", predicate });
    await expect(about("bad")).rejects.toThrow(/it faults, or does not end/);
    await expect(about("list[1] == 1")).rejects.toThrow(/write list:4\[1\] for one of 4/);
    expect((await about("list:8[1] == 1 && list:8[2] == 0")).failure).toBeUndefined();
    expect((await about("list:8[2] == 1")).failure?.verdict).toBe("wrong");
  });

  /** Both leave when both read 0, which only store buffering brings about: fences forbid it. */
  const escape = `
    volatile int x, y, r0, r1, c0, c1;
    static inline __attribute__((always_inline)) void meet(volatile int *mine, volatile int *other,
                                                           int phase) {
      *mine = phase;
      __asm__ volatile("mfence" : : : "memory");
      while (*other != phase && *other != ((phase + 1) & 3));
    }
    #define SIDE(name, mine, theirs, got, own, other, site)                                  \\
      void name(void) {                                                                      \\
        for (;;) {                                                                           \\
          mine = 1; barrier_site(site); got = theirs; barrier_site(site "2");                \\
          meet(&own, &other, 1); if (!r0 && !r1) return;                                     \\
          meet(&own, &other, 2); mine = 0; meet(&own, &other, 3); meet(&own, &other, 0);     \\
        }                                                                                    \\
      }
    SIDE(p0, x, y, r0, c0, c1, "a")
    SIDE(p1, y, x, r1, c1, c0, "b")`;

  it("implies nothing from a loop that has lost its way out", async () => {
    const image = compiled("escape", escape);
    const { sites, explore } = imageSurvey(image, { entries: "p0,p1" });
    const choices = sites.map((site) => ({
      ...site, kinds: ["none", "sfence", "mfence", "lock", "xchg"] as const,
    }));
    const trials = await survey(choices, explore);
    expect(trials.length).toBe(625);
    const kindOf = (verdict: string) => trials.filter((trial) => trial.verdict === verdict).length;
    expect(kindOf("safe")).toBeGreaterThan(0);
    expect(kindOf("broken")).toBeGreaterThan(0);
    for (const { placement, verdict, impliedBy } of trials) {
      if (impliedBy) expect((await explore(placement)).verdict).toBe(verdict);
    }
  });

  it("explores few of 46,656 placements, and implies what exploring finds", async () => {
    const image = compiled("six", `
      volatile int work, listed, state;
      void wake(void) {
        barrier_site("w1"); work = 1; barrier_site("w2");
        if (listed) { barrier_site("w3"); state = 0; }
      }
      void wait(void) {
        barrier_site("s1"); listed = 1; state = 1; barrier_site("s2");
        if (work) { barrier_site("s3"); state = 0; }
        else SMPBOX_SLEEP_UNTIL_RUNNING(&state);
      }`);
    const { sites, explore } = imageSurvey(image, { entries: "wake,wait" });
    const trials = await survey(sites, explore);
    expect(trials.length).toBe(6 ** 6);
    expect(trials.filter(({ impliedBy }) => !impliedBy).length).toBeLessThan(60);
    const minimal = trials.filter((trial) => trial.minimal);
    expect(minimal.length).toBe(9);
    for (const { placement } of minimal) {
      expect(["w1", "w3", "s1", "s3"].every((name) => placement.get(name) === "none")).toBe(true);
    }
    for (let i = 0; i < trials.length; i += 613) {
      const { placement, verdict } = trials[i];
      expect((await explore(placement)).verdict).toBe(verdict);
    }
  });

  it("tells a loop that stores from one that only reads", async () => {
    const stores = await ask(compiled("escape", escape), { entries: "p0,p1" });
    expect(stores.failure).toBeUndefined();
    expect(stores.exploration.storesInLoop).toBe(true);
    const image = compiled("wait", `
      volatile int ready, told;
      void tell(void) { told = 1; ready = 1; }
      void wait(void) { while (!ready); told = 2; }`);
    const reads = await ask(image, { entries: "tell,wait" });
    expect(reads.failure).toBeUndefined();
    expect(reads.exploration.storesInLoop).toBe(false);
  });
});
