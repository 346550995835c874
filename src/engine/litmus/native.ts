// The native engine: the same bytes of machine code on this processor, where it is an x86-64 and
// gcc is there to compile the small harness (workloads/native).
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { arch, cpus, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../core/root.ts";
import { InputError } from "../../machine/preset.ts";
import { writeNativeJob } from "./native-job.ts";
import type { CountedState, Engine, EngineOptions, Outcome, Program } from "../program.ts";

const RUNS_DEFAULT = 1_000_000;
const INSTANCES = 512;
const OUTPUT_BYTES_MAX = 1 << 28;
const EXIT_FAULT = 3;
const EXIT_STUCK = 4;
/** From Ctrl-C to the end of the harness: a round may never end. */
const STOP_MS = 2000;
/** The harness says with it how many runs there are so far. */
const PROGRESS = "# ";
const run = promisify(execFile);

export interface NativeOptions {
  /** CPU of each thread, by Linux's numbers; thread t gets cpus[t modulo length]. */
  cpus?: number[];
}

export class NativeEngine implements Engine {
  readonly name = "native";
  readonly #cpus: number[] | undefined;
  #harness: Promise<{ folder: string; program: string } | { missing: string }> | undefined;

  constructor(options: NativeOptions = {}) {
    this.#cpus = options.cpus;
    const wrong = options.cpus?.find((cpu) => cpu >= cpus().length);
    if (wrong !== undefined) throw new InputError(`--cpus: this host has no CPU ${wrong}`);
  }

  async run(program: Program, options: EngineOptions): Promise<Outcome> {
    this.#harness ??= compile();
    const harness = await this.#harness;
    const model = `${cpus()[0]?.model.trim() || "unknown processor"}; the program's own machine ` +
      "code";
    const notRun = (why: string) => ({ states: [], bound: `not run: ${why}`, model, seconds: 0 });
    if ("missing" in harness) return notRun(harness.missing);
    const runs = options.runs ?? RUNS_DEFAULT;
    const seed = options.seed ?? 1n;
    const job = writeNativeJob({ program, instances: INSTANCES, runs, seed, cpus: this.#cpus });
    if (!job) return notRun("the program is too large");
    const file = join(harness.folder, "job");
    await writeFile(file, job);
    const started = performance.now();
    const ended = await execute(harness.program, file, options);
    const seconds = (performance.now() - started) / 1000;
    const states = readStates(ended.stdout);
    const done = states.reduce((sum, { count }) => sum + count, 0);
    const bound = done < runs ? `stopped after ${done} of ${runs} runs` : undefined;
    return { states, bound, stuck: ended.stuck, model, seconds };
  }

  async close(): Promise<void> {
    const harness = await this.#harness;
    if (harness && "folder" in harness) await rm(harness.folder, { recursive: true, force: true });
    this.#harness = undefined;
  }
}

async function compile() {
  if (arch() !== "x64" || platform() !== "linux") {
    return { missing: "it needs Linux on an x86-64 processor" };
  }
  const folder = await mkdtemp(join(tmpdir(), "smpbox-native-"));
  const program = join(folder, "native");
  const source = join(packageRoot(), "workloads", "native", "native.c");
  try {
    await run("gcc", ["-O2", "-pthread", "-o", program, source]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return { missing: "gcc is not installed (apt-get install gcc)" };
    }
    throw error;
  }
  return { folder, program };
}

async function execute(
  program: string, file: string, { signal, onProgress }: EngineOptions,
): Promise<{ stdout: string; stuck?: string }> {
  const running = run(program, [file], { maxBuffer: OUTPUT_BYTES_MAX });
  const { child } = running;
  let late: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill("SIGTERM");
    late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  };
  signal?.addEventListener("abort", stop);
  child.stdout?.on("data", (text: string) => {
    if (text.startsWith(PROGRESS)) onProgress?.(parseInt(text.slice(PROGRESS.length), 16));
  });
  try {
    if (signal?.aborted) stop();
    return await running;
  } catch (error) {
    if (signal?.aborted) return { stdout: "" };
    const { code, stdout = "", stderr = "", message } = error as {
      code?: number; stdout?: string; stderr?: string; message: string;
    };
    if (code === EXIT_FAULT || code === EXIT_STUCK) return { stdout, stuck: stderr.trim() };
    throw new Error(`the native harness failed: ${stderr.trim() || message}`);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", stop);
  }
}

function readStates(stdout: string): CountedState[] {
  const lines = stdout.split("\n").filter((line) => line && !line.startsWith(PROGRESS));
  return lines.map((line) => {
    const [count, ...values] = line.split(" ").map((word) => BigInt(`0x${word}`));
    return { count: Number(count), values };
  });
}
