// Barrier sites: records of an image, what is put at them, and what is refused. iced-x86 says what
// the patched bytes are.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { disassembleOne } from "../../src/machine/disassemble.ts";
import { readElf } from "../../src/machine/elf.ts";
import { BARRIERS, type Kind, patchSites, readSites, STORES } from "../../src/machine/sites.ts";

const NAME = "explore.elf";
const read = (name: string) => ({
  name, bytes: readFileSync(join(packageRoot(), "workloads", "prebuilt", name)),
});
const image = read(NAME);
const sites = readSites(image);
const siteOf = (name: string) => sites.find((site) => site.name === name)!;

function codeAt(bytes: Uint8Array, lin: bigint, length: number): Uint8Array {
  const segment = readElf(bytes, NAME).segments.find((item) =>
    lin >= item.lin && lin < item.lin + BigInt(item.data.length))!;
  const from = Number(lin - segment.lin);
  return segment.data.subarray(from, from + length);
}

const TEXTS: Record<string, RegExp> = {
  none: /^nop/, sfence: /^sfence$/, lfence: /^lfence$/, mfence: /^mfence$/,
  lock: /^lock add[l]? \$0,\(%rsp\)$/, xchg: /^xchg %r11,-(0x88|136)\(%rsp\)$/,
};

it.each([...BARRIERS])("a barrier site becomes %s, filled with one NOP", async (kind) => {
  const patched = patchSites(image, sites, new Map([["wM1.wake", kind]]));
  const [{ lin, bytes }] = siteOf("wM1.wake").places;
  const code = codeAt(patched.bytes, lin, bytes);
  const first = await disassembleOne(code, lin);
  expect(first.text).toMatch(TEXTS[kind]);
  const rest = code.subarray(first.bytes.length);
  if (!rest.length) return;
  const second = await disassembleOne(rest, lin + BigInt(first.bytes.length));
  expect(second.text).toMatch(/^nop/);
  expect(first.bytes.length + second.bytes.length).toBe(bytes);
});

it("a store site becomes XCHG with the same operands, and MOV again", async () => {
  const [{ lin, bytes }] = siteOf("wM7.waiters").places;
  const textOf = async (file: Uint8Array) =>
    (await disassembleOne(codeAt(file, lin, bytes), lin)).text;
  const exchanged = patchSites(image, sites, new Map([["wM7.waiters", "xchg"]]));
  const plain = await textOf(image.bytes);
  expect(plain).toMatch(/^mov %/);
  expect(await textOf(exchanged.bytes)).toBe(plain.replace(/^mov/, "xchg"));
  const again = patchSites(exchanged, sites, new Map([["wM7.waiters", "plain"]]));
  expect(again.bytes).toEqual(new Uint8Array(image.bytes));
});

it("changes nothing but the site, and not the image that it was given", () => {
  const before = new Uint8Array(image.bytes);
  const patched = patchSites(image, sites, new Map([["wM1.wake", "mfence"]]));
  expect(new Uint8Array(image.bytes)).toEqual(before);
  const changed = [...patched.bytes.keys()].filter((i) => patched.bytes[i] !== before[i]);
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.at(-1)! - changed[0]).toBeLessThan(8);
  const back = patchSites(patched, sites, new Map([["wM1.wake", "none"]]));
  expect(back.bytes).toEqual(before);
});

it("reads the names, kinds and places; an image without sites has none", () => {
  expect(siteOf("wM4.flag")).toMatchObject({ kinds: STORES, places: [{ bytes: 6 }] });
  expect(siteOf("wM1.wait")).toMatchObject({ kinds: BARRIERS, places: [{ bytes: 8 }] });
  expect(readSites(read("hello.elf"))).toEqual([]);
});

describe("refuses", () => {
  it.each([
    ["nothing", "mfence", "no site nothing; it has 000.before, 000.after"],
    ["wM1.wake", "plain", "plain is not one of none, sfence"],
    ["wM7.waiters", "mfence", "mfence is not one of plain, xchg"],
  ])("%s=%s", (name, kind, message) => {
    expect(() => patchSites(image, sites, new Map([[name, kind as Kind]]))).toThrow(message);
  });

  it("a site whose code is not there", () => {
    const moved = sites.map((site) => ({
      ...site, places: site.places.map(({ lin, bytes }) => ({ lin: lin + 1n, bytes })),
    }));
    for (const name of ["wM1.wake", "wM7.waiters"]) {
      const kind = name === "wM1.wake" ? "mfence" : "xchg";
      expect(() => patchSites(image, moved, new Map([[name, kind]])))
        .toThrow("does not hold the code of smpbox.h");
    }
    const outside = [{ ...siteOf("wM1.wake"), places: [{ lin: 0x10n, bytes: 8 }] }];
    expect(() => patchSites(image, outside, new Map([["wM1.wake", "mfence"]])))
      .toThrow("is not loaded");
  });

  it("damaged records", () => {
    const bytes = new Uint8Array(image.bytes);
    const at = Buffer.from(bytes).indexOf("wM1.wake\0\0\0\0");
    const view = new DataView(bytes.buffer);
    view.setUint32(at - 4, 7, true);
    expect(() => readSites({ name: NAME, bytes })).toThrow("wM1.wake is of an unknown kind (7)");
    view.setUint32(at - 4, 0, true);
    for (const letter of "=,*") {
      bytes[at] = letter.charCodeAt(0);
      expect(() => readSites({ name: NAME, bytes })).toThrow(
        `the name of site ${letter}M1.wake has =, , or * in it`);
    }
    bytes.fill(0x61, at, at + 31);
    expect(readSites({ name: NAME, bytes }).map(({ name }) => name)).toContain("a".repeat(31));
    bytes[at + 31] = 0x61;
    expect(() => readSites({ name: NAME, bytes })).toThrow("is longer than 31 characters");
    bytes.fill(0, at + 1, at + 32);
    bytes[at] = 0;
    expect(() => readSites({ name: NAME, bytes })).toThrow("has no name");
  });
});
