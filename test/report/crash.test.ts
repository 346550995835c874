// A crash session on a machine that hangs: what the commands print agrees with what the machine
// and the kernel's debug block say, in 80 columns.
import { afterAll, beforeAll, expect, it } from "vitest";
import { case002 } from "../../src/cases/002.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import { execute } from "../../src/report/crash/commands.ts";
import { Session } from "../../src/report/crash/session.ts";

const options = {
  image: "w001", machine: "clovertown", seed: 1n, workers: 1 as const, counters: true,
  traceEvents: 1 << 14, append: "v001k=0 -- w001 W001i s=0 r=2",
};
let session: Session;
let machine: Machine;
/** Of the task that sleeps for ever. */
let pid: number;

beforeAll(async () => {
  machine = await Machine.create(options);
  const result = await machine.run();
  expect(result.exit).toBe("hang");
  session = new Session({ machine, result, image: "w001", seed: 1n, note: "" });
  const block = machine.debugBlock()!;
  pid = block.tasks().find(({ sleepKind, state }) => sleepKind === 2 && state === 1)!.pid;
}, 180_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
});

const run = async (line: string) => (await execute(session, line)).join("\n");

it("ps lists the tasks that the debug block lists", async () => {
  const row = /^[ >] +(\d+) +\d+ +\d+ +\w+ +(\w\w) +[\d.]+ +\d+ +\d+ {2}(.*)$/gm;
  const listed = [...(await run("ps")).matchAll(row)]
    .filter(([, , , comm]) => !comm.startsWith("[swapper"))
    .map(([, id, , comm]) => [Number(id), comm]);
  expect(listed).toEqual(machine.debugBlock()!.tasks().map(({ pid: id, comm }) => [id, comm]));
  expect(await run("ps -IN")).toMatch(/ IN .* w001$/m);
  expect(await run("ps -IN")).not.toContain("swapper");
  // Threads of the kernel that have nothing to do; nobody waits for a disk.
  expect((await run("ps -IN")).match(/ IN .* aio$/gm)).toHaveLength(8);
  expect((await run("ps -UN")).split("\n")).toHaveLength(1);
  expect(await run("sys")).toContain("LOAD AVERAGE: 0 running, 0 uninterruptible");
});

