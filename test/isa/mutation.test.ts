// Planted bugs in the instruction set: the golden vectors or the system checks must see every one
// of them; those of the decoder its comparison with iced-x86, those of restartability the replay of
// the vectors on the timing engine.
import { expect, test } from "vitest";
import { type Mutant, buildMutant } from "../support/mutant.ts";
import { Comparison } from "./decoders.ts";
import { emulate, userBox } from "./emulate.ts";
import { FAMILIES } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { randomBatch } from "./random-bytes.ts";
import { Random } from "./random.ts";
import { ReplayBox } from "./replay.ts";
import { systemFaults } from "./system-checks.ts";
import { differences, sampleOf, vectorsOf } from "./vectors.ts";

const MUTANTS: Mutant[] = [
  {
    name: "ADC of all ones and a carry loses the carry out",
    file: "assembly/isa/alu.ts",
    from: "keepCarried(core, <u64>r <= <u64>a, ((a ^ r)",
    to: "keepCarried(core, <u64>r < <u64>a, ((a ^ r)",
  },
  {
    name: "SBB forgets the borrow of equal operands",
    file: "assembly/isa/alu.ts",
    from: "keepCarried(core, <u64>a <= <u64>b,",
    to: "keepCarried(core, <u64>a < <u64>b,",
  },
  {
    name: "a 32-bit result leaves the upper half",
    file: "assembly/isa/cpu.ts",
    from: "store<u64>(core + offset, <u64>value & 0xffffffff);",
    to: "store<u32>(core + offset, <u32>value);",
  },
  {
    name: "CBW extends without the sign",
    file: "assembly/isa/dispatch.ts",
    from: "setReg<i16>(core, RAX, getReg<i8>(core, RAX))",
    to: "setReg<i16>(core, RAX, <i16>getReg<u8>(core, RAX))",
  },
  {
    name: "IST n takes the entry of n + 1",
    file: "assembly/isa/exception.ts",
    from: "TSS_IST1 + ((ist - 1) << 3)",
    to: "TSS_IST1 + (ist << 3)",
  },
  {
    name: "DIV of 128 bits does not see the overflow of an equal high half",
    file: "assembly/isa/muldiv.ts",
    from: "if (high >= divisor) return raise(core, DE); // 0 divisors too",
    to: "if (high > divisor || !divisor) return raise(core, DE);",
  },
  {
    name: "IDIV lets the most negative quotient overflow",
    file: "assembly/isa/muldiv.ts",
    from: "return q << unused >> unused == q ? true : raise(core, DE);",
    to: "return true;",
  },
  {
    name: "INC clears the carry",
    file: "assembly/isa/flags.ts",
    from: "  cpu.flagB = a;\n  cpu.flagR = r;\n  cpu.flagKind = kind;",
    to: "  cpu.carryX = cpu.carryY = 0;\n  cpu.flagB = a;\n  cpu.flagR = r;\n" +
      "  cpu.flagKind = kind;",
  },
  {
    name: "AF of an addition from the sum alone",
    file: "assembly/isa/flags.ts",
    from: "(<u32>cpu.carryY ^ <u32>cpu.flagB ^ r) & 0x10",
    to: "(<u32>cpu.carryY ^ r) & 0x10",
  },
  {
    name: "parity over more than the low byte",
    file: "assembly/isa/flags.ts",
    from: "(popcnt<u32>(<u32>cpu.flagR & 0xff) & 1) == 0",
    to: "(popcnt<u32>(<u32>cpu.flagR & 0xffff) & 1) == 0",
  },
  {
    name: "rotates through carry by the count modulo the width",
    file: "assembly/isa/shift.ts",
    from: "bits < 32 ? masked % (bits + 1) : masked",
    to: "bits < 32 ? masked % bits : masked",
  },
  {
    name: "SHLD of 64 bits takes the count modulo 32",
    file: "assembly/isa/shift.ts",
    from: "const count = countOf(core, p) & (bits == 64 ? 63 : 31);",
    to: "const count = countOf(core, p) & 31;",
  },
  {
    name: "a failed CMPXCHG writes the destination's upper half",
    file: "assembly/isa/atomic.ts",
    from: "  else setReg<T>(core, RAX, b);\n",
    to: "  else {\n    setReg<T>(core, RAX, b);\n    setReg<T>(core, d, b);\n  }\n",
  },
  {
    name: "the tail of a locked access over two lines is not written",
    file: "assembly/isa/access.ts",
    from: "  storeSized(hostOf(cpu.writePhys2), size - head, cpu.scratch0 >> (head << 3));\n",
    to: "",
  },
  {
    name: "a bit string counts its bits without the sign",
    file: "assembly/isa/bits.ts",
    from: "case 4: return <i64>(getReg<i32>(core, rec.s) >> 5) << 2;",
    to: "case 4: return <i64>(getReg<u32>(core, rec.s) >> 5) << 2;",
  },
  {
    name: "REP stops at the first equal element",
    file: "assembly/isa/string.ts",
    from: "differ(core) == ((flags & REP) != 0)",
    to: "differ(core) != ((flags & REP) != 0)",
  },
  {
    name: "without REX, byte register 4 is SPL",
    file: "assembly/isa/operand.ts",
    from: "if (size == 1 && !i.rex && register >= 4 && register < 8)",
    to: "if (size == 1 && !i.rex && register > 4 && register < 8)",
  },
  {
    name: "an #DB of a single step saves RF",
    file: "assembly/isa/exception.ts",
    from: "external || softLength || vector == DB ? 0 : RF",
    to: "external || softLength ? 0 : RF",
  },
  {
    name: "RF outlives the instruction after IRET",
    file: "assembly/isa/execute.ts",
    from: "cpu.rflags = flags & ~(<u64>RF);",
    to: "",
  },
  {
    name: "between two iterations RF is clear",
    file: "assembly/isa/string.ts",
    from: "Cpu.of(core).rflags |= RF;",
    to: "",
  },
  {
    name: "MOV SS lets the trap of a single step through",
    file: "assembly/isa/control.ts",
    from: "Cpu.of(core).shadow = SHADOW_SS;",
    to: "Cpu.of(core).shadow = 1;",
  },
  {
    name: "IRET with 16-bit operands changes AC",
    file: "assembly/isa/exception.ts",
    from: "(writableFlags(core) | RF) & (size == 2 ? 0xffff : 0xffffffff)",
    to: "writableFlags(core) | RF",
  },
  {
    name: "POPF in ring 3 changes IOPL",
    file: "assembly/isa/exception.ts",
    from: "if (cpu.cpl == 0) mask |= IOPL;",
    to: "mask |= IOPL;",
  },
];

