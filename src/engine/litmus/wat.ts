// A litmus program as a WebAssembly module in text form, assembled by wabt: a function `run` per
// thread that goes through many instances of the test, all threads starting each one together.
//
//     memory: control | a counter per instance | orders, results and instances by Layout
import type { Program, ThreadCode } from "../program.ts";
import { conditionOf, Translator } from "./wat-instruction.ts";
import { type Area, constant, type Iced, masked, Untranslatable } from "./wat-operand.ts";

export { Untranslatable } from "./wat-operand.ts";

const WORD = 8;
/** Backward jumps of a thread in one instance: reached only by a loop that nobody ends. */
export const JUMPS_MAX = 1 << 28;
/** Polls of a counter; the thread goes on alone then, as its partner has lost its processor. */
const POLLS_MAX = 3000;
const FLAGS = ["cf", "zf", "sf", "of", "pf"];
const HALTING = /^(Ret|Ret[nf]q?)$/;

/** Values that a thread leaves behind in one instance: indices into Program.observed. */
export function observedOf(program: Program, thread: number): number[] {
  return program.observed.flatMap((what, i) =>
    what.kind === "register" && what.thread === thread ? [i] : []);
}

/** Linear addresses of the variables. */
export function areaOf({ memory }: Program): Area {
  if (memory.length === 0) return { from: 0n, bytes: 64n };
  const from = memory.reduce((low, { address }) => (address < low ? address : low),
    memory[0].address);
  const ends = memory.map(({ address, initial }) => address + BigInt(initial.length) - from);
  const bytes = ends.reduce((high, end) => (end > high ? end : high), 0n);
  return { from, bytes: (bytes + 63n) & ~63n };
}

/** Text of the module. Throws an Untranslatable. */
export async function programText(program: Program, pages: number): Promise<string> {
  const iced = await import("iced-x86");
  const area = areaOf(program);
  const threads = program.threads.map((code, thread) =>
    threadText(iced, program, code, thread, area) + runText(program, thread));
  const memory = `(import "env" "memory" (memory ${pages} ${pages} shared))`;
  return `(module ${memory}\n${threads.join("\n")})`;
}

/** As `body{t}`: from the initial registers to the end, then the observed values to $out. */
function threadText(
  iced: Iced, program: Program, code: ThreadCode, thread: number, area: Area,
): string {
  const registers = [...code.registers].map((value, i) => (
    value === 0n ? "" : `(local.set $r${i} ${constant(value)})`));
  const results = observedOf(program, thread).map((index, slot) => {
    const what = program.observed[index];
    const register = what.kind === "register" ? what.register : 0;
    const value = masked(`(local.get $r${register})`, what.size);
    return `(i64.store offset=${slot * WORD} (local.get $out) ${value})`;
  });
  return [
    `(func $body${thread} (param $delta i32) (param $out i32)`,
    ...[...code.registers].map((_, i) => `(local $r${i} i64)`),
    ...FLAGS.map((name) => `(local $${name} i32)`),
    "(local $a i64) (local $b i64) (local $c i64) (local $t i64) (local $ea i32)",
    `(local $pc i32) (local $jumps i32)`,
    ...registers, codeText(iced, code, area), ...results, ")",
  ].join("\n");
}

/** Without a jump the code is straight; with one, blocks behind a table of their starts. */
function codeText(iced: Iced, code: ThreadCode, area: Area): string {
  const targets = jumpTargets(iced, code);
  const starts = [...new Set([0, ...targets])].sort((a, b) => a - b);
  const blocks: string[] = starts.map(() => "");
  let block = -1;
  forEachInstruction(iced, code, area, (translator, offset) => {
    if (starts.includes(offset)) block = starts.indexOf(offset);
    blocks[block] += `${statementText(translator, code, offset, starts)}\n`;
  });
  if (targets.length === 0) return `(block $done ${blocks.join("")})`;
  const labels = starts.map((_, i) => `$b${i}`);
  const table = `(br_table ${labels.join(" ")} (local.get $pc))`;
  const nested = blocks.reduce((inner, text, i) => `(block ${labels[i]} ${inner})\n${text}`, table);
  return `(block $done (loop $next ${nested} (br $done)))`;
}