it("bt walks from schedule to the system call, with the registers of the program", async () => {
  const text = await run(`bt ${pid}`);
  const names = [...text.matchAll(/^ +#\d+ \[\w+\] (\w+) at/gm)].map(([, name]) => name);
  expect(names[0]).toBe("schedule");
  expect(names.slice(-2)).toEqual(["syscall_dispatch", "syscall_entry"]);
  expect(names.some((name) => name.startsWith("read_events__"))).toBe(true);
  // io_getevents is 208, and the program called it from its own code
  expect(text).toMatch(/ORIG_RAX: 00000000000000d0 /);
  const rip = BigInt(`0x${/RIP: (\w+)/.exec(text)![1]}`);
  expect(machine.program.segments.some(({ lin, memoryBytes, executable }) =>
    executable && rip >= lin && rip < lin + BigInt(memoryBytes))).toBe(true);
  expect(text).toMatch(/RFLAGS: [0-9a-f]{8}\n/);
  expect(text).toMatch(/RBP: \w{16} {3}R8: \w{16} {3}R9: \w{16}\n/);
  expect(text).toMatch(/CS: [0-9a-f]{4} {2}SS: [0-9a-f]{4}$/);
  // As in crash: in brackets where the address of the frame lies; the words behind it follow.
  const lines = (await run(`bt -f ${pid}`)).split("\n");
  const frames = lines.flatMap((line, i) => {
    const [, at, pc] = /^ +#\d+ \[(\w+)\] \w+ at (\w+)$/.exec(line) ?? [];
    return at ? [{ at: BigInt(`0x${at}`), pc: BigInt(`0x${pc}`), next: lines[i + 1] }] : [];
  });
  expect(frames.length).toBe(names.length);
  for (const { at, pc, next } of frames) {
    expect(session.guest.number(at)).toBe(pc);
    expect(next).toMatch(new RegExp(`^    ${(at + 8n).toString(16)}: `));
  }
});

it("the reaper is in the wait queue of its kioctx, whose struct has the unread event", async () => {
  const [context] = machine.debugBlock()!.kioctxs();
  expect(context.head).not.toBe(context.tail);
  const address = context.address.toString(16);
  expect(await run("slab kioctx")).toContain(`\n  ${address}`);
  const text = await run(`struct kioctx ${address}`);
  expect(text).toContain(`reqs_active = ${context.reqsActive}`);
  expect(await run(`struct kioctx.ring_info.tail ${address}`)).toContain(`= ${context.ringTail}`);
  const place = session.member(
    { lin: context.address, type: session.type("kioctx") }, "wait",
  ).lin.toString(16);
  const queue = await run(`waitq ${place}`);
  expect(queue).toMatch(new RegExp(`^PID: ${pid} `));
  expect(await run(`waitq ${place} | wc -l`)).toBe("1");
  const head = session.placeOf(`((struct kioctx *)${address})->wait.task_list`)!.lin.toString(16);
  // Not the queue but its list: the entries never lead back there.
  await expect(run(`waitq ${head}`)).rejects.toThrow(/does not come back there in \d+ entries/);
  const listed = await run(`list wait_queue.task_list -H ${head}`);
  expect(listed).toMatch(/^[0-9a-f]{16}$/);
  const { place: task } = session.task(`${pid}`);
  expect(session.evaluate(`((struct wait_queue *)${listed})->private`)).toBe(task.lin);
});

it("slab counts what is in use, as the kernel's own lists do", async () => {
  const tasks = await run("slab task");
  const [, used, free] = /^struct task: (\d+) in use, (\d+) free/.exec(tasks)!.map(Number);
  const listed = [...tasks.matchAll(/^ {2}([0-9a-f]{16})$/gm)].map(([, lin]) => BigInt(`0x${lin}`));
  expect(listed).toHaveLength(used);
  const known = machine.debugBlock()!.tasks().map(({ address }) => address);
  expect(known.filter((address) => !listed.includes(address))).toEqual([]);
  const lists = [...tasks.matchAll(/(?:cpu\d+|depot) (\d+)/g)].map(([, count]) => Number(count));
  expect(lists.reduce((sum, count) => sum + count, 0)).toBe(free);
  const row = new RegExp(`^ +\\d+ +${used} +${used + free} +\\d+ {2}task$`, "m");
  expect(await run("slab")).toMatch(row);
});

it("px, pd and rd show the same number", async () => {
  session.history.length = 0;
  expect(await run("pd nr_cpus")).toBe("nr_cpus = $1 = 8");
  expect(await run("px nr_cpus")).toBe("nr_cpus = $2 = 0x8");
  expect(await run("rd nr_cpus")).toMatch(/^\w{16}: {2}\w{8}00000008 /);
  expect(await run("pd cpus[5].number")).toBe("$3 = 5");
  expect(await run("px cpus[5].rq.idle->state")).toBe("$4 = 0x0");
  expect(await run("pd $1*cpus[5].number-$2")).toBe("$5 = 32");
});

it("px of addresses, structs and functions, as the bug report's session writes them", async () => {
  const { place, stack } = session.task(`${pid}`);
  const address = place.lin.toString(16);
  session.history.length = 0;
  expect(await run(`px &((struct task *)0x${address})->run_list`)).toBe(
    `$1 = (struct list_head *) 0x${session.member(place, "run_list").lin.toString(16)}`);
  expect(await run(`px ((struct task *)0x${address})->process`))
    .toMatch(/^\$2 = \(struct process \*\) 0x[0-9a-f]{16}$/);
  expect(await run("pd $2->pid")).toBe(`$3 = ${pid - 1}`);
  const whole = (await run(`px *(struct task *)0x${address}`)).split("\n");
  expect(whole[0]).toBe("$4 = {");
  expect(whole).toContain(`  stack = 0x${stack.toString(16)},`);
  expect(await run(`px $4.stack`)).toMatch(new RegExp(`\\*\\) 0x${stack.toString(16)}$`));
  expect(await run("px &schedule")).toMatch(/^\$6 = .* 0x[0-9a-f]+ <schedule>$/);
  await expect(run("px *(struct task *)0x10")).rejects.toThrow(/nothing is mapped/);
});

it("a line's output goes through grep, wc, head and tail", async () => {
  expect(await run("ps -IN | grep aio | wc -l")).toBe("8");
  expect(await run(`ps | grep ${session.task(`${pid}`).place.lin.toString(16)}`))
    .toMatch(/ IN .* w001$/);
  expect((await run("ps | grep -v w001 | head -3")).split("\n")).toHaveLength(3);
  expect(await run("ps | tail -1")).toBe((await run("ps")).split("\n").at(-1));
  await expect(run("ps | less")).rejects.toThrow(/what a pipe leads to/);
});

it("ps of one task, bt of those that run, mount, set", async () => {
  expect((await run(`ps ${pid}`)).split("\n")).toHaveLength(2);
  expect(await run(`ps -UN ${pid}`)).not.toContain("w001");
  expect((await run("ps aio")).match(/ aio$/gm)).toHaveLength(8);
  const active = await run("bt -a");
  expect([...active.matchAll(/CPU: (\d) +COMMAND: "\[swapper/g)].map(([, cpu]) => cpu).join(""))
    .toBe("01234567");
  expect(active.match(/^ #0 /gm)).toHaveLength(8);
  await expect(run(`bt -a ${pid}`)).rejects.toThrow(/leave out the PID/);
  expect(await run("mount")).toContain("no file system is mounted");
  const [thread] = session.tasks.filter(({ comm }) => comm === "aio");
  expect(await run(`set ${thread.pid}`)).toMatch(new RegExp(`PID: ${thread.pid}\n.*"aio"`));
  expect(await run("bt")).toBe(await run(`bt ${thread.pid}`));
  expect(await run("set")).toContain("STATE: TASK_INTERRUPTIBLE");
  session.context = undefined;
});

it("runq, files, irq, sys, dis", async () => {
  expect((await run("runq")).match(/\[swapper\/\d\]/g)).toHaveLength(8);
  expect(await run(`files ${pid}`)).toMatch(/^ {2}1 {2}\w{16} +\d+ {2}CHR {3}\/dev\/console$/m);
  const rows = (await run("irq")).matchAll(/^ +\d+ +(\d+) {2}(?:-|0x\w+) +(?:-|0x\w+)$/gm);
  const taken = [...rows].map(([, count]) => Number(count));
  expect(taken).toEqual(machine.counters().cpus.map(({ interrupts }) => interrupts));
  expect(await run("sys")).toContain("every CPU is halted");
  expect(await run("dis schedule 2")).toMatch(/<schedule>: +push %rbp\n.*<schedule\+1>:/);
});

it("sb is empty on a quiescent machine, last has labelled steps of case 001", async () => {
  expect((await run("sb")).match(/: empty$/gm)).toHaveLength(8);
  const steps = (await run("last 40 | grep cpu")).split("\n");
  // A locked access is recorded with what it found, which is not what it left.
  expect(steps.filter((step) => / locked .* = 0x| (?:load|issue|commit) .* was /.test(step)))
    .toEqual([]);
  expect(steps.some((step) => / 1g +locked .*state was 0x/.test(step))).toBe(true);
  expect(steps.length).toBeGreaterThan(20);
  expect(steps.filter((line) => / A3 +(issue|commit) /.test(line)).length)
    .toBeGreaterThan(0);
  const times = steps.map((line) => Number(line.trim().split(" ")[0]));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

/** Of each cache, by level and CPUs, the state that the command cache shows. */
function statesIn(lines: readonly string[]): Map<string, string> {
  let level = "";
  return new Map(lines.slice(1).flatMap((line) => {
    if (line.startsWith("directory")) return [];
    level = /^(\w+):/.exec(line)?.[1] ?? level;
    return [...line.matchAll(/cpu([\d,]+) ([MESI])/g)].map(([, cpus, state]): [string, string] =>
      [`${level} ${cpus}`, state]);
  }));
}

/** One owner at most, nobody beside an owner, and an inner cache has only what an outer one has. */
function coherent(lines: readonly string[]): void {
  const all = [...statesIn(lines)].map(([name, state]) => {
    const [level, cpus] = name.split(" ");
    return { level, state, cpus: cpus.split(",") };
  });
  const outer = all.some(({ level }) => level === "L3") ? "L3" : "L2";
  const shared = all.filter(({ level }) => level === outer);
  const owned = shared.filter(({ state }) => /[ME]/.test(state));
  expect(owned.length).toBeLessThanOrEqual(1);
  if (owned.length) expect(shared.filter(({ state }) => state !== "I")).toEqual(owned);
  for (const { level, state, cpus } of all) {
    const behind = all.filter((one) => cpus[0] !== undefined && one.cpus.includes(cpus[0]) &&
      (one.level === outer || (one.level === "L2" && level === "L1D")));
    // Code may stay in the L1I when a private L2 drops it.
    if (state !== "I") expect(behind.map((one) => one.state), lines.join("\n")).not.toContain("I");
    if (!/[ME]/.test(state)) continue;
    // Another one, if the line is about to be handed over.
    if (level === "L1D") expect(lines.join(" ")).toMatch(/cpu[\d,]+ owns it/);
    expect(behind.map((one) => one.state).filter((one) => one === "S")).toEqual([]);
  }
}

it("cache has all levels of a machine with private L2s, also while a line goes round", async () => {
  const given = {
    ...options, image: "sharing", machine: "nehalem-ep", append: "-- sharing a=0 b=9 n=3000",
  };
  const box = await Machine.create(given);
  const { cycles } = await box.run();
  box.close();
  const again = await Machine.create(given);
  const owners = new Set<string>();
  for (let part = 900n; part < 1000n; part += 10n) {
    await again.runTo((cycles * part) / 1000n);
    const live = new Session({ machine: again, image: "sharing", seed: 1n, note: "" });
    const lines = await execute(live, "cache near");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect([...statesIn(lines).keys()].filter((name) => /^L[23] /.test(name))).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((core) => `L2 ${core},${core + 8}`)
        .concat("L3 0,8,1,9,2,10,3,11", "L3 4,12,5,13,6,14,7,15"));
    coherent(lines);
    for (const [name, state] of statesIn(lines)) if (/[ME]/.test(state)) owners.add(name);
  }
  again.close();
  expect([...owners].filter((name) => name.startsWith("L1D")).length).toBeGreaterThan(0);
  expect(owners).toContain("L3 0,8,1,9,2,10,3,11");
}, 120_000);

/** How many stacks go on behind an interrupt of the kernel, with what it stopped. */
function interruptedIn(lines: readonly string[]): number {
  const stacks = lines.join("\n").split(/^PID: /m).slice(1)
    .map((stack) => [...stack.matchAll(/^ *#\d+ \[\w+\] (\w+) at|\[exception RIP: (\w+)/gm)]);
  const stopped = stacks.filter((stack) => stack.some(([, , place]) => place));
  return stopped.filter((stack) => {
    const at = stack.findIndex(([, , place]) => place);
    expect(stack[at - 1][1]).toBe("irq_common");
    // A program was stopped: its stack is not the kernel's.
    if (at === stack.length - 1) return false;
    expect(stack[at + 1][1]).toBe(stack[at][2]);
    expect(stack.at(-1)![1]).toMatch(/^(ap_main|kernel_main|syscall_entry|\w*thread\w*|aio_\w+)$/);
    return true;
  }).length;
}

it("irq has the lines with their handlers, and an interrupt on its way", async () => {
  const given = {
    ...await optionsOf(case002, {
      machine: "clovertown", variant: "bug", workload: "W002b", pair: [0, 1], seed: 1n, rounds: 16,
      memory: "tso",
    }),
    traceEvents: 0, counters: true,
  };
  const box = await Machine.create(given);
  const { cycles } = await box.run();
  box.close();
  const again = await Machine.create(given);
  let [active, serving, interrupted] = [0, 0, 0];
  for (let at = cycles - 400_000n; at < cycles; at += 4000n) {
    await again.runTo(at);
    const here = new Session({ machine: again, image: "w002", seed: 1n, note: "" });
    const lines = await execute(here, "irq");
    interrupted += interruptedIn(await execute(here, "bt -a"));
    const line = /^ {3}4 +(0x\w+) lowest +0xff level +(\S.*?) +virtblk_interrupt\(0\)$/.exec(
      lines[1])!;
    const handling = lines.some((one) => / (0x\w+)(,\S+)? +\S+$/.exec(one)?.[1] === line[1]);
    if (line[2].includes("active")) active++;
    // Sent and not ended: until the EOI a message is under way, or a CPU has it.
    if (handling) {
      serving++;
      expect(line[2]).toContain("sent");
    }
  }
  const [, sent] = /^(\d+) messages sent/m.exec((await execute(new Session(
    { machine: again, image: "w002", seed: 1n, note: "" }), "irq")).join("\n"))!;
  again.close();
  expect(Number(sent)).toBeGreaterThan(10);
  expect(active).toBeGreaterThan(0);
  expect(serving).toBeGreaterThan(0);
  expect(interrupted).toBeGreaterThan(3);
}, 120_000);

it("sb and cache show stores under way, and who owns their lines", async () => {
  const given = { ...options, image: "sharing", append: "-- sharing a=0 b=2 n=100000" };
  const box = await Machine.create(given);
  const { cycles } = await box.run();
  box.close();
  const again = await Machine.create(given);
  let [waiting, owned] = [0, 0];
  // The loop is the last part of the run, and most of it is waiting for the line. Before it there
  // is no program whose variable it could be.
  for (let part = 800n; part < 1000n; part += 5n) {
    expect(await again.runTo((cycles * part) / 1000n)).toBeUndefined();
    const live = new Session({ machine: again, image: "sharing", seed: 1n, note: "" });
    const text = (await execute(live, "sb")).join("\n");
    expect(text.match(/^CPU \d/gm)).toHaveLength(8);
    const entry = /^ {2}- +[0-9a-f]+ +8 +0x[0-9a-f]+ +\d+ {2}near\.(received|sent)$/m;
    if (entry.test(text)) waiting++;
    // Oldest first: within a CPU the ages fall.
    for (const part of text.split(/^CPU /m)) {
      const ages = [...part.matchAll(/ 0x[0-9a-f]+ +(\d+) {2}\S/g)].map(([, age]) => Number(age));
      expect(ages).toEqual([...ages].sort((a, b) => b - a));
    }
    coherent(await execute(live, "cache near"));
    const owners = (await execute(live, "cache near"))[1].match(/cpu\d [EM]/g) ?? [];
    expect(owners.length).toBeLessThanOrEqual(1);
    expect(["cpu0 M", "cpu2 M", "cpu0 E", "cpu2 E", undefined]).toContain(owners[0]);
    owned += owners.filter((owner) => owner.endsWith("M")).length;
  }
  again.close();
  expect(waiting).toBeGreaterThan(3);
  expect(owned).toBeGreaterThan(3);
}, 120_000);

it("why tells the lost wake-up of the task, and of no other", async () => {
  const text = await run(`why ${pid}`);
  expect(text).toContain(`Lost wake-up: task ${pid} (w001)`);
  expect(text).toContain("aio_ring.tail");
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
}, 300_000);

it("answers in 80 columns, and mistakes in a sentence", async () => {
  const [context] = machine.debugBlock()!.kioctxs();
  const lines = [
    "sys", "ps", "bt -f", "bt -l", "runq", "files", "irq", "sb", "last", "dis schedule 20", "help",
    `struct kioctx ${context.address.toString(16)}`, "rd nr_cpus 8", "struct task",
    "slab", "slab task", "help slab",
    "px cpus[0].rq", "bt -a", "set", "mount",
  ];
  for (const line of lines) {
    const wide = (await run(line)).split("\n").filter((row) => row.length > 80);
    expect(wide, line).toEqual([]);
  }
  await expect(run("bt 99999")).rejects.toThrow(/no task/);
  await expect(run("struct nonsense")).rejects.toThrow(/no such type/);
  await expect(run("list kiocb -H nr_cpus")).rejects.toThrow(/usage: list/);
  await expect(run("list task.run_list -H nr_cpus")).rejects.toThrow(/no list, or a broken one/);
  await expect(run("waitq 0")).rejects.toThrow(/nothing is mapped/);
  await expect(run("dis 0")).rejects.toThrow(/nothing is mapped/);
  await expect(run("waitq")).rejects.toThrow(/usage: waitq/);
  await expect(run("ps -XX")).rejects.toThrow(/must be one of/);
  await expect(run("toString")).rejects.toThrow(/no such command/);
  await expect(run("rd 10")).rejects.toThrow(/mapped/);
});
