// Faults planted in copies of the bundled kernel, in memory, and runs of cases with them: for tests
// of what is to see them. A fault whose place is not as it was ends the test: it has gone stale.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Decoder, DecoderOptions, FlowControl, type Instruction } from "iced-x86";
import type { Case, CaseSpec, Findings } from "../../src/cases/case.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import { runInPieces } from "../../src/engine/pieces.ts";
import { type Elf, readElf } from "../../src/machine/elf.ts";
import { bytesAt, prebuilt } from "../guest/code.ts";

const RET = 0xc3;
const NOP = 0x90;

/** Changes one function of a kernel. */
export type Fault = (elf: Elf) => void;

function stale(name: string, what: string): never {
  throw new Error(`the fault in ${name} has gone stale: ${what}`);
}

/** The code of a function that has its name for itself. */
function codeOf(elf: Elf, name: string): { lin: bigint; bytes: Uint8Array } {
  const symbol = elf.symbols.get(name);
  if (!symbol || elf.ambiguous.has(name)) return stale(name, "there is not one function");
  return { lin: symbol.lin, bytes: bytesAt(elf, symbol.lin, symbol.bytes) };
}

/** The function does nothing. */
export const idle = (name: string): Fault => (elf) => {
  codeOf(elf, name).bytes[0] = RET;
};

/** A label's mark (workloads/kernel/arch/probe.h): the access that it names comes next. */
export const mark = (id: number) => `0f 1f 84 00 ${id.toString(16).padStart(2, "0")} 00 01 5b`;

const bytesOf = (hex: string) =>
  hex.split(/\s+/).filter(Boolean).map((byte) => parseInt(byte, 16));

/**
 * In place of the bytes `was`, which the function must have once behind those of `after`, it has as
 * many others.
 */
export const replaced = (
  name: string, { after = "", was, is }: { after?: string; was: string; is: string },
): Fault => (elf) => {
  const { bytes } = codeOf(elf, name);
  const [before, old, next] = [bytesOf(after), bytesOf(was), bytesOf(is)];
  if (old.length !== next.length) throw new Error(`${was} and ${is} differ in length`);
  const pattern = [...before, ...old];
  const found = Array.from(bytes.keys())
    .filter((at) => pattern.every((byte, i) => bytes[at + i] === byte));
  if (found.length !== 1) stale(name, `${after} ${was} is there ${found.length} times`);
  bytes.set(next, found[0] + before.length);
};

/** The function does without a call of another one, or does not end in it: in one place. */
export const withoutCall = (name: string, callee: string): Fault => (elf) => {
  const { lin, bytes } = codeOf(elf, name);
  const target = codeOf(elf, callee).lin;
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = lin;
  const found: Instruction[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const { flowControl } = instruction;
    const leaves = flowControl === FlowControl.Call ||
      flowControl === FlowControl.UnconditionalBranch;
    if (leaves && instruction.nearBranchTarget === target) found.push(instruction);
  }
  if (found.length !== 1) stale(name, `it calls ${callee} in ${found.length} places`);
  const [{ ip, length, flowControl }] = found;
  const at = Number(ip - lin);
  bytes.fill(NOP, at, at + length);
  if (flowControl !== FlowControl.Call) bytes[at] = RET;
};

/** A copy of the kernel. */
function kernelWith(faults: readonly Fault[]) {
  const name = "kernel";
  const bytes = new Uint8Array(readFileSync(join(prebuilt, `${name}.elf`)));
  // Its segments are views of the bytes.
  const elf = readElf(bytes, name);
  for (const plant of faults) plant(elf);
  return { name, bytes };
}

export interface PlantedRun extends Findings {
  machine: Machine;
  exit: number | string;
}

/** A run of a case with that kernel, judged as any other. The caller closes the machine. */
export async function runWith(
  definition: Case, spec: CaseSpec, ...faults: Fault[]
): Promise<PlantedRun> {
  const kernel = kernelWith(faults);
  const machine = await Machine.create({ ...await optionsOf(definition, spec), kernel });
  let console = "";
  const onConsole = (bytes: Uint8Array) => (console += new TextDecoder().decode(bytes));
  const followed = definition.follow!(machine);
  const { result, lost } =
    await runInPieces(machine, followed, { onConsole }, definition.pieceCycles);
  if (lost > 0) throw new Error(`${lost} records were not seen`);
  const findings = definition.examine({ machine, spec, result, console, followed });
  return { ...findings, machine, exit: result.exit };
}
