// What is left of a machine that stopped where it should not: registers of every CPU, the
// instructions up to the place, the callers, all with symbols.
import type { Machine } from "../engine/machine.ts";
import type { CpuState } from "../core/view.ts";
import { disassemble, disassembleOne, type Line } from "../machine/disassemble.ts";
import { hex } from "../machine/elf.ts";
import { readLinear } from "../machine/page-walk.ts";
import { wrap } from "./text.ts";

const REGISTERS = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
];
const RBP = 5;
const REGISTERS_LINE = 3;
/** Instructions shown before the one at RIP. */
const CODE_BEFORE = 8;
/** A function is decoded from its start, or from this far before RIP when it has no symbol. */
const FUNCTION_BYTES_MAX = 16384;
const CODE_BYTES = 15;
const FRAMES_MAX = 16;
const CONSOLE_BYTES = 8192;
/** CPUs that do nothing tell nothing. */
const SILENT = "parked";

export const SSE_HINT =
  "built with SSE or x87; rebuild with the flags that `smpbox cflags` prints";

/** A page or two for stderr, in at most 80 columns. */
export async function postmortem(machine: Machine): Promise<string[]> {
  const lines: string[] = [];
  for (const place of machine.cpus()) {
    const cpu = machine.view.cpu(place.cpu);
    const { interruptsOn, cpl, cr2, cr3 } = cpu;
    lines.push(`cpu${place.cpu} ${place.state} at RIP ${place.where}`);
    if (place.state === SILENT) continue;
    const registers = REGISTERS.map((name, i) => register(name, cpu.registers[i]));
    registers.push(register("cr2", cr2), register("cr3", cr3));
    for (let i = 0; i < registers.length; i += REGISTERS_LINE) {
      lines.push(`  ${registers.slice(i, i + REGISTERS_LINE).join("  ")}`);
    }
    lines.push(`  CPL ${cpl}, interrupts ${interruptsOn ? "on" : "off"}`);
    if (place.state === "halted") continue;
    lines.push(...(await codeBefore(machine, cpu)), ...callers(machine, cpu));
  }
  return lines;
}

function register(name: string, value: bigint): string {
  return `${name.padEnd(3)} ${value.toString(16).padStart(16, "0")}`;
}

/** The instructions that lead to RIP, as they stand in the code, and the one there. */
async function codeBefore(machine: Machine, { rip, cr3 }: CpuState): Promise<string[]> {
  const ram = machine.ramView();
  const start = machine.symbolAt(rip)?.lin ?? rip;
  const length = Number(rip - start) + CODE_BYTES;
  if (length > FUNCTION_BYTES_MAX) return [];
  const all = await disassemble(readLinear(ram, cr3, start, length), start);
  const at = all.findIndex(({ lin }) => lin === rip);
  if (at < 0) return ["  there is no code at RIP"];
  const format = ({ lin, text }: Line) =>
    `  ${lin === rip ? ">" : " "} ${lin.toString(16)}  ${withSymbols(machine, text)}`;
  return ["  code up to there:", ...all.slice(Math.max(0, at - CODE_BEFORE), at + 1).map(format)];
}

/** Addresses of functions and variables by their names. */
function withSymbols(machine: Machine, text: string): string {
  return text.replace(/0x[0-9a-f]{6,}/g, (address) => {
    const lin = BigInt(address);
    const symbol = machine.symbolAt(lin);
    if (!symbol) return address;
    return lin === symbol.lin ? symbol.name : `${symbol.name}+${hex(lin - symbol.lin)}`;
  });
}

/** By frame pointers: each points at the caller's, with the return address above it. */
function callers(machine: Machine, { registers, cr3 }: CpuState): string[] {
  const ram = machine.ramView();
  const lines: string[] = [];
  let frame = registers[RBP];
  while (lines.length < FRAMES_MAX) {
    const words = readLinear(ram, cr3, frame, 16);
    if (words.length < 16) break;
    const view = new DataView(words.buffer);
    const [caller, address] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    // A call that does not return may be the last instruction of its function.
    const call = BigInt.asUintN(64, address - 1n);
    if (!machine.symbolAt(call)) break;
    lines.push(`    ${machine.describe(call)}`);
    if (caller <= frame) break;
    frame = caller;
  }
  return lines.length ? ["  called from, by frame pointers:", ...lines] : [];
}

/** #UD and its kind as the bundled kernel reports them when a program dies of one. */
const PROGRAM_EXCEPTION =
  /^(\S+\[\d+\]): exception (\d+) error (\w+) rip (\w+) .*? address (\w+)/gm;
const EXCEPTIONS: Record<number, string> = {
  0: "#DE, divide error", 1: "#DB, debug", 3: "#BP, breakpoint", 4: "#OF, overflow",
  6: "#UD, invalid opcode", 7: "#NM, no x87 or SSE", 8: "#DF, double fault",
  10: "#TS, invalid TSS", 11: "#NP, segment not present", 12: "#SS, stack fault",
  13: "#GP, general protection", 14: "#PF, page fault", 17: "#AC, alignment check",
};
const UD = 6;
const PAGE_FAULT = 14;

/** Why a user program died, from the kernel's last words; empty if it did not die of a fault. */
export async function programDeath(machine: Machine): Promise<string[]> {
  const written = machine.view.consoleWritten;
  const from = Math.max(0, written - CONSOLE_BYTES);
  const bytes = machine.view.console(from);
  const text = new TextDecoder("latin1").decode(bytes).replaceAll("\r", "");
  const found = [...text.matchAll(PROGRAM_EXCEPTION)].at(-1);
  if (!found) return [];
  const [, task, vector, error, rip, address] = found;
  const lin = BigInt(`0x${rip}`);
  const segment = machine.program.segments.find(
    (s) => lin >= s.lin && lin < s.lin + BigInt(s.data.length),
  );
  const code = segment?.data.subarray(Number(lin - segment.lin)) ?? new Uint8Array(0);
  const line = await disassembleOne(code, lin);
  const what = EXCEPTIONS[Number(vector)] ?? `exception ${vector}`;
  const where = Number(vector) === PAGE_FAULT ? ` (error ${error}, address 0x${address})` : "";
  const place = `RIP ${machine.describe(lin)}: ${withSymbols(machine, line.text)}`;
  const lines = [`${task} died of ${what}${where} at ${place}`];
  if (Number(vector) === UD && line.vector) lines.push(SSE_HINT);
  return lines.map((sentence) => wrap(sentence));
}
