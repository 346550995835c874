// smpbox core FILE.sbx|IMAGE -o FILE: the stopped machine as an ELF core file, for gdb.
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { imageNames } from "../engine/files.ts";
import { InputError } from "../index.ts";
import { coreDump, type CoreDump } from "../report/core-dump.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";
import { parseCount } from "./options.ts";
import { checkWritable } from "./output-file.ts";
import { addStoppedOptions, openStopped, type StoppedOptions } from "./stopped.ts";

interface CoreOptions extends StoppedOptions {
  output: string;
  pid?: number;
}

const PAGE = 4096;
const THREADS_SHOWN = 24;

export function coreVerb(program: Command, act: Act): void {
  addStoppedOptions(program.command("core"))
    .description("run to the end, and write the machine as an ELF core file for gdb")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .requiredOption("-o, --output <file>", "the core file")
    .option("--pid <n>", "whose memory is in the user's half", parseCount(1, 1 << 22))
    .action((subject: string, options: CoreOptions) =>
      act((signal) => core(subject, options, signal)));
}

async function core(subject: string, options: CoreOptions, signal: AbortSignal): Promise<number> {
  const { output, pid } = options;
  checkWritable("--output", output);
  const { machine, result, note } = await openStopped(subject, options, signal);
  if (result?.exit === "cancelled") return EXIT.interrupted;
  const dump = coreDump(machine, fileOf(machine.debugInfo.kernel.name), pid);
  if (pid !== undefined && !dump.process) {
    throw new InputError(`--pid ${pid}: no such process; leave it out to see the tasks there are`);
  }
  const bytes = writeSparse(output, dump.head, machine.view.ram);
  const stored = machine.view.storesWaiting;
  machine.close();
  process.stdout.write(`${text(output, dump, bytes)}\n`);
  const where = result ? `exit ${result.exit}, cycle ${result.cycles}` : `cycle ${options.at}`;
  process.stderr.write(`${[where, result?.reason, note].filter(Boolean).join("; ")}\n`);
  if (stored > 0) {
    process.stderr.write(`${stored} stores wait in store buffers: memory does not have them yet\n`);
  }
  return EXIT.held;
}

/** The name of an image's file. */
function fileOf(image: string): string {
  return imageNames().includes(image) ? `${image}.elf` : basename(image);
}

function text(output: string, { threads, segments, process: user }: CoreDump, bytes: number) {
  const shown = threads.slice(0, THREADS_SHOWN).map(({ id, name, where }) =>
    `  LWP ${String(id).padEnd(5)} ${name.padEnd(22)} ${where}`);
  const more = threads.length - shown.length;
  return [
    `${output}: ${threads.length} threads, ${segments} mappings, ${bytes} bytes with RAM's zeros`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(user ? [`user memory of process ${user.tgid} (${user.comm})`] : []),
  ].join("\n");
}

/** Pages of zeros stay holes. */
export function writeSparse(file: string, head: Uint8Array, ram: Uint8Array): number {
  const descriptor = openSync(file, "w");
  try {
    writeSync(descriptor, head, 0, head.length, 0);
    const words = new BigUint64Array(ram.buffer, ram.byteOffset, ram.length >>> 3);
    const wordsPage = PAGE >>> 3;
    const isZero = (page: number) =>
      words.subarray(page * wordsPage, (page + 1) * wordsPage).every((word) => word === 0n);
    const pages = ram.length / PAGE;
    for (let first = 0; first < pages; ) {
      if (isZero(first)) {
        first++;
        continue;
      }
      let end = first + 1;
      while (end < pages && !isZero(end)) end++;
      // A copy: the file system does not take shared memory.
      const run = ram.slice(first * PAGE, end * PAGE);
      writeSync(descriptor, run, 0, run.length, head.length + first * PAGE);
      first = end;
    }
    ftruncateSync(descriptor, head.length + ram.length);
  } finally {
    closeSync(descriptor);
  }
  return head.length + ram.length;
}
