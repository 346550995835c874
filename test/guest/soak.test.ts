// aio-stress knows which sectors are bad: an error where none was injected, or none where one was,
// ends it. A short soak, with files, bad sectors and a drive that is pulled, loses nothing.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";

afterAll(() => Machine.shutdown());

async function stress(disks: string[], words: string) {
  const machine = await Machine.create({
    machine: "clovertown", image: "aiostress", workers: 1, maxCycles: 2_000_000_000n,
    disks: parseDisks(2, "model=uniform:15-40", ...disks), irqPolicy: "round-robin",
    append: `fs=1 -- aiostress requests=300 ${words}`,
  });
  let text = "";
  const { exit } = await machine.run({
    onConsole: (bytes) => (text += new TextDecoder().decode(bytes)),
  });
  machine.close();
  return `${exit}: ${text.trim()}`;
}

describe("aio-stress", () => {
  const BAD = "1:error=both:512-767";
  it.each([
    ["errors as they were injected", [BAD], "bad=1:rw:512-767", /^0: .* [1-9]\d* errors$/],
    ["an error that was not injected", [BAD], "", /^2: .*failed, and none is bad$/],
    ["no error where one was injected", [], "bad=1:rw:512-767", /^2: .*one is bad$/],
    ["reads and writes are two", [BAD], "bad=1:r:512-767", /^2: .*a write of .*none is bad$/],
    ["a drive that is gone", ["1:gone=20"], "pulled=1", /^0: .* 1 drives gone, [1-9]\d* errors$/],
    ["a drive that may go and does not", [], "pulled=1", /^0: .* 0 drives gone, 0 errors$/],
  ])("%s", async (_, disks, words, told) => {
    expect(await stress(disks, `disks=2 ${words}`)).toMatch(told);
  }, 60_000);

  // The first file's blocks come behind the journal's 1024.
  const FILE_BAD = `0:error=both:${1024 * 8 + 512}-${1024 * 8 + 767}`;
  it.each([
    ["by O_DIRECT, as injected", "bad=0:rw:512-767", /^0: .* [1-9]\d* errors$/],
    ["by O_DIRECT, not told", "", /^2: .*failed, and none is bad$/],
  ])("files %s", async (_, words, told) => {
    expect(await stress([FILE_BAD], `disks=3 files=2 ${words}`)).toMatch(told);
  }, 60_000);

  // The second file's are behind the 4096 reserved for the first.
  const CACHED_BAD = `0:error=both:${(1024 + 4096) * 8 + 512}-${(1024 + 4096) * 8 + 767}`;
  it.each([
    ["as injected", "bad=1:rw:512-767", /^0: .* [1-9]\d* errors$/],
    ["not told", "", /^2: .*none is bad$/],
  ])("files through the page cache, %s: each request ends", async (_, words, told) => {
    expect(await stress([CACHED_BAD], `disks=3 files=2 ${words}`)).toMatch(told);
  }, 60_000);

  it.each([
    ["bad=1:r:512-767", /: bad=1: through the page cache: whole pages, rw$/],
    ["bad=1:rw:516-767", /: bad=1: through the page cache: whole pages, rw$/],
    ["bad=1::512-767", /: bad=: r, w or rw between the colons$/],
    ["pulled=1", /: pulled=1: what is in the page cache is read anyway$/],
  ])("does not take %s of a file through the page cache", async (words, told) => {
    expect(await stress([], `disks=3 files=2 ${words}`)).toMatch(told);
  }, 60_000);

  const soak = async (...words: string[]) => {
    const script = join(packageRoot(), "scripts", "soak.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...words]);
    expect(stdout).toContain("nothing lost, nothing hung, all AIO contexts destroyed");
    const [, requests, errors] = /: (\d+) requests, \d+ bytes .*, (\d+) errors/.exec(stdout)!;
    return { requests: Number(requests), errors: Number(errors) };
  };

  it("soaks", async () => {
    const { requests, errors } = await soak("--requests", "800", "--files", "8", "--pulled", "10");
    expect(requests).toBe(800);
    expect(errors).toBeGreaterThan(0);
  }, 120_000);

  it("is not content with a drive that was to go and did not", async () => {
    await expect(soak("--requests", "60", "--pulled", "1000")).rejects
      .toMatchObject({ stdout: expect.stringContaining("0 of 1 drives were seen to go") });
  }, 120_000);

  it.each([
    ["17:3,17:4", "disk 17 is named twice, and a drive goes once: name each disk once"],
    // Without a disk it is 17.
    ["5,4:2,17:9", "disk 17 is named twice, and a drive goes once: name each disk once"],
    ["30:1", "write COMMAND or DISK:COMMAND, with a comma between two; DISK is 1 to 29"],
  ])("--pulled %s is refused", async (pulled, why) => {
    await expect(soak("--requests", "60", "--pulled", pulled)).rejects
      .toMatchObject({ code: 2, stdout: "", stderr: `--pulled ${pulled}: ${why}\n` });
  }, 120_000);

  it("soaks on disks that seek, with files and two drives that are pulled", async () => {
    const { requests, errors } = await soak(
      "--requests", "300", "--model", "sas15k", "--files", "4", "--pulled", "3,23:2",
    );
    expect(requests).toBe(300);
    // 33 disks and files have 9 requests or 10 each, a command or more; these drives did 2 and 1.
    expect(errors).toBeGreaterThanOrEqual(7 + 8);
  }, 240_000);
});
