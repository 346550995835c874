// A stopped machine in front of a user of crash(8): what the commands have in common. An argument
// is a number (hexadecimal with or without 0x, as in crash), a symbol, or an expression.
import type { Machine, RunResult } from "../../engine/machine.ts";
import { memberOf, type Type } from "../../machine/dwarf/types.ts";
import { Guest, type Place, USER_END } from "../../machine/guest.ts";
import { hex } from "../../machine/elf.ts";
import { InputError } from "../../machine/preset.ts";
import { kernelTasks, type KernelTask } from "../../machine/tasks.ts";
import { kernelGuest } from "../core-dump.ts";
import { labelNames } from "../marks.ts";
import { aliased, shownAs, whyAbsent } from "./aliases.ts";
import { defaultTask } from "./default-task.ts";
import { valueOf } from "./expression.ts";
import { refusePerCpu } from "./per-cpu.ts";
import { symbolNamed } from "./symbols.ts";
import { type Space, spaceOf, variableOf } from "./user-memory.ts";
import { numberOf, type Scope, type Value } from "./value.ts";

/** What is below is reached through NULL. */
const FIRST_PAGE_END = 4096n;

export interface Subject {
  machine: Machine;
  result?: RunResult;
  image: string;
  seed: bigint;
  note: string;
}

export class Session {
  readonly subject: Subject;
  readonly machine: Machine;
  readonly guest: Guest;
  readonly tasks: KernelTask[];
  /** What $name stands for. */
  readonly named = new Map<string, Place>();
  /** Results of px and pd: $1, $2 and so on. */
  readonly history: Value[] = [];
  /** What expressions know of the machine. */
  readonly scope: Scope;
  /** Whom commands without a PID are about, if that was said. */
  context?: KernelTask;
  /** Names of the kernel's labels. */
  readonly labels: Map<number, string>;

  constructor(subject: Subject) {
    this.subject = subject;
    this.machine = subject.machine;
    const { ram, cr3, types } = kernelGuest(subject.machine);
    this.tasks = kernelTasks(new Guest(ram, cr3, types), subject.machine.view.cpus);
    // Another kernel's memory may be anywhere.
    const isKnown = this.tasks.length > 0;
    const guest = new Guest(ram, cr3, types, isKnown ? () => this.space.tables : undefined);
    this.guest = guest;
    this.scope = {
      lookup: (name) => this.lookup(name),
      type: (name) => this.typeNamed(name),
      shownAs: (whole, name, type) => shownAs(guest.types, whole, name, type),
      number: (lin, bytes) => {
        const found = this.guest.number(lin, bytes);
        if (found === undefined) throw this.unmapped(lin);
        return found;
      },
    };
    this.labels = labelNames(subject.machine.debugInfo.kernel.section(".smpbox.marks"));
  }

  /** What an expression is worth: a number, what a field holds, or where something larger lies. */
  evaluate(text: string): bigint {
    const value = valueOf(text, this.scope);
    const held = value.bits || value.lin === undefined || !value.type ? undefined
      : this.guest.value({ lin: value.lin, type: value.type });
    return held ?? BigInt.asUintN(64, numberOf(value, this.scope));
  }

  /** A number, hexadecimal even without a letter in it; or where a symbol or field lies. */
  address(text: string): bigint {
    const isNumber = /^(0x)?[0-9a-f]+$/i.test(text) && !this.scope.lookup(text);
    if (isNumber) return BigInt(/^0x/i.test(text) ? text : `0x${text}`);
    // gcc's copies of functions have names with dots.
    const value = this.scope.lookup(text) ?? valueOf(text, this.scope);
    return value.lin ?? BigInt.asUintN(64, numberOf(value, this.scope));
  }

  /** Where an expression's value is; undefined if it has no place, or NULL is on the way to it. */
  placeOf(text: string): Place | undefined {
    try {
      const { lin, type } = valueOf(text, this.scope);
      return type && lin !== undefined && lin >= FIRST_PAGE_END ? { lin, type } : undefined;
    } catch (error) {
      if (error instanceof InputError) return undefined;
      throw error;
    }
  }

