// Checks of what vectors cannot see, because a program cannot do it: exceptions, single steps,
// locked accesses over two lines and their faults. Each is a function of a box that returns what is
// wrong, so that the mutation test can put them to a broken CPU.
import { CODE, FlatBox, GDT, STACK_TOP, TABLES } from "./flat-box.ts";
import { GATE_STACK, GATES, installGates, stepToGate, writeGate } from "./gates.ts";

const TF = 0x100n;
const RF = 0x10000n;
const ZF = 0x40n;
/** Between 2 and 4 MiB pages are of 4 KiB. */
const PAGE = 0x300000;
const DR6 = 536; // in the Cpu
const CR0 = 240;
const TSS = 0xa000;

function begin(box: FlatBox, code: number[]): void {
  box.reset(CODE);
  installGates(box);
  box.load(CODE, code);
}

/** The page-table entry of a page between 2 and 4 MiB. */
function mapPage(box: FlatBox, page: number, entry: bigint): void {
  box.write(TABLES + 0x3000 + 8 * ((page >> 12) & 511), 8, entry);
}

const vectorOf = (box: FlatBox) => (box.rip - GATES) / 16;
const word = (box: FlatBox, at: number) => box.read(Number(box.get("rsp")) + at, 8);

function expectEqual(found: string[], name: string, got: unknown, want: unknown): void {
  if (got !== want) found.push(`${name}: ${got}, not ${want}`);
}

export interface Check {
  name: string;
  run: (box: FlatBox, found: string[]) => void;
}

