// Call frame information that a core file brings along for code that has none in its image: the
// entries of a kernel, in assembly. gdb reads it as it reads the vDSO of a Linux process: the
// auxiliary vector says where an ELF image lies in memory, which has a section .eh_frame (System V
// ABI, AMD64 supplement, "DWARF Definition"; DWARF 5, 6.4 "Call Frame Information").
//
//     ELF header | program header | .eh_frame | .shstrtab | section headers

/** What is so while the instruction pointer is at `from` or behind it, and before `to`. */
export interface FrameRule {
  from: bigint;
  to: bigint;
  /** Of registers by their DWARF number the offset from RSP; undefined: the stack ends there. */
  saved?: ReadonlyMap<number, number>;
}

/** DWARF numbers of registers by name (AMD64 supplement, "DWARF Register Number Mapping"). */
export const DWARF_REGISTERS: readonly string[] = [
  "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
];
const [DWARF_RSP, DWARF_RIP] = [7, 16];

const ET_DYN = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const [SHT_PROGBITS, SHT_STRTAB, SHF_ALLOC] = [1, 3, 2];
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const NAMES = "\0.eh_frame\0.shstrtab\0";

const [DW_CFA_DEF_CFA, DW_CFA_UNDEFINED, DW_CFA_OFFSET_EXTENDED_SF] = [0x0c, 0x07, 0x11];
/** Offsets of saved registers are counted in these. */
const DATA_ALIGNMENT = 8;

/** The image, to be at `lin`. */
export function frameImage(lin: bigint, rules: readonly FrameRule[]): Uint8Array {
  const frames = ehFrame(rules);
  const framesAt = HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const namesAt = framesAt + frames.length;
  const sectionsAt = Math.ceil((namesAt + NAMES.length) / 8) * 8;
  const bytes = new Uint8Array(sectionsAt + 3 * SECTION_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const halves = [
    [16, ET_DYN], [18, EM_X86_64], [20, 1], [52, HEADER_BYTES], [54, PROGRAM_HEADER_BYTES],
    [56, 1], [58, SECTION_HEADER_BYTES], [60, 3], [62, 2],
  ];
  for (const [at, value] of halves) view.setUint16(at, value, true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  const words = (at: number, values: readonly (bigint | number)[]) =>
    values.forEach((value, i) => view.setBigUint64(at + 8 * i, BigInt(value), true));
  // Readable and executable, as a vDSO is.
  view.setUint32(HEADER_BYTES, PT_LOAD, true);
  view.setUint32(HEADER_BYTES + 4, 5, true);
  words(HEADER_BYTES + 8, [0, lin, lin, bytes.length, bytes.length, 4096]);
  bytes.set(frames, framesAt);
  bytes.set(new TextEncoder().encode(NAMES), namesAt);
  const section = (index: number, name: string, type: number, values: (bigint | number)[]) => {
    const at = sectionsAt + index * SECTION_HEADER_BYTES;
    view.setUint32(at, NAMES.indexOf(name), true);
    view.setUint32(at + 4, type, true);
    words(at + 8, values);
  };
  const framesLin = lin + BigInt(framesAt);
  section(1, ".eh_frame", SHT_PROGBITS, [SHF_ALLOC, framesLin, framesAt, frames.length, 0, 8, 0]);
  section(2, ".shstrtab", SHT_STRTAB, [0, 0, namesAt, NAMES.length, 0, 1, 0]);
  return bytes;
}

/** Two CIEs, of calls and of interrupts ("S": what was left goes on where it was), and the FDEs. */
function ehFrame(rules: readonly FrameRule[]): Uint8Array {
  const out: number[] = [];
  const cies = ["zR", "zRS"].map((augmentation) => {
    const at = out.length;
    out.push(...entry([
      ...u32(0), 1, ...ascii(augmentation), 0, 1, ...leb(DATA_ALIGNMENT), DWARF_RIP,
      // Addresses are absolute.
      1, 0, DW_CFA_DEF_CFA, DWARF_RSP, 0,
    ]));
    return at;
  });
  for (const { from, to, saved } of rules) {
    const rows = saved
      ? [...saved].flatMap(([register, offset]) =>
        [DW_CFA_OFFSET_EXTENDED_SF, register, ...leb(offset / DATA_ALIGNMENT)])
      : [DW_CFA_UNDEFINED, DWARF_RIP];
    const back = out.length + 4 - cies[saved ? 1 : 0];
    out.push(...entry([...u32(back), ...u64(from), ...u64(to - from), 0, ...rows]));
  }
  return Uint8Array.from([...out, ...u32(0)]);
}

/** With its length, padded with DW_CFA_nop. */
function entry(body: readonly number[]): number[] {
  const bytes = Math.ceil((body.length + 4) / 8) * 8 - 4;
  return [...u32(bytes), ...body, ...Array<number>(bytes - body.length).fill(0)];
}

const ascii = (text: string) => Array.from(text, (sign) => sign.charCodeAt(0));
const little = (value: bigint, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const u32 = (value: number) => little(BigInt(value), 4);
const u64 = (value: bigint) => little(value, 8);

/** SLEB128 */
function leb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const ends = (rest === 0 && !(byte & 0x40)) || (rest === -1 && (byte & 0x40) !== 0);
    out.push(ends ? byte : byte | 0x80);
    if (ends) return out;
  }
}
