// The same code in a page: the same final state hash as in Node, on any number of workers.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { answerOf, findChromium } from "./chromium.ts";

interface Job {
  machine: string;
  image: string;
  append?: string;
  workers: number;
  seed: number;
  /** One of its workers dies. */
  breaks?: boolean;
}

const W001 = "-- w001 W001i s=0 r=1 rounds=300 spin=14";
const WORKLOADS = [
  { image: "hello" },
  { image: "w001", append: `v001k=0 ${W001}` },
  { image: "w001", append: `v001k=7 ${W001}` },
  { image: "system" },
];
const JOBS: Job[] = ["clovertown", "conroe"].flatMap((machine) =>
  WORKLOADS.flatMap((workload) =>
    [1, 2].map((workers) => ({ machine, ...workload, workers, seed: 1 })),
  ),
);
// 32 CPUs: SMT, an L3, two home agents
for (const workers of [1, 2]) JOBS.push({ machine: "illumos32", image: "hello", workers, seed: 1 });
const BROKEN: Job = { machine: "clovertown", image: "hello", workers: 2, seed: 1, breaks: true };

const chromium = findChromium();
if (!chromium) console.log("skipped: no Chromium is installed (apt-get install chromium)");
it.runIf(process.env.CI === "true")("CI has Chromium", () => expect(chromium).toBeDefined());

describe.runIf(chromium)("in headless Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "smpbox-web-"));
  let ends: string[][];

  beforeAll(async () => {
    const script = join(packageRoot(), "scripts", "build-web.mjs");
    execFileSync(process.execPath, [script, folder], { stdio: "pipe" });
    const page = join(packageRoot(), "test", "browser", "page.html");
    const { M_CLUSTER_BASES, MACHINE_BASE } = abi;
    const jobs = { M_CLUSTER_BASES, MACHINE_BASE, jobs: [...JOBS, BROKEN] };
    const answer = await answerOf(chromium!, folder, page, jobs);
    expect(answer).toHaveProperty("ends");
    ({ ends } = answer as { ends: string[][] });
  }, 600_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await Machine.shutdown();
  });

  const title = ({ machine, image, append }: Job) => `${machine}, ${image} ${append ?? ""}`;

  const even = JOBS.filter((_, i) => i % 2 === 0);
  it.each(even.map((job, i) => [title(job), job, 2 * i] as const))("%s", async (_, job, i) => {
    const machine = await Machine.create({ ...job, seed: BigInt(job.seed) });
    const { exit, cycles, instructions, stateHash } = await machine.run();
    machine.close();
    const end = [exit, cycles, instructions, stateHash].map(String);
    expect(ends[i], "1 worker").toEqual(end);
    expect(ends[i + 1], "2 workers").toEqual(end);
  });

  it("another workload or machine is another state", () => {
    const hashes = ends.slice(0, JOBS.length).map((end) => end[3]);
    expect(new Set(hashes).size).toBe(JOBS.length / 2);
  });

  it("a worker that dies ends the run with its reason", () => {
    expect(ends[JOBS.length]).toEqual([expect.stringMatching(/memory access out of bounds/)]);
  });
});
