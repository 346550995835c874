// A run that stops at a window boundary and goes on is the run that does not: also where the code
// under execution loses its translation, which a run that stops has to look up again.
import { afterAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { kernelFolder, loop } from "../support/tiny-kernel.ts";

const kernels = kernelFolder();
afterAll(async () => {
  kernels.remove();
  await Machine.shutdown();
});

const u32 = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
/** Where a tiny kernel is. */
const CODE = 0x200000;
const NOPS = Array<number>(20).fill(0x90);
/** invlpg (phys): of the page that the loop itself is in. */
const FORGET_CODE = [0x0f, 0x01, 0x3c, 0x25, ...u32(CODE)];
/** mov %cr3, %rax; mov %rax, %cr3 */
const FORGET_ALL = [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];

const LOOPS: [string, number[]][] = [
  ["INVLPG of its own page", [...FORGET_CODE, ...NOPS]],
  ["a load of CR3", [...FORGET_ALL, ...NOPS]],
];

async function run(image: string, every?: bigint) {
  const machine = await Machine.create({ machine: "uni1", image, workers: 1 });
  let result;
  if (every !== undefined) {
    while (!result) result = await machine.runTo(machine.view.now + every);
  }
  result ??= await machine.run();
  machine.close();
  const { exit, cycles, instructions, stateHash } = result;
  return { exit, cycles, instructions, stateHash };
}

it.each(LOOPS)("a loop with %s does not show where it was stopped", async (_, body) => {
  const image = kernels.file(loop(200, body));
  const whole = await run(image);
  expect(whole.exit).toBe(0);
  for (const every of [1n, 100n, 777n]) expect(await run(image, every)).toEqual(whole);
});
