// Case 003: the account of a stopped machine, field by field as the two dumps of the bug report
// show it; 003-report.ts has the whole of them.
import type { FsBlock, Transaction } from "../machine/fs-block.ts";
import { type Task, TASK_RUNNING } from "../machine/debug-block.ts";
import { type Meeting } from "./003-story.ts";

/** A writer that sleeps on a request which has ended. */
export interface HungWriter {
  task: Task;
  dio: bigint;
  bios: number;
  transaction: bigint;
}

export interface Population {
  writers: HungWriter[];
  journal: Task[];
  blocked: Task[];
}

/**
 * I003c, when nothing is pending: a transaction is locked until its handles are given back, and all
 * who have one sleep. Those, or nobody.
 */
export function stuckOwners(
  tasks: readonly Task[], transaction: Transaction | undefined,
  transactionOf: (task: bigint) => bigint,
): Task[] {
  if (transaction?.state !== "T_LOCKED" || transaction.updates === 0) return [];
  const owners = tasks.filter(({ address }) => transactionOf(address) === transaction.address);
  return owners.every(({ state }) => state !== TASK_RUNNING) ? owners : [];
}

const hex = (value: bigint) => value.toString(16);
const SHOWN_MAX = 6;

/** How many of each name. */
export function namesOf(tasks: readonly Task[]): string {
  const counts = new Map<string, number>();
  for (const { comm } of tasks) counts.set(comm, (counts.get(comm) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}

export function accountOf(
  fs: FsBlock, { writers, journal, blocked }: Population, meetings: readonly Meeting[],
  transaction: Transaction | undefined,
): string {
  const lines = writers.slice(0, SHOWN_MAX).flatMap((writer) => {
    const { task, dio, bios } = writer;
    const fields = fs.dio(dio);
    const meeting = meetings.find(({ request }) => fs.dioOfLine(request.line) === dio &&
      !request.freed);
    const belongs = writer.transaction === transaction?.address;
    return [
      `PID ${task.pid} TASK ${hex(task.address)} CPU ${task.cpu} "${task.comm}": UN, on dio ` +
        `${hex(dio)},`,
      `  with a handle of ${belongs ? "the running" : "another"} transaction`,
      `  offset ${hex(fields.offset)} size ${hex(fields.size)} result ${hex(fields.result)} ` +
        `refcount ${fields.refcount} waiter ${hex(fields.waiter)}`,
      `  bio_list ${hex(fields.bio_list)} bio ${hex(fields.bio)}; ${bios} allocated bios are of it`,
      ...numbersOf(fields).map((line) => `  ${line}`),
      ...(meeting ? storyOf(meeting) : []),
    ];
  });
  if (transaction) {
    lines.push(`transaction ${transaction.tid}: ${transaction.state}, t_updates ` +
      `${transaction.updates}`);
  }
  lines.push(`waitq j_wait_updates: ${namesOf(journal)}`);
  lines.push(`waitq j_wait_transaction_locked: ${blocked.length} (${namesOf(blocked)})`);
  return lines.join("\n");
}

/** The fields that tell how far the mapping came, three in a line. */
function numbersOf(fields: ReturnType<FsBlock["dio"]>): string[] {
  const rows = [
    ["block_in_file", "final_block_in_request", "cur_page_block"],
    ["final_block_in_bio", "next_block_for_io", "cur_page_len"],
    ["first_block_in_page", "total_pages", "pages_in_io"],
  ] as const;
  return rows.map((names) => names.map((name) => `${name} ${hex(fields[name])}`).join(" "));
}

function storyOf({ counted, published, visible, looked, dropped }: Meeting): string[] {
  const steps = [
    { event: counted, text: `reads refcount = ${counted.value}` },
    { event: looked, text: `reads waiter = ${hex(looked?.value ?? 0n)}` },
    { event: published, text: "stores waiter" },
    { event: visible, text: "waiter is visible" },
    { event: dropped, text: "drops the reference of the bio" },
  ].filter(({ event }) => event !== undefined);
  steps.sort((a, b) => Number(a.event!.time - b.event!.time));
  const origin = steps[0].event!.time;
  return steps.map(({ event, text }) =>
    `  ${`${event!.time - origin}`.padStart(6)}  cpu${event!.cpu}  ${text}`);
}

/** For the report: how long the writer has been blocked, as the dumps' sessions compute it. */
export function blockedFacts(
  fs: FsBlock, [writer]: readonly HungWriter[], meetings: readonly Meeting[], now: bigint,
  megahertz: number,
): Record<string, string> {
  const own = meetings.find(({ request }) => !request.freed &&
    fs.dioOfLine(request.line) === writer?.dio);
  if (!own?.published) return {};
  const { time, cpu } = own.published;
  const seconds = Number(now - time) / megahertz / 1e6;
  return {
    "seconds blocked": `${seconds.toFixed(6)} of virtual time: it said at ${time} on cpu${cpu} ` +
      `that it waits, and the end is ${now - time} cycles later`,
  };
}
