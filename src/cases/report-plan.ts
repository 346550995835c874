// What a report on a case's failure shows, as data: what is looked for in the stopped machine, and
// which commands, fields and steps are told of it. report/case-report.ts makes the report.

/** A task in this state (RU, IN, UN) with this function on its stack. */
export interface TaskQuery {
  state?: "RU" | "IN" | "UN";
  comm?: string;
  /** The function's name, or what a compiled copy of it begins with. */
  frame?: string;
}

/** A field of what is looked for and the expression that it has to be equal to. */
export type Condition = [field: string, expression: string];

/**
 * Gives `as` a meaning: later ones, and all expressions, call it $as. An expression is what pd of
 * smpbox crash takes (report/crash/expression.ts). With `when` it is looked for as the machine was
 * before that moment of the failure.
 */
export type Finder = { when?: string } & (
  | { as: string; task: TaskQuery }
  /** The object that the failure is about; with `member`, that is what Failure.object points at. */
  | { as: string; failed: string; member?: string }
  /** The task that ran on the CPU of a moment of the failure, then. */
  | { as: string; runs: string }
  /** The registers with which a task came into the kernel: struct pt_regs. */
  | { as: string; entryOf: string }
  /** What a pointer, or a number that is the address of a `type`, leads to; else the place. */
  | { as: string; at: string; type?: string }
  /** An object of a slab cache that is in use; `only`: if there is no other one. */
  | { as: string; slab: string; where: Condition[]; only?: boolean }
  /** A struct in the stack frame of a function. */
  | { as: string; stackOf: string; frame: string; type: string; where: Condition[] }
  /** The object in which the last access with this label lies. */
  | { as: string; step: string; type: string; member: string });

export interface Field {
  name: string;
  /** Undefined: the original has it, this kernel has nothing like it. */
  value?: string;
  radix?: 10 | 16;
  /** Names by number. */
  names?: readonly string[];
  /** Of a list's node: NULL, alone (it points at itself), or linked? */
  link?: boolean;
  /** Of a task: what it says that a function is on its stack, for the first of these that is. */
  stack?: readonly (readonly [frame: string, words: string])[];
  /** Of a spin lock's slock: free, or who holds it; known in a part with `when`. */
  lock?: boolean;
}

/** Where another one, as loaded, has none of `bits`, it is not loaded for that reason. */
export type LoadedField = Field & { unless?: { field: string; bits: bigint; why: string } };

/**
 * "A3 commit" before "2 load", by the last time of each in the steps that are told; or two moments
 * of the failure, of which nothing is claimed if it has not both.
 */
export type Claim = [earlier: string, later: string];

/** With `when` of the machine as it was before that moment of the failure; else at its end. */
export type Part = { when?: string } & (
  /** Failure.facts. */
  | { title: string; facts: true }
  /** Lines for the prompt of smpbox crash; $names may stand in them. */
  | { title: string; commands: string[] }
  | { title: string; fields: Field[] }
  /**
   * Who waits for what: each line for the one below it; `queue` is an expression as for waitq.
   * Where the expression `if` is 0 it is told that this is not shown.
   */
  | {
    title: string;
    tree: ({ waits: string; if?: string } & ({ queue: string } | { task: string }))[];
  }
  /** A row for each object of a slab cache that is in use: $each. */
  | { title: string; each: { slab: string; where: Condition[] }; columns: Field[] }
  /**
   * Of each of Failure.others fields of the machine before it, where $each is the object that
   * `type` is the type of, `find` looks for more, and `unknown` says why a field is not found; then
   * `unheard` of each other object in use.
   */
  | {
    title: string; others: { type: string; member: string; unknown: string; unheard: string };
    find: Finder[]; columns: Field[];
  }
  /**
   * With which values `fields` are loaded by the CPU of the moment `when`, each for the first time
   * from that moment on, which is one of these loads, until so many cycles after another one.
   */
  | { title: string; loads: LoadedField[]; until: [moment: string, cycles: number] }
  /** How many objects of a slab cache are in use, of those for which `test` of $each is not 0. */
  | { title: string; tally: { name: string; slab: string; test?: string }[] }
  | {
    title: string;
    steps: {
      /** Labelled accesses to these objects are told. */
      about: string[];
      /** From the last issue with this label on, and so many cycles before. */
      from?: string;
      cyclesBefore?: number;
      /** Or from one moment of the failure to another; nothing, if it has none and no `from`. */
      moments?: [from: string, to: string];
      /** By label, or by label and kind ("1g locked"). */
      words: Record<string, string>;
      /** Of labels that have another name elsewhere. */
      legend?: string;
      claims?: Claim[];
    };
  });

export interface ReportPlan {
  id: string;
  title: string;
  find: Finder[];
  parts: Part[];
}

/** Fields of one struct by their names, as "x" or "name=expression". */
export function fieldsOf(base: string, names: string, radix: 10 | 16 = 16): Field[] {
  return names.split(/\s+/).filter(Boolean).map((word) => {
    const [name, value = name] = word.split("=");
    if (value === "-") return { name };
    return { name, value: value.startsWith("$") ? value : `${base}->${value}`, radix };
  });
}

/** Where the kernel completes requests, by what is on the stack; an interrupt is above a task. */
export const contextOf = (task: string): Field => ({
  name: "context", value: task, stack: [
    ["do_softirq", "softirq"], ["irq_dispatch", "interrupt"],
    ["worker_thread", "worker, a kernel thread"], ["sys_io_submit", "submitter, in io_submit"],
    ["sys_io_getevents", "reaper, in io_getevents"],
  ],
});
