// bt: the frames of a task, the words between them, and the registers with which a program came
// into the kernel.
import { sleepingRegisters, type KernelTask, type Registers } from "../../machine/tasks.ts";
import type { Place } from "../../machine/guest.ts";
import { callerOf } from "./caller.ts";
import { taskLine } from "./tasks.ts";
import { type Session, bareHex, word } from "./session.ts";

const RSP = 4;
const RBP = 5;
const FRAMES_MAX = 32;

export interface Frame {
  /** Where its address was read; of a task that runs its stack pointer, the address is RIP. */
  at: bigint;
  /** Where the frame begins, and the next one. */
  sp: bigint;
  end: bigint;
  pc: bigint;
  name: string;
  /** Of the entry of an interrupt: where it came. */
  interrupted?: string;
}

/** Where the kernel is entered (arch/irq.S, sys/syscall.S): struct pt_regs is on the stack. */
const INTERRUPT_ENTRY = "irq_common";
const SYSCALL_ENTRY = "syscall_entry";

export function framesOf(session: Session, { rip, registers, partial }: Registers): Frame[] {
  const { machine } = session;
  const frames: Frame[] = [];
  let [pc, sp, bp] = [rip, registers[RSP], registers[RBP]];
  // What follows is where the frame was left, not where a call returns to.
  let left = true;
  while (frames.length < FRAMES_MAX) {
    // A call that does not return may be the last instruction of its function.
    const name: string | undefined = machine.symbolAt(left ? pc : pc - 1n)?.name;
    if (!name) break;
    const at = left && !(partial && frames.length === 0) ? sp : sp - 8n;
    const caller = callerOf(session, { pc, sp, bp, left });
    const frame: Frame = { at, sp, end: caller?.sp ?? sp, pc, name };
    frames.push(frame);
    const entry: boolean = !left && [INTERRUPT_ENTRY, SYSCALL_ENTRY].includes(name);
    const before: Interrupted | undefined = entry ? interruptedBy(session, sp) : undefined;
    left = before !== undefined;
    if (before) {
      frame.end = before.end;
      if (name === INTERRUPT_ENTRY) frame.interrupted = session.symbolic(before.rip);
      if (before.isUser) break;
      [pc, sp, bp] = [before.rip, before.rsp, before.rbp];
      continue;
    }
    if (!caller) break;
    ({ pc, sp, bp } = caller);
  }
  return frames;
}

interface Interrupted {
  rip: bigint;
  rsp: bigint;
  rbp: bigint;
  isUser: boolean;
  /** Where struct pt_regs ends. */
  end: bigint;
}

/** What the interrupt stopped whose struct pt_regs is at `lin`. */
function interruptedBy({ guest }: Session, lin: bigint): Interrupted | undefined {
  const type = guest.types.find("struct pt_regs");
  if (!type) return undefined;
  const of = (field: string) => guest.value({ lin, type }, field) ?? 0n;
  return {
    rip: of("rip"), rsp: of("rsp"), rbp: of("rbp"), isUser: (of("cs") & 3n) !== 0n,
    end: lin + BigInt(type.bytes),
  };
}

export function registersOf(session: Session, task: KernelTask): Registers | undefined {
  if (task.runs === undefined) return sleepingRegisters(session.guest, task);
  const { rip, registers } = session.machine.view.cpu(task.runs);
  return { rip, registers, partial: false };
}

export interface Shown {
  /** The source line of each frame. */
  lines: boolean;
  /** The contents of the frames. */
  words: boolean;
}

export function backtrace(session: Session, task: KernelTask, shown: Shown): string[] {
  const lines = [taskLine(task)];
  const registers = registersOf(session, task);
  if (!registers) return [...lines, "(its stack cannot be read)"];
  const frames = framesOf(session, registers);
  let left = true;
  for (const [i, { at, sp, end, pc, name, interrupted }] of frames.entries()) {
    lines.push(`${`#${i}`.padStart(3)} [${bareHex(at)}] ${name} at ${bareHex(pc)}`);
    const source = shown.lines && session.source(left ? pc : pc - 1n);
    if (source) lines.push(`    ${source}`);
    left = interrupted !== undefined;
    if (left) lines.push(`    [exception RIP: ${interrupted}]`);
    if (shown.words) lines.push(...wordLines(session, sp, end));
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

/** In crash's order; of some it shows fewer digits. */
const ENTRY: [name: string, field: string, digits?: number][] = [
  ["RIP", "rip"], ["RSP", "rsp"], ["RFLAGS", "rflags", 8],
  ["RAX", "rax"], ["RBX", "rbx"], ["RCX", "rcx"],
  ["RDX", "rdx"], ["RSI", "rsi"], ["RDI", "rdi"],
  ["RBP", "rbp"], ["R8", "r8"], ["R9", "r9"],
  ["R10", "r10"], ["R11", "r11"], ["R12", "r12"],
  ["R13", "r13"], ["R14", "r14"], ["R15", "r15"],
  ["ORIG_RAX", "number"], ["CS", "cs", 4], ["SS", "ss", 4],
];
const COLUMNS = 3;

/** struct pt_regs at the top of the stack of a task that is a program's: how it came in. */
export function entryOf(session: Session, task: KernelTask): Place | undefined {
  const type = session.guest.types.find("struct pt_regs");
  const top = stackTop(session, task);
  if (task.pgd === 0n || !type || top === undefined) return undefined;
  // A CPU in user mode has nothing there.
  if (task.runs !== undefined && session.machine.view.cpu(task.runs).cpl === 3) return undefined;
  return { lin: top - BigInt(type.bytes), type };
}

function entryRegisters(session: Session, task: KernelTask): string[] {
  const { guest } = session;
  const place = entryOf(session, task);
  if (!place) return [];
  const cells = ENTRY.map(([name, field, digits = 16]) => {
    const value = bareHex(guest.value(place, field) ?? 0n).padStart(digits, "0");
    return `${name.padStart(digits === 16 ? 3 : 0)}: ${value}`;
  });
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
