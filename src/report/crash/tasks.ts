// sys, ps, set, runq, list: what the kernel's own structures say of its tasks.
import { TASK_DEAD, TASK_INTERRUPTIBLE, TASK_RUNNING } from "../../machine/debug-block.ts";
import { type Place, USER_END } from "../../machine/guest.ts";
import { mappedPages } from "../../machine/page-walk.ts";
import type { KernelTask } from "../../machine/tasks.ts";
import { InputError, numberOf } from "../../machine/preset.ts";
import { wrap } from "../text.ts";
import { valueLines } from "./print.ts";
import { bareHex, type Session } from "./session.ts";

const LIST_MAX = 4096;
const PAGE = 4096;
/** Columns of a row's value in `sys`. */
const SYS_NAME = 14;
const SYS_VALUE = 66;

/** As in crash: RU, IN, UN, or what is left. */
export function stateOf({ state }: KernelTask): "RU" | "IN" | "UN" | "DE" {
  if (state === TASK_RUNNING) return "RU";
  if (state === TASK_INTERRUPTIBLE) return "IN";
  return state & TASK_DEAD ? "DE" : "UN";
}

export const commOf = ({ comm, idle, cpu }: KernelTask) =>
  idle ? `[swapper/${cpu}]` : comm;

export function taskLine(task: KernelTask): string {
  const { pid, place, runs, cpu } = task;
  return `PID: ${String(pid).padEnd(6)} TASK: ${bareHex(place.lin)}  CPU: ` +
    `${String(runs ?? cpu).padEnd(3)} COMMAND: "${commOf(task)}"`;
}

/** "ps [-UN] [PID|TASK|COMMAND]..." */
export function ps(session: Session, words: readonly string[]): string[] {
  const [filter, ...more] = words.filter((word) => word.startsWith("-"));
  const wanted = filter?.slice(1).toUpperCase();
  if (more.length || (wanted !== undefined && !["UN", "IN", "RU"].includes(wanted))) {
    throw new InputError(`ps ${filter}: must be one of -UN, -IN and -RU`);
  }
  const chosen = words.filter((word) => !word.startsWith("-")).map((word) => {
    const named = session.tasks.filter((task) => commOf(task) === word);
    return named.length ? named : [session.task(word)];
  });
  const rows = session.tasks.filter((task) => (!wanted || stateOf(task) === wanted) &&
    (chosen.length === 0 || chosen.some((tasks) => tasks.includes(task))));
  const memory = memoryOf(session);
  return [
    "    PID   TGID  CPU       TASK        ST  %MEM     VSZ    RSS  COMM",
    ...rows.map((task) => {
      const { pid, tgid, cpu, runs, place } = task;
      const mark = runs === undefined ? " " : ">";
      return `${mark} ${String(pid).padStart(5)}  ${String(tgid).padStart(5)}  ` +
        `${String(runs ?? cpu).padStart(3)}  ${bareHex(place.lin)}  ${stateOf(task)}  ` +
        `${memory(task)}  ${commOf(task)}`;
    }),
  ];
}

/**
 * %MEM, VSZ and RSS of a task in KiB, by the page tables of its process. The kernel maps each page
 * when it gives the memory, so VSZ and RSS are the same. A thread of the kernel has none.
 */
function memoryOf({ guest: { ram } }: Session): (task: KernelTask) => string {
  const known = new Map([[0n, 0]]);
  return ({ pgd }) => {
    const pages = known.get(pgd) ?? mappedPages(ram, pgd, USER_END).length;
    known.set(pgd, pages);
    const kib = String((pages * PAGE) / 1024);
    const part = ((100 * pages * PAGE) / ram.byteLength).toFixed(1);
    return `${part.padStart(4)} ${kib.padStart(7)} ${kib.padStart(6)}`;
  };
}

export function sys(session: Session): string[] {
  const { machine, image, seed, result, note } = session.subject;
  const { view, preset } = machine;
  const megahertz = numberOf(preset, "megahertz");
  const seconds = Number(view.now) / megahertz / 1e6;
  // An idle task stands for a CPU without work.
  const tasks = session.tasks.filter(({ idle }) => !idle);
  const running = tasks.filter((task) => stateOf(task) === "RU").length;
  const blocked = tasks.filter((task) => stateOf(task) === "UN").length;
  const why = result ? result.reason ?? `exit ${result.exit}` : "it could go on";
  const rows: [string, string][] = [
    ["KERNEL", machine.debugInfo.kernel.name],
    ["DUMPFILE", image],
    ["CPUS", `${view.cpus}`],
    ["CYCLES", `${view.now} (in-order approximation)`],
    ["UPTIME", `${seconds.toFixed(6)} s of virtual time`],
    ["LOAD AVERAGE", `${running} running, ${blocked} uninterruptible`],
    ["TASKS", `${session.tasks.length}`],
    ["MACHINE", `${preset.name}  (${megahertz} Mhz)`],
    ["MEMORY", `${view.ram.length / 2 ** 20} MB`],
    ["SEED", `${seed}`],
    ["PARAMETERS", machine.told.append || "none"],
    ["MEMORY MODEL", machine.told.memory],
    ...(note ? [["DRAINS", note] as [string, string]] : []),
    ["PANIC", machine.debugBlock()?.panic ?? `"" (${why})`],
  ];
  return rows.flatMap(([name, value]) => wrap(value, SYS_VALUE).split("\n")
    .map((line, i) => `${i ? "" : `${name.padStart(SYS_NAME - 2)}: `}`.padEnd(SYS_NAME) + line));
}

