// What a labelled access leaves in the trace: locked ones, within a line and over two.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { MARK_LABEL, MARK_TAG } from "../../assembly/abi.ts";
import { TRACE_LOCKED } from "../../src/core/trace.ts";
import { Machine } from "../../src/index.ts";
import { elfFile, note, PT } from "./elf-file.ts";

const KERNEL = 0x200000n;
const LABEL = 7;
const folder = mkdtempSync(join(tmpdir(), "smpbox-trace-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

const le = (value: number) => [0, 8, 16, 24].map((bit) => (value >> bit) & 0xff);

it.each([["in one line", 0x500010], ["over two lines", 0x50003e], ["over two pages", 0x500fff]])(
  "a labelled LOCK ADD %s",
  async (_, lin) => {
    const image = join(folder, "kernel.elf");
    const code = [
      0xc7, 0x04, 0x25, ...le(lin), ...le(0x12345678), // movl $0x12345678, lin
      0x0f, 0x1f, 0x84, 0x00, ...le((MARK_TAG << 24) | (MARK_LABEL << 16) | LABEL),
      0xf0, 0x83, 0x04, 0x25, ...le(lin), 0x01, // lock addl $1, lin
      0xfa, 0xf4, // cli; hlt
    ];
    writeFileSync(image, elfFile({
      entry: KERNEL,
      headers: [
        { type: PT.load, lin: KERNEL, phys: KERNEL, data: new Uint8Array(code) },
        { type: PT.note, data: note("smpbox", "kernel") },
      ],
    }));
    const machine = await Machine.create({ image, machine: "uni1", workers: 1, traceEvents: 64 });
    await machine.run();
    const locked = machine.view.trace((kind) => kind === TRACE_LOCKED);
    const after = machine.ramView().getUint32(lin, true);
    machine.close();
    expect(locked).toMatchObject([
      { cpu: 0, label: LABEL, size: 4, phys: BigInt(lin), value: 0x12345678n },
    ]);
    expect(after).toBe(0x12345679);
  },
);