/**
 * Bugs of restartability: something is done before the instruction can no longer stall. Flat memory
 * never stalls; the replay on the timing engine (replay.ts) must see them.
 */
const RESTART_MUTANTS: Mutant[] = [
  {
    name: "PUSH and CALL move RSP before there is room for the store",
    file: "assembly/isa/load-store.ts",
    from: "  const done = put(core, lin, 8, value, clock, SSFAULT);\n" +
      "  if (done) Cpu.of(core).rsp = lin;",
    to: "  Cpu.of(core).rsp = lin;\n  const done = put(core, lin, 8, value, clock, SSFAULT);",
  },
  {
    name: "POP moves RSP before the word is there",
    file: "assembly/isa/run.ts",
    from: "        if (!host) return stop(core, base, p, count);\n        count += LOADED;\n" +
      "        Cpu.of(core).rsp += 8; // first: POP RSP leaves the value",
    to: "        Cpu.of(core).rsp += 8;\n        if (!host) return stop(core, base, p, count);\n" +
      "        count += LOADED;",
  },
  {
    name: "POP to memory moves RSP before there is room for the store",
    file: "assembly/isa/control.ts",
    from: "  if (!writeUser(core, addressOf(core, p), size, value, vectorOf(p))) return false;\n" +
      "  Cpu.of(core).rsp += size;",
    to: "  Cpu.of(core).rsp += size;\n" +
      "  if (!writeUser(core, addressOf(core, p), size, value, vectorOf(p))) return false;",
  },
  {
    name: "MOVS moves RSI before there is room for the store",
    file: "assembly/isa/string.ts",
    from: "      if (!writeDestination(core, p, size, value)) return false;\n" +
      "      advance(core, p, RSI);",
    to: "      advance(core, p, RSI);\n" +
      "      if (!writeDestination(core, p, size, value)) return false;",
  },
  {
    name: "REP counts an iteration before it is done",
    file: "assembly/isa/string.ts",
    from: "    if (!once(core, p, op)) {\n      if (count != all)",
    to: "    setPointer(core, p, RCX, count - 1);\n" +
      "    if (!once(core, p, op)) {\n      if (count != all)",
  },
  {
    name: "ENTER moves RBP before there is room for its frame",
    file: "assembly/isa/control.ts",
    from: "if (!storeWords(core, low, size, words, scratchEnter)) return false;",
    to: "if (!storeWords(core, low, size, words, scratchEnter)) {\n" +
      "      cpu.rbp = frameAt;\n      return false;\n    }",
  },
  {
    name: "an exception jumps before there is room for its frame",
    file: "assembly/isa/exception.ts",
    from: "  if (!pushFrame(core, rsp, words, cpl, softLength, error, rf)) return false;",
    to: "  if (!pushFrame(core, rsp, words, cpl, softLength, error, rf)) {\n" +
      "    cpu.rip = target;\n    return false;\n  }",
  },
];
/** Compiling takes its time on a busy host. */
const BUSY_MS = 600_000;
/** One vector in so many is replayed on such a mutant. */
const REPLAYED = 16;