export const CHECKS: Check[] = [
  {
    name: "a single step ends in #DB behind the instruction, with DR6.BS",
    run: (box, found) => {
      begin(box, [0x48, 0xff, 0xc0, 0x90]); // inc rax
      box.flags = 2n | TF;
      box.set("rax", 1n);
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 1);
      expectEqual(found, "return address", word(box, 0), BigInt(CODE + 3));
      expectEqual(found, "saved flags", word(box, 16) & (TF | RF), TF);
      expectEqual(found, "flags", box.flags & TF, 0n);
      expectEqual(found, "rax", box.get("rax"), 2n);
      expectEqual(found, "DR6.BS", box.field(DR6) >> 14n & 1n, 1n);
    },
  },
  {
    name: "POPF that sets TF steps the instruction after it",
    run: (box, found) => {
      begin(box, [0x9d, 0x90, 0x90]);
      box.write(STACK_TOP, 8, 2n | TF);
      stepToGate(box);
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 1);
      expectEqual(found, "return address", word(box, 0), BigInt(CODE + 2));
    },
  },
  {
    name: "RF of IRETQ lasts for one instruction, and INT saves it clear",
    run: (box, found) => {
      for (const between of [[], [0x90]]) {
        begin(box, [0x48, 0xcf, ...between, 0xcd, 0x30]); // iretq; int 30h
        const frame = [BigInt(CODE + 2), 0x10n, 2n | RF, BigInt(STACK_TOP), 0x18n];
        frame.forEach((value, i) => box.write(STACK_TOP + 8 * i, 8, value));
        box.step();
        expectEqual(found, "RF behind IRETQ", box.flags & RF, RF);
        stepToGate(box);
        expectEqual(found, "vector", vectorOf(box), 0x30);
        expectEqual(found, "saved RF", word(box, 16) & RF, 0n);
      }
    },
  },
  {
    name: "a step of a repeated string instruction saves RF set but for the last one",
    run: (box, found) => {
      begin(box, [0xf3, 0xaa, 0x90]); // rep stosb
      box.set("rdi", BigInt(PAGE));
      for (const [count, rip, rf] of [[2n, CODE, RF], [1n, CODE + 2, 0n]] as const) {
        box.flags = 2n | TF;
        box.set("rcx", count);
        stepToGate(box);
        expectEqual(found, "vector", vectorOf(box), 1);
        expectEqual(found, "return address", word(box, 0), BigInt(rip));
        expectEqual(found, "saved RF", word(box, 16) & RF, rf);
        box.rip = CODE;
      }
    },
  },
  {
    name: "MOV SS keeps the trap of a single step away from its end",
    run: (box, found) => {
      begin(box, [0x8e, 0xd0, 0x90, 0x90]);
      box.set("rax", 0x18n);
      box.flags = 2n | TF;
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 1);
      expectEqual(found, "return address", word(box, 0), BigInt(CODE + 3));
    },
  },
  {
    name: "INT1 passes a gate of ring 0",
    run: (box, found) => {
      begin(box, [0xf1]);
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 1);
      expectEqual(found, "return address", word(box, 0), BigInt(CODE + 1));
    },
  },
  {
    name: "RDPMC and SYSENTER are #GP and #UD",
    run: (box, found) => {
      for (const [opcode, vector] of [[0x33, 13], [0x34, 6]] as const) {
        begin(box, [0x0f, opcode]);
        stepToGate(box);
        expectEqual(found, opcode.toString(16), vectorOf(box), vector);
      }
    },
  },
  {
    name: "LMSW sets TS and cannot clear PE",
    run: (box, found) => {
      begin(box, [0x0f, 0x01, 0xf0]);
      const before = box.field(CR0);
      box.set("rax", 8n);
      box.step();
      expectEqual(found, "CR0", box.field(CR0), (before & ~6n) | 8n);
    },
  },
  {
    name: "MOV to CR0 with NW alone and to DR7 beyond 32 bits are #GP",
    run: (box, found) => {
      const cases = [[[0x0f, 0x22, 0xc0], 0xa0000011n], [[0x0f, 0x23, 0xf8], 1n << 32n]] as const;
      for (const [code, rax] of cases) {
        begin(box, [...code]);
        box.set("rax", rax);
        stepToGate(box);
        expectEqual(found, "vector", vectorOf(box), 13);
      }
    },
  },
  {
    name: "LTR makes the TSS busy, and takes no busy one",
    run: (box, found) => {
      const selector = 0x30;
      begin(box, [0x0f, 0x00, 0xd8, 0x0f, 0x00, 0xd8]);
      box.setTable("gdt", GDT, selector + 15);
      box.write(GDT + selector, 8, 0x0000890000000067n | (BigInt(TSS) << 16n));
      box.write(GDT + selector + 8, 8, 0n);
      box.set("rax", BigInt(selector));
      box.step();
      expectEqual(found, "type", box.read(GDT + selector + 5, 1), 0x8bn);
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 13);
      expectEqual(found, "error code", word(box, 0), BigInt(selector));
    },
  },
  {
    name: "faults in the delivery of an exception have EXT set, in that of INT n not",
    run: (box, found) => {
      for (const [code, error] of [[[0x0f, 0x0b], 0x33n], [[0xcd, 0x06], 0x32n]] as const) {
        begin(box, [...code]);
        box.write(0x9000 + 16 * 6 + 4, 2, 0x0e01n); // gate 6 not present
        stepToGate(box);
        expectEqual(found, "vector", vectorOf(box), 11);
        expectEqual(found, "error code", word(box, 0), error);
      }
    },
  },
  {
    name: "a page fault in pushing a frame names the word that is pushed first",
    run: (box, found) => {
      begin(box, [0x0f, 0x0b]);
      writeGate(box, 6, { ist: 0 });
      mapPage(box, PAGE, 0n);
      box.set("rsp", BigInt(PAGE + 0x1000));
      stepToGate(box);
      expectEqual(found, "vector", vectorOf(box), 14);
      expectEqual(found, "CR2", box.cr2, BigInt(PAGE + 0xff8));
      begin(box, [0x0f, 0x0b]);
      writeGate(box, 6, { ist: 0 });
      box.set("rsp", BigInt(PAGE + 0x1010));
      stepToGate(box);
      expectEqual(found, "CR2 over two pages", box.cr2, BigInt(PAGE + 0xff8));
      mapPage(box, PAGE, BigInt(PAGE) | 0x67n);
    },
  },
  {
    name: "each IST entry leads to its own stack",
    run: (box, found) => {
      for (let ist = 1; ist < 8; ist++) {
        begin(box, [0xcc]);
        for (let n = 1; n < 8; n++) box.write(TSS + 28 + 8 * n, 8, BigInt(GATE_STACK + 0x100 * n));
        writeGate(box, 3, { ist });
        stepToGate(box);
        expectEqual(found, `IST${ist}`, box.get("rsp"), BigInt(GATE_STACK + 0x100 * ist - 40));
      }
    },
  },
  {
    name: "locked accesses over two lines, at every offset and of every size",
    run: (box, found) => {
      // lock xadd [rbx], rax in 16, 32 and 64 bits
      const forms: [number, number[]][] = [
        [2, [0xf0, 0x66, 0x0f, 0xc1, 0x03]], [4, [0xf0, 0x0f, 0xc1, 0x03]],
        [8, [0xf0, 0x48, 0x0f, 0xc1, 0x03]],
      ];
      for (const [size, code] of forms) {
        for (let lin = PAGE + 64 - size + 1; lin < PAGE + 64; lin++) {
          begin(box, code);
          box.write(PAGE + 48, 8, 0x1122334455667788n);
          box.write(PAGE + 56, 8, 0x99aabbccddeeff01n);
          box.write(PAGE + 64, 8, 0x123456789abcdef0n);
          const old = box.read(lin, size as 2);
          box.set("rbx", BigInt(lin));
          box.set("rax", 0x0101010101010101n);
          box.step();
          const sum = BigInt.asUintN(8 * size, old + 0x0101010101010101n);
          expectEqual(found, `${size} bytes at ${lin - PAGE}`, box.read(lin, size as 2), sum);
          expectEqual(found, "old value", BigInt.asUintN(8 * size, box.get("rax")), old);
          expectEqual(found, "byte before", box.read(lin - 1, 1) & 0xf0n,
            [0x80n, 0x00n, 0xf0n, 0xe0n, 0xd0n, 0xc0n, 0xb0n, 0xa0n, 0x90n][lin - PAGE - 56]);
        }
      }
    },
  },
  {
    name: "a locked access over two pages of which the second is missing changes nothing",
    run: (box, found) => {
      begin(box, [0xf0, 0x48, 0x0f, 0xb1, 0x0b]); // lock cmpxchg [rbx], rcx
      const lin = PAGE + 0xffc;
      mapPage(box, PAGE + 0x1000, 0n);
      box.write(lin, 4, 0x01020304n);
      box.set("rbx", BigInt(lin));
      box.set("rcx", 5n);
      box.flags = 2n | ZF;
      stepToGate(box);
      mapPage(box, PAGE + 0x1000, BigInt(PAGE + 0x1000) | 0x67n);
      expectEqual(found, "vector", vectorOf(box), 14);
      expectEqual(found, "error code", word(box, 0), 2n);
      expectEqual(found, "CR2", box.cr2, BigInt(PAGE + 0x1000));
      expectEqual(found, "memory", box.read(lin, 4), 0x01020304n);
      expectEqual(found, "saved flags", word(box, 24) & ZF, ZF);
    },
  },
  {
    name: "XCHG and CMPXCHG8B over two lines",
    run: (box, found) => {
      begin(box, [0x48, 0x87, 0x03, 0x0f, 0xc7, 0x0b]); // xchg [rbx], rax; cmpxchg8b [rbx]
      const lin = PAGE + 61;
      box.write(lin, 8, 0x0123456789abcdefn);
      box.set("rbx", BigInt(lin));
      box.set("rax", 0x0000000700000009n);
      box.step();
      expectEqual(found, "exchanged", box.read(lin, 8), 0x0000000700000009n);
      expectEqual(found, "rax", box.get("rax"), 0x0123456789abcdefn);
      box.set("rdx", 7n);
      box.set("rax", 9n);
      box.set("rcx", 0x55n);
      box.step();
      expectEqual(found, "compared", box.read(lin, 8), (0x55n << 32n) | BigInt(lin));
      expectEqual(found, "ZF", box.flags & ZF, ZF);
    },
  },
];

/** What is wrong with the CPU of a box. */
export function systemFaults(box: FlatBox): string[] {
  return CHECKS.flatMap(({ name, run }) => {
    const found: string[] = [];
    run(box, found);
    return found.map((text) => `${name}: ${text}`);
  });
}
