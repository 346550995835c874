// A stopped machine in front of a user of crash(8): what the commands have in common. An argument
// is a number (hexadecimal with or without 0x, as in crash), a symbol, or a variable with fields.
import type { Machine, RunResult } from "../../engine/machine.ts";
import { bare, memberOf, type Type } from "../../machine/dwarf/types.ts";
import type { Guest, Place } from "../../machine/guest.ts";
import { hex } from "../../machine/elf.ts";
import { InputError } from "../../machine/preset.ts";
import { kernelTasks, type KernelTask } from "../../machine/tasks.ts";
import { kernelGuest } from "../core-dump.ts";
import { labelNames } from "../marks.ts";

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
  /** Names of the kernel's labels. */
  readonly labels: Map<number, string>;

  constructor(subject: Subject) {
    this.subject = subject;
    this.machine = subject.machine;
    this.guest = kernelGuest(subject.machine);
    this.labels = labelNames(subject.machine.debugInfo.kernel.section(".smpbox.marks"));
    this.tasks = kernelTasks(this.guest, subject.machine.view.cpus);
  }

  /** A number, the address of a symbol, or what a field holds; several with operators between. */
  evaluate(text: string): bigint {
    const [first, ...rest] = text.trim().split(/\s+(\+|-|\*|\/|&|<<|>>)\s+/);
    let value = this.term(first);
    for (let i = 0; i + 1 < rest.length; i += 2) {
      value = applied(value, rest[i], this.term(rest[i + 1]), text);
    }
    return value;
  }

  private term(text: string): bigint {
    const [, type] = /^sizeof\((?:struct )?(\w+)\)$/.exec(text) ?? [];
    if (type) return BigInt(this.type(type).bytes);
    const place = this.placeOf(text);
    if (place && bare(place.type).bytes <= 8 && bare(place.type).bytes > 0) {
      const value = this.guest.value(place);
      if (value !== undefined) return value;
    }
    return this.address(text);
  }

  /** A number, or where a symbol or field lies. */
  address(text: string): bigint {
    if (/^(0x)?[0-9a-f]+$/i.test(text) && !this.placeOf(text)) {
      return BigInt(/^0x/i.test(text) ? text : `0x${text}`);
    }
    const place = this.placeOf(text);
    if (place) return place.lin;
    for (const elf of [this.machine.kernel, this.machine.program]) {
      const symbol = elf.symbols.get(text);
      if (symbol) return symbol.lin;
    }
    throw new InputError(`${text}: neither an address nor a symbol of the image`);
  }

  /**
   * "cpus[2].rq.idle": a variable and a way into it; pointers are followed by -> or a dot. It may
   * begin with a $name, or with an address that is given a type: "((struct dio *)ADDRESS)->iocb".
   */
  placeOf(text: string): Place | undefined {
    const cast = /^\(\((?:(?:struct|union) )?(\w+) \*\)([^()]+)\)(.*)$/.exec(text);
    const [, name, rest] = cast ? ["", "", cast[3]] : /^(\$?[A-Za-z_]\w*)(.*)$/.exec(text) ?? [];
    let place = cast ? { lin: this.evaluate(cast[2]), type: this.type(cast[1]) }
      : name === undefined ? undefined : this.named.get(name) ?? this.guest.variable(name);
    for (const [step] of (rest ?? "").matchAll(/(?:->|\.)\w+|\[[^\]]+\]|./g)) {
      if (!place) return undefined;
      if (step.startsWith("[")) {
        const index = step.slice(1, -1);
        place = this.element(place, /^\d+$/.test(index) ? BigInt(index) : this.evaluate(index));
      } else if (/\w/.test(step)) {
        const field = step.replace(/^(->|\.)/, "");
        if (bare(place.type).kind === "pointer") place = this.guest.target(place);
        place = place && this.guest.field(place, field);
      } else return undefined;
    }
    return place;
  }

  /** Of an array, also one without a length at the end of a struct. */
  private element(place: Place, index: bigint): Place | undefined {
    const type = bare(place.type);
    if (type.kind !== "array" || (type.count > 0 && index >= BigInt(type.count))) return undefined;
    return { lin: place.lin + index * BigInt(type.of.bytes), type: type.of };
  }

  type(name: string): Type {
    const found = this.guest.types.find(name);
    if (found) return found;
    throw new InputError(`${name}: no such type in the image; its types are those of its C source`);
  }

  /** By PID, or by the address of its struct task; without it the first one that looks stuck. */
  task(text?: string): KernelTask {
    if (text === undefined) {
      const own = this.tasks.find(({ pgd, runs }) => pgd !== 0n && runs === undefined);
      const first = own ?? this.tasks.find(({ idle }) => !idle) ?? this.tasks[0];
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

function applied(a: bigint, operator: string, b: bigint, text: string): bigint {
  switch (operator) {
    case "+": return a + b;
    case "-": return a - b;
    case "*": return a * b;
    case "&": return a & b;
    case "<<": return a << b;
    case ">>": return a >> b;
    default:
      if (b === 0n) throw new InputError(`${text}: divides by 0`);
      return a / b;
  }
}

/** Addresses as crash prints them: without 0x. */
export const bareHex = (value: bigint) => value.toString(16);
/** With all digits. */
export const word = (value: bigint) => value.toString(16).padStart(16, "0");