/** Random byte strings that a decoder is tried on. */
const DECODED = 32768;

/** Bugs of the decoder, which its comparison with iced-x86 (decoders.ts) must see by itself. */
const DECODER_MUTANTS: Mutant[] = [
  {
    name: "an index register loses its REX bit",
    file: "assembly/isa/operand.ts",
    from: "((sib >> 3) & 7) | ((i.rex & 2) << 2)",
    to: "((sib >> 3) & 7)",
  },
  {
    name: "POP to memory takes RSP from before it",
    file: "assembly/isa/crack.ts",
    from: "if (mnemonic == M.POP && i.base == RSP) i.disp += <i64>i.size;",
    to: "",
  },
  {
    name: "ANDN takes its first source for its second",
    file: "assembly/isa/crack.ts",
    from: "rec.x = <u8>(i.vvvv << 3);",
    to: "rec.x = <u8>s;",
  },
  {
    name: "a segment override is lost where an address has a displacement",
    file: "assembly/isa/emit.ts",
    from: "if (segment) rec.s = <u8>segment;",
    to: "if (segment && !i.disp) rec.s = <u8>segment;",
  },
  {
    name: "LOCK CMP is legal",
    file: "assembly/isa/opcodes.ts",
    from: "M.SUB | LOCK, M.XOR | LOCK,\n  M.CMP,",
    to: "M.SUB | LOCK, M.XOR | LOCK,\n  M.CMP | LOCK,",
  },
  {
    name: "a byte is read in the size of the destination",
    file: "assembly/isa/crack.ts",
    from: "op = (m ? Op.MOVZX_RM_8 : Op.MOVZX_RR_8) + (from >> 1)",
    to: "op = m ? Op.MOVZX_RM_16 : Op.MOVZX_RR_8 + (from >> 1)",
  },
  {
    name: "an immediate of 16 bits is taken as 32",
    file: "assembly/isa/operand.ts",
    from: "i.imm = fetchSigned(i, i.size == 2 ? 2 : 4);",
    to: "i.imm = fetchSigned(i, 4);",
  },
];

const families = FAMILIES.map(vectorsOf);

/** Whether the checks and the vectors find nothing wrong with the CPU in `file`. */
function passes(file?: string): boolean {
  if (systemFaults(new FlatBox(file)).length) return false;
  const box = userBox(file);
  return families.every(({ cases, golden }) =>
    differences(cases, emulate(box, cases), golden, 1).length === 0);
}

test("the CPU itself passes", () => {
  expect(passes()).toBe(true);
});

for (const mutant of MUTANTS) {
  test(mutant.name, async () => {
    expect(passes(await buildMutant(mutant, "assembly/flat.ts", "flat"))).toBe(false);
  });
}

/** Whether iced-x86 has nothing to say against the decoder in `file`. */
function decodes(file?: string): boolean {
  const bytes = randomBatch(new Random(3), DECODED);
  return new Comparison(new FlatBox(file)).differences(bytes, 1).length === 0;
}

test("the decoder itself passes", () => {
  expect(decodes()).toBe(true);
});

for (const mutant of DECODER_MUTANTS) {
  test(mutant.name, async () => {
    expect(decodes(await buildMutant(mutant, "assembly/flat.ts", "flat"))).toBe(false);
  });
}

/** Whether a sample of the vectors comes out right where everything stalls. */
function restarts(file?: string): boolean {
  const box = new ReplayBox(file);
  return FAMILIES.every((family) => {
    const { cases, golden } = sampleOf(family, REPLAYED, 1);
    try {
      return differences(cases, box.replay(cases), golden, 1).length === 0;
    } catch {
      return false; // a wrong frame of an exception
    }
  });
}

test("the CPU itself restarts", () => {
  expect(restarts()).toBe(true);
});

for (const mutant of RESTART_MUTANTS) {
  test(mutant.name, { timeout: BUSY_MS }, async () => {
    expect(restarts(await buildMutant(mutant, "assembly/replay.ts", "replay"))).toBe(false);
  });
}
