// The assembler against gas, where that is installed, and against iced-x86's disassembler: what was
// written is what the bytes say.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, DEFAULT_LAYOUT } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";
import { disassemble } from "../../src/machine/disassemble.ts";
import { hasTool } from "../support/tools.ts";

const gas = hasTool("as", "binutils");
const X = DEFAULT_LAYOUT.dataBase;

async function bytesOf(lines: string[], arch = "X86_64", names = "x=0;") {
  const rows = lines.map((line) => ` ${line} ;`);
  const text = `${arch} T\n{ ${names} }\n P0 ;\n${rows.join("\n")}\nexists (true)\n`;
  return (await assemble(parseText("t", text))).program.threads[0];
}

const plain = (lines: string[]) => lines.map((line) => line.replace(/lock;/g, "lock"));

/** The same by gas, at the same addresses. */
function gasBytes(lines: string[], syntax = ""): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "smpbox-gas-"));
  try {
    const file = join(folder, "t");
    writeFileSync(`${file}.s`, `${syntax}\n.text\n${plain(lines).join("\n")}\n.globl x\n`);
    const commands = [
      ["as", `${file}.s`, "-o", `${file}.o`],
      ["ld", "-N", `-Ttext=0x${DEFAULT_LAYOUT.codeBase.toString(16)}`, `--defsym=x=${X}`, "-e", "0",
        `${file}.o`, "-o", file],
      ["objcopy", "-O", "binary", "-j", ".text", file, `${file}.bin`],
    ];
    for (const [command, ...args] of commands) {
      const done = spawnSync(command, args, { encoding: "utf8" });
      expect(done.status, `${command}: ${done.stderr}`).toBe(0);
    }
    return new Uint8Array(readFileSync(`${file}.bin`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const REGISTERS: Record<string, string[]> = {
  b: ["%al", "%bl", "%sil", "%r8b", "%r15b"],
  w: ["%ax", "%dx", "%r9w"],
  l: ["%eax", "%ebp", "%r10d"],
  q: ["%rax", "%rsp", "%r13"],
};
const PLACES = ["x", "8+x", "x(%rip)", "x-4(%rip)", "(%rax)", "8(%rsp)", "-300(%rbp)",
  "(%rdi,%rsi,4)", "x(,%rcx,8)", "x+4(%r12,%r13,2)", "(%r13)"];

/** Forms that gas and we both write, one after another. */
function forms(): string[] {
  const lines: string[] = [];
  for (const [suffix, registers] of Object.entries(REGISTERS)) {
    const places = PLACES.map((place, i) => [place, registers[i % registers.length]]);
    for (const op of ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov"]) {
      for (const [place, register] of places) {
        lines.push(`${op}${suffix} ${register},${place}`, `${op}${suffix} ${place},${register}`);
        lines.push(`${op}${suffix} $1,${place}`, `${op}${suffix} $-128,${register}`);
      }
      const far = suffix === "b" ? 100 : suffix === "w" ? 0x7abc : 0x12345;
      for (const register of registers.slice(1)) lines.push(`${op}${suffix} $${far},${register}`);
      lines.push(`${op}${suffix} ${registers[0]},${registers[1]}`);
    }
    for (const op of ["test", "xchg"]) {
      for (const [place, register] of places) lines.push(`${op}${suffix} ${register},${place}`);
    }
    for (const op of ["xadd", "cmpxchg"]) {
      // With one prefix: gas and iced put 66, 67 and F0 in different orders.
      const lock = suffix === "w" ? "" : "lock; ";
      for (const [place, r] of places) lines.push(`${lock}${op}${suffix} ${r},${place}`);
    }
    for (const op of ["inc", "dec", "neg", "not", "mul", "div", "idiv", "imul"]) {
      lines.push(`${op}${suffix} x`, `${op}${suffix} ${registers[1]}`);
    }
    for (const op of ["rol", "ror", "rcl", "rcr", "shl", "shr", "sar"]) {
      lines.push(`${op}${suffix} $3,x`, `${op}${suffix} %cl,${registers[1]}`,
        `${op}${suffix} $1,${registers[1]}`);
    }
    if (suffix === "b") continue;
    for (const op of ["bt", "bts", "btr", "btc"]) {
      lines.push(`${op}${suffix} $5,x`, `${op}${suffix} ${registers[1]},x(%rip)`);
    }
    for (const op of ["cmovne", "cmovl", "imul", "bsf", "bsr", "popcnt"]) {
      lines.push(`${op}${suffix} x,${registers[1]}`);
    }
    lines.push(`imul${suffix} $3,x,${registers[1]}`, `imul${suffix} $300,x,${registers[1]}`,
      `lea${suffix} 4(%rax,%rbx,2),${registers[1]}`, `shld${suffix} $3,${registers[1]},x`,
      `shrd${suffix} %cl,${registers[1]},x`);
  }
  for (const condition of ["o", "b", "ae", "e", "ne", "be", "a", "s", "p", "l", "ge", "le", "g"]) {
    lines.push(`set${condition} %al`, `set${condition} x`, `j${condition} end`);
  }
  lines.push("movzbl x,%eax", "movsbw %al,%dx", "movzwl %ax,%ebx", "movslq x,%rax",
    "movswq (%rax),%rcx", "movabsq $0x123456789abcdef0,%rax", "movq $0x80000000,%rax",
    "movl $0xffffffff,%eax", "movq $x,%rax", "movl $x+4,%eax", "movq $x,x(%rip)",
    "leaq x(%rip),%rdi",
    "lock; cmpxchg16b x", "lock; cmpxchg8b (%rdi)", "lock; incl x", "lock; btsl $0,x(%rip)",
    "mfence", "sfence", "lfence", "pause", "nop", "nopl (%rax)", "nopw 0(%rax,%rax,1)", "endbr64",
    "push %rbx", "pushq $5", "pushq $500", "pop %rcx", "pushq x", "popq x", "ret", "leave",
    "call end", "cltq", "cqto", "cltd", "cwtl", "bswap %eax", "bswapq %r9", "cmc", "jmp end",
    "movl 16(%eax),%ebx");
  return lines;
}

describe("the assembler", () => {
  it.runIf(gas)("writes what gas writes", async () => {
    const lines = [...forms(), "end: nop"];
    expect(lines.length).toBeGreaterThan(1500);
    const own = await bytesOf(lines);
    const other = gasBytes(lines);
    const at = own.code.findIndex((byte, i) => byte !== other[i]);
    const line = lines[own.offsets.findLastIndex((offset) => offset <= at)];
    expect(at < 0 ? "" : line, "the first instruction that differs").toBe("");
    expect(own.code.length).toBe(other.length);
  });

  it.runIf(gas)("writes Intel syntax as gas does", async () => {
    const lines = ["mov eax,1", "mov eax,ebx", "mov dword ptr [rax+4],5", "mov rcx,[rax+rbx*8+16]",
      "xchg [rdi],eax", "lock; add dword ptr [rsp-4],0", "inc qword ptr [rdi]",
      "cmp byte ptr [rdi],1",
      "lea rax,[rbx+rbx*2]", "movzx eax,byte ptr [rdi]", "shl eax,3", "jne end", "end: mfence"];
    const other = gasBytes(lines, ".intel_syntax noprefix");
    expect([...(await bytesOf(lines, "X86")).code]).toEqual([...other]);
  });

  it("means the same in both syntaxes", async () => {
    const att = await bytesOf(["movl $1,(x)", "movl (x),%eax", "xchgl %ecx,(x)", "lock; incl (x)"]);
    const intel = await bytesOf(
      ["MOV [x],$1", "MOV EAX,[x]", "XCHG [x],ECX", "LOCK; INC [x]"], "X86");
    expect([...intel.code]).toEqual([...att.code]);
  });

  it("takes herdtools7's spellings", async () => {
    const own = await bytesOf(["lock; cmpxchgl (x),%ebx", "xchgl (x),%eax", "shl 2,%eax",
      "NOPL %cs:0(%rax,%eax,0)", "MOVQ %RBX,(x)"]);
    const texts = (await disassemble(own.code, own.address)).map(({ text }) => text);
    expect(texts).toEqual(["lock cmpxchg %ebx,0x2000000", "xchg %eax,0x2000000", "shl $2,%eax",
      "nopl (%rax,%rax)", "mov %rbx,0x2000000"]);
  });

  it("says where instructions begin and addresses lie", async () => {
    const own = await bytesOf(["movl $1,8(x)", "a: movl x(%rip),%eax", "movabsq $x,%rcx", "jmp a"]);
    const lines = await disassemble(own.code, own.address);
    expect(own.offsets).toEqual(lines.map(({ lin }) => Number(lin - own.address)));
    expect(own.texts.length).toBe(4);
    expect(own.relocations.length).toBe(3);
    const view = new DataView(own.code.buffer);
    for (const { offset, size, addend, next } of own.relocations) {
      const low = size === 8 ? view.getBigInt64(offset, true) : BigInt(view.getInt32(offset, true));
      const origin = next === undefined ? 0n : own.address + BigInt(next);
      expect(low + origin).toBe(X + addend);
    }
  });

  it.each([[126, 127, 2], [127, 128, 2], [128, 129, 6]])(
    "jumps over %i bytes, and back over %i with its own, as short as it can: %i",
    async (forward, back, size) => {
      const nops = (count: number) => Array.from({ length: count }, () => "nop");
      const over = await bytesOf(["je end", ...nops(forward), "end:"]);
      expect(over.offsets[1]).toBe(size);
      const loop = await bytesOf(["again:", ...nops(back - 2), "je again"]);
      expect(loop.code.length).toBe(back - 2 + (back <= 128 ? 2 : 6));
    });

  it("makes jumps as long as they must be", async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.oneof(fc.constant("nop"), fc.nat(40).map((n) => `jne L${n}`)),
        { maxLength: 200 }),
      fc.array(fc.nat(200), { minLength: 41, maxLength: 41 }),
      async (body, places) => {
        const lines = body.map((line) => line.replace("nop", "movl $1,8(%rax)"));
        places.forEach((place, n) => {
          const i = Math.min(place, lines.length);
          lines.splice(i, 0, `L${n}:`);
        });
        const own = await bytesOf(lines);
        const labels = new Map<string, number>();
        let index = 0;
        for (const line of lines) {
          if (line.endsWith(":")) labels.set(line.slice(0, -1), own.offsets[index] ?? own.end);
          else index++;
        }
        const wanted = lines.filter((line) => !line.endsWith(":"));
        (await disassemble(own.code, own.address)).forEach(({ text, bytes }, i) => {
          const target = /^jne 0x([0-9a-f]+)/.exec(text);
          if (!target) return;
          const to = Number(BigInt(`0x${target[1]}`) - own.address);
          expect(to).toBe(labels.get(wanted[i].slice(4)));
          const distance = to - own.offsets[i] - 2;
          if (distance >= -128 && distance <= 127 - 4) expect(bytes.length).toBe(2);
        });
      },
    ), { numRuns: 40 });
  });

  it("gives a thread a stack only if it uses one, and its RET leads to the end", async () => {
    const text = "X86_64 T\n{ }\n P0 | P1 ;\n ret | movl $1,(x) ;\nexists (x=1)\n";
    const { program } = await assemble(parseText("t", text));
    const stack = program.memory.find(({ stackOf }) => stackOf === 0)!;
    expect(program.memory.map(({ name }) => name)).toEqual(["x", "stack of P0"]);
    const [thread] = program.threads;
    const top = Number(thread.registers[4] - stack.address);
    const returnTo = new DataView(stack.initial.buffer).getBigUint64(top, true);
    expect(returnTo).toBe(thread.address + BigInt(thread.end));
    expect(program.threads[1].registers[4]).toBe(0n);
  });

  it("lays out initial values", async () => {
    const text = `X86_64 T
{ uint8_t b=255; int16_t t[3]={1,-1}; t[2]=7; p=b; uint32_t 0:rcx=-1; 0:rbx=-1; 0:rax=t+2; }
 P0 ;
 movl $1,(x) ;
 movq $1,(y) ;
locations [t; b; x; y; 0:rax; p]
exists (0:rax=t)
`;
    const { program, columns } = await assemble(parseText("t", text));
    const bytes = Object.fromEntries(
      program.memory.map(({ name, initial }) => [name, [...initial]]));
    expect(bytes.b).toEqual([255]);
    expect(bytes.t).toEqual([1, 0, 255, 255, 7, 0]);
    expect(bytes.x.length).toBe(4);
    expect(bytes.y.length).toBe(8);
    const address = (name: string) => program.memory.find((item) => item.name === name)!.address;
    expect(new DataView(Uint8Array.from(bytes.p).buffer).getBigUint64(0, true)).toBe(address("b"));
    const { registers } = program.threads[0];
    expect([registers[1], registers[3]]).toEqual([0xffffffffn, 2n ** 64n - 1n]);
    expect(registers[0]).toBe(address("t") + 2n);
    expect(columns.map(({ name, size }) => `${name} ${size}`)).toEqual(
      ["0:rax 8", "[b] 1", "[p] 8", "t[0] 2", "t[1] 2", "t[2] 2", "[x] 4", "[y] 8"]);
  });
});
