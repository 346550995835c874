// The instructions that the assembler knows: for each mnemonic its forms, in the order in which the
// first that fits is taken. A form is the name of an iced-x86 code in which {w} is the operand size
// in bits and {i} the size of an immediate (SDM Vol. 2A 3.1.1.3, "Instruction Column in the Opcode
// Summary Table"), and its operands, destination first.
export type Kind =
  | "rm" // register or memory
  | "r"
  | "m"
  | "a" // AL, AX, EAX or RAX; {a} in the name
  | "i" // immediate of {i} bits
  | "i8" // immediate of 8 bits, sign-extended
  | "u8" // immediate of 8 bits
  | "i64"
  | "1"
  | "cl"
  | "rel"; // a label

export interface Form {
  code: string;
  kinds: Kind[];
  /** May have a LOCK prefix (SDM Vol. 2A, "LOCK—Assert LOCK# Signal Prefix"). */
  lock: boolean;
  /** The operand size where it is not the {w} of a suffix or a register: cmpxchg16b, setcc. */
  size?: number;
}

/** What a mnemonic without a suffix stands for. */
export interface Mnemonic {
  forms: Form[];
  /** The last letter may be a size suffix: addl. */
  suffixed: boolean;
  /** Default operand size in bytes: push. */
  size?: number;
}

export const mnemonics = new Map<string, Mnemonic>();

const LOCK = true;

function form(code: string, kinds: string, lock = false, size?: number): Form {
  return { code, kinds: kinds.split(" ").filter(Boolean) as Kind[], lock, size };
}

function add(name: string, forms: Form[], more: Partial<Mnemonic> = {}): void {
  mnemonics.set(name, { forms, suffixed: true, ...more });
}

function fixed(name: string, code: string): void {
  add(name, [form(code, "")], { suffixed: false });
}

const capital = (name: string) => name[0].toUpperCase() + name.slice(1);

for (const name of ["add", "adc", "sub", "sbb", "and", "or", "xor", "cmp"]) {
  const code = capital(name);
  const lock = name !== "cmp";
  add(name, [
    form(`${code}_rm{w}_r{w}`, "rm r", lock),
    form(`${code}_r{w}_rm{w}`, "r rm"),
    form(`${code}_AL_imm8`, "a i8", false, 1),
    form(`${code}_rm{w}_imm8`, "rm i8", lock),
    form(`${code}_{a}_imm{i}`, "a i"),
    form(`${code}_rm{w}_imm{i}`, "rm i", lock),
  ]);
}
add("test", [
  form("Test_rm{w}_r{w}", "rm r"),
  form("Test_rm{w}_r{w}", "r m"),
  form("Test_{a}_imm{i}", "a i"),
  form("Test_rm{w}_imm{i}", "rm i"),
]);
const MOV = [
  form("Mov_rm{w}_r{w}", "rm r"),
  form("Mov_r{w}_rm{w}", "r rm"),
  form("Mov_r8_imm8", "r i", false, 1),
  form("Mov_r16_imm16", "r i", false, 2),
  form("Mov_r32_imm32", "r i", false, 4),
  form("Mov_rm{w}_imm{i}", "rm i"),
  form("Mov_r64_imm64", "r i64", false, 8),
];
add("mov", MOV);
add("movabs", [form("Mov_r64_imm64", "r i64", false, 8)]);
add("lea", [form("Lea_r{w}_m", "r m")]);
// herdtools7 writes the register of these second, the SDM first or second: memory is the
// destination in both.
for (const [name, code] of [["xchg", "Xchg"], ["xadd", "Xadd"], ["cmpxchg", "Cmpxchg"]]) {
  add(name, [
    form(`${code}_rm{w}_r{w}`, "rm r", LOCK),
    form(`${code}_rm{w}_r{w}`, "r m", LOCK),
  ]);
}
add("cmpxchg8b", [form("Cmpxchg8b_m64", "m", LOCK, 8)], { suffixed: false });
add("cmpxchg16b", [form("Cmpxchg16b_m128", "m", LOCK, 16)], { suffixed: false });
for (const name of ["bt", "bts", "btr", "btc"]) {
  const code = capital(name);
  const lock = name !== "bt";
  add(name, [
    form(`${code}_rm{w}_r{w}`, "rm r", lock),
    form(`${code}_rm{w}_imm8`, "rm u8", lock),
  ]);
}
for (const name of ["inc", "dec", "neg", "not"]) {
  add(name, [form(`${capital(name)}_rm{w}`, "rm", LOCK)]);
}
for (const name of ["mul", "div", "idiv"]) add(name, [form(`${capital(name)}_rm{w}`, "rm")]);
add("imul", [
  form("Imul_rm{w}", "rm"),
  form("Imul_r{w}_rm{w}", "r rm"),
  form("Imul_r{w}_rm{w}_imm8", "r rm i8"),
  form("Imul_r{w}_rm{w}_imm{i}", "r rm i"),
]);
for (const name of ["rol", "ror", "rcl", "rcr", "shl", "shr", "sar"]) {
  const code = capital(name);
  add(name, [
    form(`${code}_rm{w}_1`, "rm 1"),
    form(`${code}_rm{w}_imm8`, "rm u8"),
    form(`${code}_rm{w}_CL`, "rm cl"),
    form(`${code}_rm{w}_1`, "rm"),
  ]);
}
mnemonics.set("sal", mnemonics.get("shl")!);
for (const name of ["shld", "shrd"]) {
  const code = capital(name);
  add(name, [
    form(`${code}_rm{w}_r{w}_imm8`, "rm r u8"),
    form(`${code}_rm{w}_r{w}_CL`, "rm r cl"),
  ]);
}
for (const name of ["bsf", "bsr", "popcnt", "tzcnt", "lzcnt"]) {
  add(name, [form(`${capital(name)}_r{w}_rm{w}`, "r rm")]);
}
add("bswap", [form("Bswap_r{w}", "r")]);
add("push", [
  form("Push_r64", "r", false, 8),
  form("Pushq_imm8", "i8", false, 8),
  form("Pushq_imm32", "i", false, 8),
  form("Push_rm64", "m", false, 8),
], { size: 8 });
add("pop", [form("Pop_r64", "r", false, 8), form("Pop_rm64", "m", false, 8)], { size: 8 });
add("nop", [form("Nopd", ""), form("Nop_rm{w}", "rm")]);
mnemonics.get("nop")!.size = 4;

