// The core file in front of gdb: it lists the CPUs, walks the stack of a task that sleeps, and
// reads the same registers and memory as the machine has. Skipped where there is no gdb.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSparse } from "../../src/cli/core.ts";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { coreDump, FIRST_TASK, kernelGuest } from "../../src/report/core-dump.ts";
import { framesOf, registersOf } from "../../src/report/crash/backtrace.ts";
import { Session } from "../../src/report/crash/session.ts";
import { stateOf } from "../../src/report/crash/tasks.ts";
import { hasTool } from "../support/tools.ts";
import { hungWriter } from "./report-tools.ts";

const root = packageRoot();
const main = join(root, "dist", "src", "cli", "main.js");
const kernel = join(root, "workloads", "prebuilt", "kernel.elf");
const folder = mkdtempSync(join(tmpdir(), "smpbox-core-"));
const file = join(folder, "hang.core");
const options = {
  image: "w001", machine: "clovertown", seed: 1n, workers: 1 as const,
  append: "v001k=0 -- w001 W001i s=0 r=2",
};
const REGISTERS = [
  "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
];
let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create(options);
  expect((await machine.run()).exit).toBe("hang");
  const words = ["--machine", options.machine, "--append", options.append, "-o", file];
  const { status, stdout } = spawnSync(process.execPath, [main, "core", "w001", ...words], {
    encoding: "utf8",
  });
  expect(status).toBe(0);
  expect(stdout).toContain("user memory of process");
}, 300_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
  rmSync(folder, { recursive: true });
});

/** What gdb answers to each command, without its greeting. */
function gdb(...commands: string[]): string {
  return gdbOn(file, ...commands);
}

function gdbOn(core: string, ...commands: string[]): string {
  const words = commands.flatMap((command) => ["-ex", command]);
  const { stdout, stderr } = spawnSync("gdb", ["-q", "-nx", "-batch", ...words, kernel, core], {
    encoding: "utf8",
  });
  expect(stderr).not.toMatch(/error|not a core|warning/i);
  return stdout;
}

/**
 * gdb also lists what the compiler inlined, without an address; the function itself comes last. An
 * interrupt's entry is a signal handler's to it. At address 0 the stack of a CPU's first task ends.
 */
function physicalFrames(stack: string): string[] {
  const names: string[] = [];
  const form = /^#(\d+) +(?:<signal handler called>$|(?:(0x\w+) in )?(\S+) \()/gm;
  for (const [, number, address, name] of stack.matchAll(form)) {
    if (!name) names.push("irq_common");
    else if (number === "0" || address) {
      if (!address || BigInt(address) !== 0n) names.push(name);
      // The one before it was inlined into what an interrupt stopped.
    } else if (names.at(-1) === "irq_common") names.push(name);
    else names[names.length - 1] = name;
  }
  return names;
}

