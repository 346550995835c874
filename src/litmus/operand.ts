// Operands as text: AT&T's (`$1`, `%eax`, `8(%rax,%rbx,4)`, `x(%rip)`) and Intel's (`[x]`, `EAX`).
import { isFixedRegister, registerNamed } from "./registers.ts";
import type { Source } from "./source.ts";
import type { Memory, Operand, Value } from "./test.ts";

const SIGNED = /^[-+]?\s*(0[xX][0-9a-fA-F]+|\d+)$/;
const NAME = /^[A-Za-z_.][\w.$]*$/;
const POINTER = /^(byte|word|dword|qword|xmmword)\s+ptr\s+/i;
const POINTER_BYTES: Record<string, number> = { byte: 1, word: 2, dword: 4, qword: 8, xmmword: 16 };

/** Piece of a line with its place in the file. */
export interface Piece {
  text: string;
  offset: number;
}

/** Without blanks at both ends. */
export function trimmed(text: string, offset: number): Piece {
  const start = text.length - text.trimStart().length;
  return { text: text.trim(), offset: offset + start };
}

/** Splits at commas outside parentheses and brackets. */
export function splitOperands({ text, offset }: Piece): Piece[] {
  if (text === "") return [];
  const pieces: Piece[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const letter = text[i];
    if (letter === "(" || letter === "[") depth++;
    if (letter === ")" || letter === "]") depth--;
    if (i < text.length && (letter !== "," || depth > 0)) continue;
    pieces.push(trimmed(text.slice(from, i), offset + from));
    from = i + 1;
  }
  return pieces;
}

function memoryAt(source: Source, offset: number): Memory {
  const at = source.at(offset);
  return { kind: "memory", displacement: 0n, scale: 1, ripRelative: false, at };
}

/** 4, x, x+4, 4+x, -8: a number, or an address. */
function parseSum(source: Source, { text, offset }: Piece): Value {
  const at = source.at(offset);
  let symbol: string | undefined;
  let sum = 0n;
  const terms = text.match(/[-+]?[^-+]+/g) ?? [text];
  for (const term of terms) {
    const bare = term.replace(/^[-+]/, "").trim();
    const sign = term.startsWith("-") ? -1n : 1n;
    if (SIGNED.test(bare)) sum += sign * BigInt(bare);
    else if (NAME.test(bare) && symbol === undefined && sign === 1n) symbol = bare;
    else throw source.error(offset, `"${text}" is no number and no variable`);
  }
  if (symbol === undefined) return { kind: "number", value: sum };
  return { kind: "address", symbol, addend: sum, at };
}

function addValue(memory: Memory, value: Value): void {
  if (value.kind === "number") memory.displacement += value.value;
  else {
    memory.symbol = value.symbol;
    memory.displacement += value.addend;
  }
}

function register(source: Source, { text, offset }: Piece): string {
  const name = text.replace(/^%/, "").toLowerCase();
  if (!registerNamed(name) && !isFixedRegister(name)) {
    throw source.error(offset, `unknown register ${text}: the general registers are known`);
  }
  return name;
}

export function parseAttOperand(source: Source, piece: Piece, branch: boolean): Operand {
  const { text, offset } = piece;
  const at = source.at(offset);
  if (text === "") throw source.error(offset, "an operand is missing");
  if (text.startsWith("$")) {
    const value = parseSum(source, { text: text.slice(1), offset: offset + 1 });
    return { kind: "immediate", value, at };
  }
  const segment = /^%[a-z]s\s*:/i.exec(text);
  if (segment) {
    const rest = trimmed(text.slice(segment[0].length), offset + segment[0].length);
    return parseAttOperand(source, rest, branch);
  }
  if (text.startsWith("%")) return { kind: "register", name: register(source, piece), at };
  const open = text.indexOf("(");
  if (open < 0) {
    if (branch && NAME.test(text)) return { kind: "label", name: text, at };
    const value = parseSum(source, piece);
    // herd7 takes a bare number as an immediate; as an absolute address it would mean nothing.
    if (value.kind === "number") return { kind: "immediate", value, at };
    const memory = memoryAt(source, offset);
    addValue(memory, value);
    return memory;
  }
  if (!text.endsWith(")")) throw source.error(offset, `")" is missing in ${text}`);
  const memory = memoryAt(source, offset);
  const front = trimmed(text.slice(0, open), offset);
  if (front.text) addValue(memory, parseSum(source, front));
  const inner = { text: text.slice(open + 1, -1), offset: offset + open + 1 };
  const [base, index, scale, more] = splitOperands(inner);
  if (more) throw source.error(more.offset, "an address has at most a base, an index and a scale");
  if (base?.text.startsWith("%")) {
    if (/^%rip$/i.test(base.text)) memory.ripRelative = true;
    else memory.base = register(source, base);
  } else if (base?.text) addValue(memory, parseSum(source, base));
  if (index?.text) memory.index = register(source, index);
  if (scale?.text) memory.scale = scaleOf(source, scale);
  return memory;
}

/** 0 occurs in NOPs, where nothing depends on it. */
function scaleOf(source: Source, { text, offset }: Piece): number {
  if (!/^[01248]$/.test(text)) throw source.error(offset, `the scale ${text} is not 1, 2, 4 or 8`);
  return Math.max(1, Number(text));
}

export function parseIntelOperand(source: Source, piece: Piece, branch: boolean): Operand {
  const at = source.at(piece.offset);
  const pointer = POINTER.exec(piece.text);
  const width = pointer?.[0].length ?? 0;
  const { text, offset } = trimmed(piece.text.slice(width), piece.offset + width);
  if (text === "") throw source.error(offset, "an operand is missing");
  if (text.startsWith("[")) {
    if (!text.endsWith("]")) throw source.error(offset, `"]" is missing in ${text}`);
    const memory = intelMemory(source, { text: text.slice(1, -1), offset: offset + 1 });
    if (pointer) memory.size = POINTER_BYTES[pointer[1].toLowerCase()];
    return memory;
  }
  if (registerNamed(text)) return { kind: "register", name: text.toLowerCase(), at };
  if (branch && NAME.test(text)) return { kind: "label", name: text, at };
  const address = /^offset\s+/i.exec(text)?.[0].length ?? 0;
  const dollar = text.startsWith("$") ? 1 : address;
  const value = parseSum(source, trimmed(text.slice(dollar), offset + dollar));
  if (value.kind === "address" && dollar === 0) {
    throw source.error(offset, `unknown register ${text}: variables are written [${text}]`);
  }
  return { kind: "immediate", value, at };
}

/** x, x+4, rax, rax+rbx*4+8: terms between brackets. */
function intelMemory(source: Source, { text, offset }: Piece): Memory {
  const memory = memoryAt(source, offset);
  for (const term of text.matchAll(/([-+]?)([^-+]+)/g)) {
    const start = offset + term.index + term[1].length;
    const piece = trimmed(term[2], start);
    const [name, scale] = piece.text.split("*").map((part) => part.trim());
    if (!registerNamed(name)) {
      addValue(memory, parseSum(source, { ...piece, text: term[1] + piece.text }));
    } else if (term[1] === "-") throw source.error(start, "a register cannot be subtracted");
    else if (scale === undefined && memory.base === undefined) memory.base = name.toLowerCase();
    else if (memory.index === undefined) {
      memory.index = name.toLowerCase();
      if (scale) memory.scale = scaleOf(source, { text: scale, offset: start });
    } else throw source.error(start, "an address has at most a base and an index");
  }
  return memory;
}
