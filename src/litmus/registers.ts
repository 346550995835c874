// Names of the general registers. Numbers are those of the encodings (SDM Vol. 2A 2.2.1.2, "More on
// REX Prefix Fields"), names in any case.
export interface Register {
  name: string;
  number: number;
  size: 1 | 2 | 4 | 8;
  /** AH, CH, DH, BH: bits 15:8. */
  high: boolean;
}

const FAMILIES = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const registers = new Map<string, Register>();

function add(name: string, number: number, size: Register["size"], high = false): void {
  registers.set(name, { name, number, size, high });
}

FAMILIES.forEach((name, number) => {
  add(`r${name}`, number, 8);
  add(`e${name}`, number, 4);
  add(name, number, 2);
  add(number < 4 ? `${name[0]}l` : `${name}l`, number, 1);
  if (number < 4) add(`${name[0]}h`, number, 1, true);
});
for (let number = 8; number < 16; number++) {
  add(`r${number}`, number, 8);
  add(`r${number}d`, number, 4);
  add(`r${number}w`, number, 2);
  add(`r${number}b`, number, 1);
}

/** The register with this name, or undefined. */
export function registerNamed(name: string): Register | undefined {
  return registers.get(name.toLowerCase());
}

/** Registers that herd7 has as names but does not move; here they keep their initial value too. */
export function isFixedRegister(name: string): boolean {
  return /^(rip|eip|cs|ds|es|ss|fs|gs)$/i.test(name);
}

/** herd7's order in a state line: rax rbx rcx rdx rsi rdi rbp rsp r8 ... */
const PRINTED = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];

export function printingRank(number: number): number {
  return PRINTED.indexOf(number);
}

/** The 64-bit name: rax, r8. */
export function fullName(number: number): string {
  return number < 8 ? `r${FAMILIES[number]}` : `r${number}`;
}
