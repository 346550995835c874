// Where stacks of the bundled kernel end, and where they go on behind an interrupt. Its entries are
// assembly without call frame information (arch/irq.S, switch.S, sys/syscall.S), so gdb would take
// the program's RBP there for a frame of the kernel and go on with whatever it leads to.
import type { Machine } from "../engine/machine.ts";
import { memberOf } from "../machine/dwarf/types.ts";
import type { Elf, NamedSymbol } from "../machine/elf.ts";
import { DWARF_REGISTERS, type FrameRule } from "../machine/frame-image.ts";

/** A program called, or a task has not begun: what is above is struct pt_regs. */
const ENDS = ["syscall_entry", "ret_from_fork"];
/** The call by which the entry of interrupts comes to C: struct pt_regs is at the stack pointer. */
const INTERRUPTS = { entry: "irq_common", called: "irq_dispatch" };
/** Nobody's code: a thread of the kernel begins with a selector where a return address would be. */
const FIRST_PAGE: FrameRule = { from: 0n, to: 4096n };
/** E8 rel32 (SDM Vol. 2A, "CALL") */
const CALL = 0xe8;
const CALL_BYTES = 5;

/** Rules for the kernel's entries; none for another kernel. */
export function entryFrames({ kernel, debugInfo }: Machine): FrameRule[] {
  const symbols = (name: string) => kernel.named.filter((one) => one.code && one.name === name);
  const ends = ENDS.flatMap(symbols)
    .map(({ lin, bytes }): FrameRule => ({ from: lin, to: lin + BigInt(bytes) }));
  if (ends.length === 0) return [];
  const regs = debugInfo.kernel.types.find("struct pt_regs");
  const saved = new Map(DWARF_REGISTERS.flatMap((name, register): [number, number][] => {
    const member = regs && memberOf(regs, name);
    return member ? [[register, member.at]] : [];
  }));
  // Some are not enough to go on with.
  const all = saved.size === DWARF_REGISTERS.length;
  const [called] = symbols(INTERRUPTS.called);
  const calls = called && all ? symbols(INTERRUPTS.entry).flatMap((entry) =>
    callsIn(kernel, entry, called.lin)) : [];
  return [
    FIRST_PAGE, ...ends,
    // With where it returns to, by which gdb looks for what an interrupt stopped.
    ...calls.map((lin): FrameRule => ({ from: lin, to: lin + BigInt(CALL_BYTES + 1), saved })),
  ];
}

/** Addresses of the calls of `target` in a function. */
function callsIn({ segments }: Elf, { lin, bytes }: NamedSymbol, target: bigint): bigint[] {
  const segment = segments.find((one) => lin >= one.lin && lin < one.lin + BigInt(one.data.length));
  if (!segment) return [];
  const from = Number(lin - segment.lin);
  const code = segment.data.subarray(from, from + bytes);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const found: bigint[] = [];
  for (let at = 0; at + CALL_BYTES <= code.length; at++) {
    const next = lin + BigInt(at + CALL_BYTES);
    if (code[at] === CALL && next + BigInt(view.getInt32(at + 1, true)) === target) {
      found.push(lin + BigInt(at));
    }
  }
  return found;
}