/** Conditions with their other names (SDM Vol. 1 B, "EFLAGS Condition Codes"). */
const CONDITIONS: Record<string, string> = {
  o: "o", no: "no", b: "b", c: "b", nae: "b", ae: "ae", nb: "ae", nc: "ae", e: "e", z: "e",
  ne: "ne", nz: "ne", be: "be", na: "be", a: "a", nbe: "a", s: "s", ns: "ns", p: "p", pe: "p",
  np: "np", po: "np", l: "l", nge: "l", ge: "ge", nl: "ge", le: "le", ng: "le", g: "g", nle: "g",
};
for (const [name, condition] of Object.entries(CONDITIONS)) {
  add(`j${name}`, [form(`J${condition}_rel`, "rel")], { suffixed: false });
  add(`set${name}`, [form(`Set${condition}_rm8`, "rm", false, 1)], { suffixed: false });
  add(`cmov${name}`, [form(`Cmov${condition}_r{w}_rm{w}`, "r rm")]);
}
add("jmp", [form("Jmp_rel", "rel")]);
add("call", [form("Call_rel", "rel")]);

// The size of the source is a part of the name: movzbl, movswq; movzx in Intel syntax.
const BITS: Record<string, number> = { b: 8, w: 16, l: 32, q: 64 };
for (const [stem, code] of [["movz", "Movzx"], ["movs", "Movsx"]]) {
  for (const [from, to] of ["bw", "bl", "bq", "wl", "wq"]) {
    add(`${stem}${from}${to}`, [form(`${code}_r${BITS[to]}_rm${BITS[from]}`, "r rm")], {
      suffixed: false,
    });
  }
  add(`${stem}x`, [
    form(`${code}_r{w}_rm8`, "r rm"),
    form(`${code}_r{w}_rm16`, "r rm"),
  ], { suffixed: false });
}
add("movslq", [form("Movsxd_r64_rm32", "r rm")], { suffixed: false });
mnemonics.set("movsxd", mnemonics.get("movslq")!);

const FIXED: Record<string, string> = {
  mfence: "Mfence", sfence: "Sfence", lfence: "Lfence", pause: "Pause", endbr64: "Endbr64",
  ret: "Retnq", retq: "Retnq", leave: "Leaveq", leaveq: "Leaveq", clc: "Clc", stc: "Stc",
  cmc: "Cmc", cld: "Cld", cbtw: "Cbw", cwtl: "Cwde", cltq: "Cdqe", cwtd: "Cwd", cltd: "Cdq",
  cqto: "Cqo", cbw: "Cbw", cwde: "Cwde", cdqe: "Cdqe", cwd: "Cwd", cdq: "Cdq", cqo: "Cqo",
  sahf: "Sahf", lahf: "Lahf", ud2: "Ud2",
};
for (const [name, code] of Object.entries(FIXED)) fixed(name, code);