function forEachInstruction(
  iced: Iced, code: ThreadCode, area: Area, visit: (t: Translator, offset: number) => void,
): void {
  const decoder = new iced.Decoder(64, code.code, iced.DecoderOptions.None);
  decoder.ip = code.address;
  try {
    for (const offset of code.offsets) {
      const instruction = decoder.decode();
      visit(new Translator(iced, instruction, area), offset);
      instruction.free();
    }
  } finally {
    decoder.free();
  }
}

/** Offset of a jump's target, or undefined for what does not jump. */
function targetOf({ instruction, iced, mnemonic }: Translator, code: ThreadCode) {
  if (!mnemonic.startsWith("J")) return undefined;
  if (instruction.opKind(0) !== iced.OpKind.NearBranch64) {
    throw new Untranslatable("a jump through a register or memory");
  }
  return Number(instruction.nearBranchTarget - code.address);
}

/** Offsets of the instructions to which others jump. */
function jumpTargets(iced: Iced, code: ThreadCode): number[] {
  const targets: number[] = [];
  forEachInstruction(iced, code, { from: 0n, bytes: 0n }, (translator) => {
    const target = targetOf(translator, code);
    if (target !== undefined && target < code.end) targets.push(target);
  });
  return targets;
}

function statementText(
  translator: Translator, code: ThreadCode, offset: number, starts: number[],
): string {
  try {
    // A stack of the assembler's leads back to the end.
    if (HALTING.test(translator.mnemonic)) return "(br $done)";
    const target = targetOf(translator, code);
    if (target === undefined) return translator.translate();
    const jump = target === code.end
      ? "(br $done)" : jumpText(starts.indexOf(target), target <= offset);
    const condition = conditionOf(translator.mnemonic);
    if (!condition && translator.mnemonic !== "Jmp") {
      throw new Untranslatable(`there is no translation of ${translator.mnemonic.toLowerCase()}`);
    }
    return condition ? `(if ${condition} (then ${jump}))` : jump;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    const text = code.texts[code.offsets.indexOf(offset)];
    throw new Untranslatable(`${text}: ${error.message}`);
  }
}

function jumpText(block: number, backward: boolean): string {
  const more = "(local.tee $jumps (i32.add (local.get $jumps) (i32.const 1)))";
  const limit = backward
    ? `(if (i32.gt_u ${more} (i32.const ${JUMPS_MAX})) (then (unreachable)))` : "";
  return `${limit} (local.set $pc (i32.const ${block})) (br $next)`;
}

/**
 * As export `run{t}`(order, counters, results, instances, count, stride): for each of the `count`
 * instances in the given order, waits until all threads are there, and runs the body.
 */
function runText(program: Program, thread: number): string {
  const { from } = areaOf(program);
  const bytes = Math.max(1, observedOf(program, thread).length) * WORD;
  const index = "(i32.load (local.get $order))";
  const counter = "(i32.add (local.get $counters) (i32.shl (local.get $k) (i32.const 2)))";
  const instance = `(i32.add (local.get $instances) (i32.mul ${index} (local.get $stride)))`;
  return `
(func (export "run${thread}") (param $order i32) (param $counters i32) (param $results i32)
  (param $instances i32) (param $count i32) (param $stride i32)
  (local $k i32) (local $polls i32) (local $counter i32)
  (loop $more
    (local.set $counter ${counter})
    (local.set $polls (i32.const 0))
    (drop (i32.atomic.rmw.add (local.get $counter) (i32.const 1)))
    (block $go (loop $poll
      (br_if $go (i32.ge_u (i32.atomic.load (local.get $counter))
        (i32.const ${program.threads.length})))
      (local.set $polls (i32.add (local.get $polls) (i32.const 1)))
      (br_if $poll (i32.lt_u (local.get $polls) (i32.const ${POLLS_MAX})))))
    (call $body${thread} (i32.sub ${instance} (i32.const ${BigInt.asIntN(32, from)}))
      (i32.add (local.get $results) (i32.mul ${index} (i32.const ${bytes}))))
    (local.set $order (i32.add (local.get $order) (i32.const 4)))
    (local.set $k (i32.add (local.get $k) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $k) (local.get $count)))))`;
}

