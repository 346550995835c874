// Machine code of the prebuilt images for the tests: functions by name, decoded, with their marks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Decoder, DecoderOptions, FlowControl, type Instruction } from "iced-x86";
import { packageRoot } from "../../src/core/root.ts";
import { type Elf, readElf } from "../../src/machine/elf.ts";

export const prebuilt = join(packageRoot(), "workloads", "prebuilt");

export interface Mark {
  address: string;
  kind: number;
  id: number;
  name: string;
}

export interface Manifest {
  compiler: string;
  linker: string;
  sources: string;
  flags: string;
  programFlags: string;
  images: Record<string, { bytes: number; sha256: string; marks: Mark[] }>;
}

export const manifest: Manifest = JSON.parse(readFileSync(join(prebuilt, "manifest.json"), "utf8"));

export function readPrebuilt(name: string): Elf {
  return readElf(readFileSync(join(prebuilt, `${name}.elf`)), name);
}

/** `bytes` bytes of an image at linear address `lin`. */
export function bytesAt(elf: Elf, lin: bigint, bytes: number): Uint8Array {
  const segment = elf.segments.find(
    (s) => lin >= s.lin && lin + BigInt(bytes) <= s.lin + BigInt(s.data.length),
  );
  if (!segment) throw new Error(`nothing is loaded at ${lin.toString(16)}`);
  const start = Number(lin - segment.lin);
  return segment.data.subarray(start, start + bytes);
}

export class Code {
  readonly entry: bigint;
  private readonly instructions = new Map<bigint, Instruction>();
  /** Of the access behind the mark. */
  private readonly named = new Map<bigint, string>();
  private readonly labels = new Map<bigint, string>();

  constructor(image: string, name: string) {
    const elf = readPrebuilt(image);
    const symbol = elf.symbols.get(name);
    if (!symbol) throw new Error(`${image} has no function ${name}`);
    this.entry = symbol.lin;
    const code = bytesAt(elf, symbol.lin, symbol.bytes);
    const decoder = new Decoder(64, code, DecoderOptions.None);
    decoder.ip = symbol.lin;
    while (decoder.canDecode) {
      const instruction = decoder.decode();
      this.instructions.set(instruction.ip, instruction);
    }
    for (const mark of manifest.images[image].marks) {
      if (mark.kind === 1) this.labels.set(BigInt(mark.address), mark.name);
    }
    for (const instruction of this.all) {
      const label = this.labels.get(instruction.ip);
      if (label !== undefined) this.named.set(instruction.nextIP, label);
    }
  }

  /** All instructions in address order. */
  get all(): Instruction[] {
    return [...this.instructions.values()];
  }

  /** Names of the labels in address order. */
  get labelNames(): string[] {
    return this.all.flatMap((i) => this.labels.get(i.ip) ?? []);
  }

  /** The label that stands directly before the instruction. */
  labelOf(instruction: Instruction): string | undefined {
    return this.named.get(instruction.ip);
  }

  isCall(instruction: Instruction): boolean {
    return instruction.flowControl === FlowControl.Call;
  }

  isReturn(instruction: Instruction): boolean {
    return instruction.flowControl === FlowControl.Return;
  }

  /** Addresses that it calls. */
  get calls(): bigint[] {
    return this.all.filter((i) => this.isCall(i)).map((i) => i.nearBranchTarget);
  }

  /** The access that the label names. */
  access(label: string): Instruction {
    const mark = this.all.find((i) => this.labels.get(i.ip) === label);
    if (!mark) throw new Error(`no label ${label}`);
    return this.instructions.get(mark.nextIP)!;
  }

  /** Every way of control from after `from` to `to`, as the instructions on it; each edge once. */
  paths(from: Instruction, to: Instruction): Instruction[][] {
    const found: Instruction[][] = [];
    const walk = (ip: bigint, path: Instruction[], seen: Set<bigint>) => {
      const instruction = this.instructions.get(ip);
      if (!instruction || seen.has(ip)) return;
      if (ip === to.ip) {
        found.push(path);
        return;
      }
      const next = [...path, instruction];
      const visited = new Set(seen).add(ip);
      const flow = instruction.flowControl;
      if (flow !== FlowControl.UnconditionalBranch && flow !== FlowControl.Return) {
        walk(instruction.nextIP, next, visited);
      }
      if (flow === FlowControl.UnconditionalBranch || flow === FlowControl.ConditionalBranch) {
        walk(instruction.nearBranchTarget, next, visited);
      }
    };
    walk(from.nextIP, [], new Set());
    return found;
  }
}
