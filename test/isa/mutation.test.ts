// Planted bugs in the instruction set: the golden vectors or the system checks must see every one
// of them.
import { expect, test } from "vitest";
import { type Mutant, buildMutant } from "../support/mutant.ts";
import { emulate, userBox } from "./emulate.ts";
import { FAMILIES } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { systemFaults } from "./system-checks.ts";
import { differences, vectorsOf } from "./vectors.ts";

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
    name: "POPF in ring 3 changes IOPL",
    file: "assembly/isa/exception.ts",
    from: "if (cpu.cpl == 0) mask |= IOPL;",
    to: "mask |= IOPL;",
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
