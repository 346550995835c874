// What is left of a machine that stopped where it should not: registers of every CPU, the
// instructions that it executed last, the callers, all with symbols.
import type { Machine } from "../engine/machine.ts";
import type { CpuState, Executed } from "../core/view.ts";
import { disassembleOne } from "../machine/disassemble.ts";
import { hex } from "../machine/elf.ts";
import { exceptionName, PAGE_FAULT, UD } from "../machine/exceptions.ts";
import { readLinear } from "../machine/page-walk.ts";
import { wrap } from "./text.ts";

const REGISTERS = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
];
const RBP = 5;
const REGISTERS_LINE = 3;
/** Instructions shown of a CPU, and of one that is halted. */
const HISTORY = 16;
const HISTORY_HALTED = 4;
const CODE_BYTES = 15;
const FRAMES_MAX = 16;
const CONSOLE_BYTES = 8192;
/** CPUs that do nothing tell nothing. */
const SILENT = "parked";

const NO_HISTORY =
  "no history: the machine, run again, was interrupted or came out different";

export const SSE_HINT =
  "built with SSE or x87; rebuild with the flags that `smpbox cflags` prints";

/**
 * A page or two for stderr, in at most 80 columns. Runs the machine again for the instructions that
 * were executed last; `signal` stops that.
 */
export async function postmortem(machine: Machine, signal?: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  const history = await machine.history(HISTORY, signal);
  if (!history) lines.push(NO_HISTORY);
  for (const place of machine.cpus()) {
    const cpu = machine.view.cpu(place.cpu);
    const { interruptsOn, cpl, cr2, cr3 } = cpu;
    const flags = machine.flagsOf(place.cpu).toString(16).padStart(8, "0");
    lines.push(`cpu${place.cpu} ${place.state} at RIP ${place.where}`);
    if (place.state === SILENT) continue;
    const registers = REGISTERS.map((name, i) => register(name, cpu.registers[i]));
    registers.push(register("cr2", cr2), register("cr3", cr3));
    for (let i = 0; i < registers.length; i += REGISTERS_LINE) {
      lines.push(`  ${registers.slice(i, i + REGISTERS_LINE).join("  ")}`);
    }
    lines.push(`  CPL ${cpl}, interrupts ${interruptsOn ? "on" : "off"}, EFLAGS ${flags}`);
    const halted = place.state === "halted";
    const last = history?.[place.cpu] ?? [];
    lines.push(...(await executed(machine, cpu, halted ? last.slice(-HISTORY_HALTED) : last)));
    if (!halted) lines.push(...callers(machine, cpu));
  }
  return lines;
}

function register(name: string, value: bigint): string {
  return `${name.padEnd(3)} ${value.toString(16).padStart(16, "0")}`;
}

/**
 * The instructions that the CPU executed last, and the one at RIP. One that did not complete (it
 * faulted, or an interrupt came while it waited for memory) has an exclamation mark.
 */
async function executed(machine: Machine, cpu: CpuState, last: Executed[]): Promise<string[]> {
  const lines = last.length ? ["  executed last:"] : [];
  let function_ = "";
  const add = async (mark: string, rip: bigint) => {
    const name = machine.symbolAt(rip)?.name ?? "";
    if (name && name !== function_) lines.push(`   ${name}:`);
    function_ = name;
    const code = readLinear(machine.ramView(), cpu.cr3, rip, CODE_BYTES);
    if (code.length === 0) {
      lines.push(`  ${mark} ${rip.toString(16)}  there is no code`);
      return;
    }
    const { text } = await disassembleOne(code, rip);
    lines.push(`  ${mark} ${rip.toString(16)}  ${withSymbols(machine, text)}`);
  };
  const atRip = last.at(-1)?.rip === cpu.rip;
  const before = atRip ? last.slice(0, -1) : last;
  for (const [i, { rip, count }] of before.entries()) {
    const complete = last[i + 1] ? last[i + 1].count > count : true;
    await add(complete ? " " : "!", rip);
  }
  await add(">", cpu.rip);
  return lines;
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
  const what = exceptionName(Number(vector));
  const where = Number(vector) === PAGE_FAULT ? ` (error ${error}, address 0x${address})` : "";
  const place = `RIP ${machine.describe(lin)}: ${withSymbols(machine, line.text)}`;
  const lines = [`${task} died of ${what}${where} at ${place}`];
  if (Number(vector) === UD && line.vector) lines.push(SSE_HINT);
  return lines.map((sentence) => wrap(sentence));
}