  /** Whose memory it is that lies below USER_END. */
  private get space(): Space {
    return spaceOf(this.tasks, this.context);
  }

  /** Why nothing can be read at `lin`. */
  unmapped(lin: bigint): InputError {
    const isUser = lin >= FIRST_PAGE_END && lin < USER_END && this.tasks.length > 0;
    const trouble = isUser ? this.space.trouble : undefined;
    return new InputError(`${bareHex(lin)}: ${trouble ?? "nothing is mapped there"}`);
  }

  private lookup(name: string): Value | undefined {
    if (/^\$\d*$/.test(name)) return this.history.at(name === "$" ? -1 : Number(name.slice(1)) - 1);
    if (name === "$task" && !this.named.has(name)) return this.task().place;
    const place = this.named.get(name);
    if (place) return place;
    const symbol = symbolNamed(this, name);
    const isProgram = !symbol || symbol.lin < USER_END;
    const variable = this.guest.variable(name) ??
      (isProgram ? variableOf(this.machine.debugInfo.program, name, symbol?.lin) : undefined);
    if (!variable && !symbol) refusePerCpu(this, name);
    if (variable || !symbol) return variable;
    const kind = symbol.code ? "function" : "void";
    return { lin: symbol.lin, type: { kind, bytes: symbol.code ? 1 : 0 } };
  }

  /** The kernel's, or the program's; or what the kernel calls otherwise (aliases.ts). */
  typeNamed(name: string): Type | undefined {
    const { types } = this.guest;
    return types.find(name) ?? this.machine.debugInfo.program?.types.find(name) ??
      aliased(types, name);
  }

  type(name: string): Type {
    const found = this.typeNamed(name);
    if (found) return found;
    const why = whyAbsent(name) || "; its types are those of its C source";
    throw new InputError(`${name}: no such type in the image${why}`);
  }

  /** By PID, or by the address of its struct task; else what `set` chose, or one that is stuck. */
  task(text?: string): KernelTask {
    if (text === undefined) {
      if (this.context) return this.context;
      const first = defaultTask(this.machine, this.guest, this.tasks);
      if (first) return first;
      throw new InputError("this kernel has no tasks that are known here");
    }
    const number = /^\d+$/.test(text) ? Number(text) : undefined;
    const found = this.tasks.find(({ pid, idle }) => !idle && pid === number) ??
      (number === undefined || number > 1 << 22
        ? this.tasks.find(({ place }) => place.lin === this.address(text))
        : undefined);
    if (found) return found;
    throw new InputError(`${text}: no task has this PID or address; ps lists them`);
  }

  /** "schedule+231", or the address. */
  symbolic(lin: bigint): string {
    const found = this.machine.symbolAt(lin);
    if (!found) return hex(lin);
    return lin === found.lin ? found.name : `${found.name}+${lin - found.lin}`;
  }

  /** " <schedule>", as behind a pointer to a function; or nothing. */
  functionAt(lin: bigint): string {
    return this.machine.symbolAt(lin) ? ` <${this.symbolic(lin)}>` : "";
  }

  /** "kernel/core/sched.c: 164", or nothing. */
  source(rip: bigint): string {
    const { kernel, program } = this.machine.debugInfo;
    const line = kernel.lines.at(rip) ?? program?.lines.at(rip);
    return line ? `${line.file}: ${line.line}` : "";
  }

  member(place: Place, path: string): Place {
    const found = memberOf(place.type, path);
    if (!found) throw new InputError(`the kernel's type has no member ${path}`);
    return { lin: place.lin + BigInt(found.at), type: found.type };
  }
}

/** Addresses as crash prints them: without 0x. */
export const bareHex = (value: bigint) => value.toString(16);
/** With all digits. */
export const word = (value: bigint) => value.toString(16).padStart(16, "0");
