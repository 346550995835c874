// Who waits for whom, as a tree of lines: those of a wait queue first, then one task after another.
import type { Part } from "../cases/report-plan.ts";
import { InputError } from "../machine/preset.ts";
import type { KernelTask } from "../machine/tasks.ts";
import type { Session } from "./crash/session.ts";
import { commOf, listOf, stateOf } from "./crash/tasks.ts";

type Tree = Extract<Part, { tree: unknown }>["tree"];

/** Each line waits for the one below it; tasks of a queue are counted by their names. */
export function treeOf(session: Session, tree: Tree): string[] {
  return tree.map((node, depth) => {
    const branch = depth ? `${"    ".repeat(depth - 1)}\`-- ` : "";
    const isSo = () => node.if === undefined || session.evaluate(node.if) !== 0n;
    return branch + orMissing(() =>
      `${whoOf(session, node)}${isSo() ? "" : ": NOT SHOWN that it"} ${node.waits}`);
  });
}

/** A run may fail in another way than the plan's. */
function orMissing(told: () => string): string {
  try {
    return told();
  } catch (error) {
    if (error instanceof InputError) return `(${error.message})`;
    throw error;
  }
}

function whoOf(session: Session, node: Tree[number]): string {
  if ("task" in node) return nameOf(session.task(node.task));
  const queue = { lin: session.address(node.queue), type: session.type("wait_queue_head_t") };
  const entries = listOf(session, session.member(queue, "task_list"), "wait_queue", "task_list");
  const owners = entries.map((entry) => session.guest.value(entry, "private"));
  const tasks = session.tasks.filter(({ place }) => owners.includes(place.lin));
  const counts = new Map<string, number>();
  for (const { comm } of tasks) counts.set(comm, (counts.get(comm) ?? 0) + 1);
  const names = [...counts].sort(([, a], [, b]) => b - a)
    .map(([comm, count]) => (count > 1 ? `${count} ${comm}` : comm));
  return `${tasks.length} tasks (${names.join(", ")})`;
}

const nameOf = (task: KernelTask) => `${task.pid} ${commOf(task)} (${stateOf(task)})`;