describe.skipIf(!hasTool("gdb", "gdb"))("gdb", () => {
  it("lists the CPUs as threads, with their registers", () => {
    const print = String.raw`printf "rip %lx rsp %lx gs %lx\n", $rip, $rsp, $gs_base`;
    const out = gdb(`thread apply all -ascending ${print}`);
    const found = [...out.matchAll(/\(LWP (\d+)\):\nrip (\w+) rsp (\w+) gs (\w+)/g)];
    const cpus = found.filter(([, id]) => Number(id) < FIRST_TASK);
    expect(cpus.map(([, id]) => Number(id))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const [, id, ...values] of cpus) {
      const { rip, registers, gsBase } = machine.view.cpu(Number(id) - 1);
      expect(values).toEqual([rip, registers[4], gsBase].map((value) => value.toString(16)));
    }
  });

  it("backtraces the reaper that sleeps for ever", () => {
    const { threads } = coreDump(machine, "kernel.elf");
    const block = machine.debugBlock()!;
    const asleep = block.tasks().filter(({ sleepKind, state }) => sleepKind === 2 && state === 1);
    expect(asleep).toHaveLength(1);
    const thread = threads.findIndex(({ id }) => id === FIRST_TASK + asleep[0].pid);
    const out = gdb(`thread ${thread + 1}`, "bt");
    const names = [...out.matchAll(/^#\d+ +(?:0x\w+ in )?(\w+) \(/gm)].map(([, name]) => name);
    const chain = ["schedule", "sys_io_getevents", "syscall_dispatch"];
    expect(names.filter((name) => chain.includes(name))).toEqual(chain);
    expect(names.findIndex((name) => name.startsWith("read_events__")))
      .toBeGreaterThan(names.indexOf("schedule"));
    // Nothing that the program had in its registers is taken for a frame of the kernel's.
    expect(names.at(-1)).toBe("syscall_entry");
    expect(out).not.toMatch(/\?\?|Backtrace stopped/);
  });

  it("ends each stack where crash's does", () => {
    const session = new Session({ machine, image: "w001", seed: 1n, note: "" });
    const { threads } = coreDump(machine, "kernel.elf");
    const stacks = gdb("thread apply all -ascending bt").split(/^Thread /m).slice(1);
    expect(stacks).toHaveLength(threads.length);
    const asleep = session.tasks.filter(({ runs, idle }) => runs === undefined && !idle);
    expect(asleep.length).toBeGreaterThan(10);
    for (const task of asleep) {
      const own = framesOf(session, registersOf(session, task)!).map(({ name }) => name);
      const at = threads.findIndex(({ id }) => id === FIRST_TASK + task.pid);
      const names = physicalFrames(stacks[at]);
      // Where a thread of the kernel began, gcc's own information leads one frame too far.
      expect(names, task.comm).toEqual([...own, ...task.pgd === 0n ? ["??"] : []]);
    }
  });

  it("backtraces the writer of case 003 that sleeps for ever, and prints its request", async () => {
    const { session } = await hungWriter();
    const { view } = session.machine;
    const core = join(folder, "writer.core");
    const dump = coreDump(session.machine, "kernel.elf");
    writeSparse(core, dump.head, view.ram);
    const writer = session.tasks.find((task) => stateOf(task) === "UN" && framesOf(
      session, registersOf(session, task)!).some(({ name }) => name.startsWith("dio_await_one")))!;
    const thread = dump.threads.findIndex(({ id }) => id === FIRST_TASK + writer.pid);
    const dio = session.guest.value(writer.place, "sleep.object")!;
    const request = `((struct dio *)${dio})`;
    const out = gdbOn(core, `thread ${thread + 1}`, "bt",
      `p ${request}->refcount.counter`, `p/x ${request}->result`, `p/x ${request}->waiter`);
    const names = [...out.matchAll(/^#\d+ +(?:0x\w+ in )?(\w+) \(/gm)]
      .map(([, name]) => name.replace(/__\w+$/, ""));
    const chain = [
      "schedule", "io_schedule", "dio_await_one", "direct_io_refcount", "direct_write",
      "minifs_direct_aio", "aio_run_iocb", "sys_io_submit", "syscall_dispatch",
    ];
    expect(names.filter((name) => chain.includes(name))).toEqual(chain);
    expect(out).toContain("$1 = 1\n");
    expect(out).toContain("$2 = 0xe00\n");
    expect(out).toContain(`$3 = 0x${writer.place.lin.toString(16)}\n`);
    session.machine.close();
  }, 120_000);

  it("has the frames of CPUs in the middle of a run, also without a frame pointer", async () => {
    const running = await Machine.create(options);
    const core = join(folder, "running.core");
    let [compared, frameless] = [0, 0];
    // In a function without a frame, and when the CPUs are in system calls and interrupts.
    const busy = Array.from({ length: 7 }, (_, i) => 8_040_028n + 40_028n * BigInt(i));
    for (const cycle of [4_440_201n, ...busy]) {
      expect(await running.runTo(cycle)).toBeUndefined();
      const dump = coreDump(running, "kernel.elf");
      writeSparse(core, dump.head, running.view.ram);
      const session = new Session({ machine: running, image: "w001", seed: 1n, note: "" });
      const stacks = gdbOn(core, "thread apply 1-8 bt").split(/^Thread /m).slice(1);
      for (const task of session.tasks.filter(({ runs }) => runs !== undefined)) {
        if (running.view.cpu(task.runs!).cpl === 3) continue;
        const frames = framesOf(session, registersOf(session, task)!);
        const names = frames.map(({ name }) => name);
        if (names[0] === "irq_common") continue; // as below
        // What of the program is behind it is not the kernel's.
        const ofProgram = names.at(-1) === "irq_common";
        const found = physicalFrames(stacks[task.runs!]);
        expect(ofProgram ? found.slice(0, names.length) : found, `cpu${task.runs} at ${cycle}`)
          .toEqual(names);
        compared++;
        // Nothing but the return address is on its stack.
        if (frames[1] && frames[0].end <= frames[0].sp + 8n) frameless++;
      }
    }
    running.close();
    expect(compared).toBeGreaterThan(20);
    expect(frameless).toBeGreaterThan(0);
  }, 120_000);

  it("goes on behind an interrupt with what that stopped", async () => {
    const running = await Machine.create(options);
    const core = join(folder, "interrupted.core");
    let found = 0;
    for (let cycle = 4_500_000n; cycle < 8_000_000n && found < 4; cycle += 4001n) {
      expect(await running.runTo(cycle)).toBeUndefined();
      const session = new Session({ machine: running, image: "w001", seed: 1n, note: "" });
      const stacks = session.tasks.filter(({ runs }) =>
        runs !== undefined && running.view.cpu(runs).cpl !== 3).map((task) =>
        ({ cpu: task.runs!, frames: framesOf(session, registersOf(session, task)!) }));
      // Not one that is still saving the registers: gdb is told where they are once they are there.
      const stopped = stacks.find(({ frames }) =>
        frames.slice(1, -1).some(({ name }) => name === "irq_common"));
      if (!stopped) continue;
      found++;
      writeSparse(core, coreDump(running, "kernel.elf").head, running.view.ram);
      const thread = `thread ${stopped.cpu + 1}`;
      // The thread's first frame is told before, too.
      const [, out] = gdbOn(core, thread, "echo STACK\\n", "bt").split("STACK");
      expect(physicalFrames(out), `cpu${stopped.cpu} at ${cycle}`)
        .toEqual(stopped.frames.map(({ name }) => name));
      // Where it was stopped, to the instruction, with all of its registers.
      const { sp } = stopped.frames.find(({ name }) => name === "irq_common")!;
      const [, level] = /^#(\d+) +<signal handler called>$/m.exec(out)!;
      const names = [...REGISTERS, "rip"];
      const print = `printf "${"%lx ".repeat(names.length)}\\n", ${
        names.map((name) => `$${name}`).join(", ")}`;
      const regs = { lin: sp, type: session.type("pt_regs") };
      expect(gdbOn(core, thread, `frame ${Number(level) + 1}`, print)).toContain(
        `${names.map((name) => session.guest.value(regs, name)!.toString(16)).join(" ")} \n`);
    }
    running.close();
    expect(found).toBe(4);
  }, 120_000);

  it("reads memory of the kernel and of the process", () => {
    const guest = kernelGuest(machine);
    const place = guest.elements(guest.variable("cpus")!)[5];
    const out = gdb("p nr_cpus", "p/x cpus[5].rq.idle", "p cpus[5].number");
    expect(out).toContain("$1 = 8\n");
    expect(out).toContain(`= 0x${guest.value(place, "rq.idle")!.toString(16)}\n`);
    expect(out).toContain("= 5\n");
    const entry = machine.program.entry;
    const code = machine.program.segments.find(({ lin, memoryBytes }) =>
      entry >= lin && entry < lin + BigInt(memoryBytes))!;
    const bytes = code.data.subarray(Number(entry - code.lin), Number(entry - code.lin) + 8);
    const words = Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, "0")}`);
    expect(gdb(`x/8xb 0x${entry.toString(16)}`)).toContain(words.join("\t"));
  });
});