/** "set PID": whom commands without a PID are about from now on; without one, who that is. */
export function set(session: Session, text?: string): string[] {
  const task = session.task(text);
  if (text !== undefined) session.context = task;
  const { pid, place, runs, cpu } = task;
  const state = runs === undefined ? `TASK_${STATE_NAMES[stateOf(task)]}` : "ACTIVE";
  return [
    ["PID", pid], ["COMMAND", `"${commOf(task)}"`], ["TASK", bareHex(place.lin)],
    ["CPU", runs ?? cpu], ["STATE", state],
  ].map(([name, value]) => `${`${name}`.padStart(7)}: ${value}`);
}

const STATE_NAMES = {
  RU: "RUNNING", IN: "INTERRUPTIBLE", UN: "UNINTERRUPTIBLE", DE: "DEAD",
};

/** The entries of a list, as places of `type` whose member `link` is in it. */
export function listOf(session: Session, head: Place, type: string, link: string): Place[] {
  const { guest } = session;
  const of = session.type(type);
  const at = session.member({ lin: 0n, type: of }, link).lin;
  const found: Place[] = [];
  let next = guest.value(head, "next");
  if (next === undefined) throw new InputError(`${bareHex(head.lin)}: nothing is mapped there`);
  const seen = new Set<bigint>();
  while (next && next !== head.lin) {
    if (seen.has(next) || found.length === LIST_MAX) {
      throw new InputError(`${bareHex(head.lin)}: the list does not come back there in ` +
        `${found.length} entries: give the address of its head`);
    }
    seen.add(next);
    const following = guest.number(next);
    if (following === undefined) {
      throw new InputError(`${bareHex(head.lin)}: no list, or a broken one: it leads to ` +
        `${bareHex(next)}, where nothing is mapped`);
    }
    found.push({ lin: next - at, type: of });
    next = following;
  }
  return found;
}

const LIST_USAGE = "usage: list TYPE.MEMBER [-s TYPE.MEMBER[,MEMBER...]] -H ADDRESS|SYMBOL";

/** The structs of a list by its head as crash prints them, with -s some of their members. */
export function list(session: Session, words: string[]): string[] {
  const [member, ...more] = words;
  const [, type, link] = /^(\w+)\.([\w.]+)$/.exec(member) ?? [];
  const options = new Map(Array.from({ length: more.length / 2 }, (_, i) =>
    [more[2 * i], more[2 * i + 1]]));
  const [address, shown] = [options.get("-H"), options.get("-s")];
  const unknown = [...options.keys()].some((name) => name !== "-H" && name !== "-s");
  if (!link || address === undefined || unknown || more.length % 2) {
    throw new InputError(LIST_USAGE);
  }
  const [of, paths] = shown === undefined ? [type, []] : membersOf(shown);
  if (of !== type) throw new InputError(`list: -s is of struct ${type}, as the list is`);
  const head = { lin: session.address(address), type: session.type("list_head") };
  const entries = listOf(session, head, type, link);
  if (entries.length === 0) return ["(empty)"];
  return entries.flatMap((entry) => [bareHex(entry.lin), ...paths.flatMap((path) => {
    const place = session.member(entry, path);
    const [first, ...rest] = valueLines(session.guest, place.lin, place.type, 10);
    return [`  ${path} = ${first}`, ...rest.map((line) => `  ${line}`)];
  })]);
}

/** "kiocb.ki_pos,ki_nbytes" */
function membersOf(text: string): [type: string, paths: string[]] {
  const [, type, paths] = /^(\w+)\.([\w.,]+)$/.exec(text) ?? [];
  if (!paths) throw new InputError(LIST_USAGE);
  return [type, paths.split(",")];
}

export function runq(session: Session): string[] {
  const { guest, machine } = session;
  const cpus = guest.variable("cpus");
  if (!cpus) throw new InputError("this kernel has no variable cpus");
  return guest.elements(cpus).slice(0, machine.view.cpus).flatMap((cpu, number) => {
    const rq = session.member(cpu, "rq");
    const current = session.tasks.find(({ runs }) => runs === number);
    const queued = listOf(session, session.member(rq, "queue"), "task", "run_list")
      .map(({ lin }) => session.tasks.find(({ place }) => place.lin === lin));
    const row = (task?: KernelTask) => task ? taskLine(task) : "(unknown)";
    return [
      `CPU ${number} RUNQUEUE: ${bareHex(rq.lin)}  NR_RUNNING: ${guest.value(rq, "nr_running")}`,
      `  CURRENT: ${row(current)}`,
      ...(queued.length ? queued.map((task) => `     ${row(task)}`) : ["     [no tasks queued]"]),
    ];
  });
}
