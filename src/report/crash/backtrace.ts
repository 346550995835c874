// bt: the frames of a task by its frame pointers, the words between them, and the registers with
// which a program came into the kernel.
import { sleepingRegisters, type KernelTask, type Registers } from "../../machine/tasks.ts";
import { taskLine } from "./tasks.ts";
import { type Session, bareHex, word } from "./session.ts";

const RSP = 4;
const RBP = 5;
const FRAMES_MAX = 32;

interface Frame {
  /** Where the frame begins, and the next one. */
  sp: bigint;
  end: bigint;
  pc: bigint;
  name: string;
}

export function framesOf(session: Session, { rip, registers }: Registers): Frame[] {
  const { guest, machine } = session;
  const frames: Frame[] = [];
  let [pc, sp, bp] = [rip, registers[RSP], registers[RBP]];
  while (frames.length < FRAMES_MAX) {
    // A call that does not return may be the last instruction of its function.
    const name = machine.symbolAt(frames.length ? pc - 1n : pc)?.name;
    if (!name) break;
    frames.push({ sp, end: bp >= sp ? bp + 16n : sp, pc, name });
    const [caller, back] = [guest.number(bp), guest.number(bp + 8n)];
    if (bp < sp || caller === undefined || back === undefined) break;
    [pc, sp, bp] = [back, bp + 16n, caller];
  }
  return frames;
}

export function registersOf(session: Session, task: KernelTask): Registers | undefined {
  if (task.runs === undefined) return sleepingRegisters(session.guest, task);
  const { rip, registers } = session.machine.view.cpu(task.runs);
  return { rip, registers, partial: false };
}

/** `words`: the contents of the frames, too. */
export function backtrace(session: Session, task: KernelTask, words: boolean): string[] {
  const lines = [taskLine(task)];
  const registers = registersOf(session, task);
  if (!registers) return [...lines, "(its stack cannot be read)"];
  const frames = framesOf(session, registers);
  for (const [i, { sp, end, pc, name }] of frames.entries()) {
    lines.push(`${`#${i}`.padStart(3)} [${bareHex(sp)}] ${name} at ${bareHex(pc)}`);
    const source = session.source(i ? pc - 1n : pc);
    if (source) lines.push(`    ${source}`);
    if (words) lines.push(...wordLines(session, sp, end));
  }
  return [...lines, ...entryRegisters(session, task)];
}

function wordLines(session: Session, from: bigint, to: bigint): string[] {
  const lines: string[] = [];
  for (let at = from; at < to; at += 16n) {
    const cells = [at, at + 8n].filter((lin) => lin < to)
      .map((lin) => word(session.guest.number(lin) ?? 0n));
    lines.push(`    ${bareHex(at)}: ${cells.join(" ")}`);
  }
  return lines;
}

const ENTRY = [
  ["RIP", "rip"], ["RSP", "rsp"], ["RFLAGS", "rflags"], ["RAX", "rax"], ["RBX", "rbx"],
  ["RCX", "rcx"], ["RDX", "rdx"], ["RSI", "rsi"], ["RDI", "rdi"], ["RBP", "rbp"], ["R8", "r8"],
  ["R9", "r9"], ["R10", "r10"], ["R11", "r11"], ["R12", "r12"], ["R13", "r13"], ["R14", "r14"],
  ["R15", "r15"], ["ORIG_RAX", "number"], ["CS", "cs"], ["SS", "ss"],
];
const COLUMNS = 3;

/** struct pt_regs at the top of the stack of a task that is a program's. */
function entryRegisters(session: Session, task: KernelTask): string[] {
  const { guest, machine } = session;
  const type = guest.types.find("struct pt_regs");
  const top = stackTop(session, task);
  if (task.pgd === 0n || !type || top === undefined) return [];
  // A CPU in user mode has nothing there.
  if (task.runs !== undefined && machine.view.cpu(task.runs).cpl === 3) return [];
  const place = { lin: top - BigInt(type.bytes), type };
  const cells = ENTRY.map(([name, field]) =>
    `${name}: ${word(guest.value(place, field) ?? 0n)}`);
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += COLUMNS) {
    lines.push(`    ${cells.slice(i, i + COLUMNS).join("  ")}`);
  }
  return lines;
}

/** Where the stack of the task ends: its CPU's kernel_sp says so while it runs; all are alike. */
function stackTop(session: Session, task: KernelTask): bigint | undefined {
  const { guest } = session;
  const cpus = guest.variable("cpus");
  if (!cpus || task.stack === 0n) return undefined;
  for (const cpu of guest.elements(cpus).slice(0, session.machine.view.cpus)) {
    const runs = guest.target(cpu, "curr");
    const top = guest.value(cpu, "kernel_sp");
    const stack = runs && guest.value(runs, "stack");
    const bytes = top && stack ? top - stack : 0n;
    if (bytes > 0n && bytes <= 1n << 20n && bytes % 4096n === 0n) return task.stack + bytes;
  }
  return undefined;
}
