// Tokens of initial states and conditions.
import type { Source } from "./source.ts";
import type { Arch, Location, Position, Value } from "./test.ts";

const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_]\w*)|(\/\\|\\\/|=>|!=|<>|[^\s]))/y;

export interface Token {
  kind: "number" | "word" | "sign" | "end";
  text: string;
  offset: number;
}

/** Reads `source` from `offset` on, one token ahead. */
export class Scanner {
  #token: Token;
  /** Where the current token begins, or the text ends. */
  get offset(): number {
    return this.#token.offset;
  }

  constructor(readonly source: Source, offset: number, readonly arch: Arch) {
    this.#token = this.#read(offset);
  }

  #read(offset: number): Token {
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(this.source.text);
    if (!match) return { kind: "end", text: "end of the file", offset: this.source.text.length };
    const text = match[1] ?? match[2] ?? match[3];
    const kind = match[1] !== undefined ? "number" : match[2] !== undefined ? "word" : "sign";
    return { kind, text, offset: TOKEN.lastIndex - text.length };
  }

  at(): Position {
    return this.source.at(this.offset);
  }

  is(...texts: string[]): boolean {
    return this.#token.kind !== "end" && texts.includes(this.#token.text);
  }

  isKind(kind: Token["kind"]): boolean {
    return this.#token.kind === kind;
  }

  next(): Token {
    const token = this.#token;
    this.#token = this.#read(token.offset + (token.kind === "end" ? 0 : token.text.length));
    return token;
  }

  /** Takes `text` if it is next. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unexpected(`"${text}"`);
  }

  word(what: string): string {
    if (!this.isKind("word")) throw this.unexpected(what);
    return this.next().text;
  }

  unexpected(wanted: string): Error {
    const found = this.isKind("end") ? this.#token.text : `"${this.#token.text}"`;
    return this.source.error(this.offset, `${wanted} expected, not ${found}`);
  }
}

/** 0:rax, x, [x], x[1], [x[1]]. Registers are in small letters, in X86 tests in capitals. */
export function scanLocation(scan: Scanner): Location {
  const at = scan.at();
  if (scan.isKind("number")) {
    const thread = Number(scan.next().text);
    scan.expect(":");
    scan.take("%");
    const name = scan.word("a register");
    const register = scan.arch === "X86" ? name.toUpperCase() : name.toLowerCase();
    return { kind: "register", thread, register, at };
  }
  const bracket = scan.take("[");
  const symbol = scan.word("a location, as in 0:rax or [x],");
  let index: number | undefined;
  if (scan.take("[")) {
    if (!scan.isKind("number")) throw scan.unexpected("an index");
    index = Number(scan.next().text);
    scan.expect("]");
  }
  if (bracket) scan.expect("]");
  return { kind: "memory", symbol, index, at };
}

/** 1, -1, 0x10, x, &x, x+4. */
export function scanValue(scan: Scanner): Value {
  const at = scan.at();
  if (scan.take("&") || scan.isKind("word")) {
    const symbol = scan.word("a variable");
    const plus = scan.take("+");
    const sign = plus ? 1n : scan.take("-") ? -1n : 0n;
    return { kind: "address", symbol, addend: sign === 0n ? 0n : sign * number(scan), at };
  }
  const sign = scan.take("-") ? -1n : 1n;
  return { kind: "number", value: sign * number(scan) };
}

function number(scan: Scanner): bigint {
  if (!scan.isKind("number")) throw scan.unexpected("a number or a variable");
  return BigInt(scan.next().text);
}
