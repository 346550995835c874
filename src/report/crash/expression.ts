// C expressions over a stopped machine, as px and pd of crash(8) hand them to gdb: variables, their
// members and elements, * and &, casts, sizeof, arithmetic on numbers and pointers, all in C's
// precedence, and $1 for an earlier result. No assignments, calls, && or ?:. Two things are
// crash's: digits with a letter among them are a hexadecimal address, with or without 0x, and what
// is no scalar stands for its address where a number is meant.
import { bare, memberNamed, type Type } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";
import { whyAbsent } from "./aliases.ts";
import { typeName } from "./print.ts";
import {
  arithmetic, extended, isScalar, numberOf, pointee, pointerTo, type Scope, type Value,
} from "./value.ts";

const TOKEN = /\s*(0x[0-9a-f]+|\$\w*|\w+|->|<<|>>|[=!<>]=|[-+*/%&|^~!()[\].<>])/iy;
/** As gcc calls them there. */
const DWARF_NAMES: Record<string, string> = {
  "unsigned long": "long unsigned int", long: "long int", unsigned: "unsigned int",
};
const WORD = /^\w/;
/** The binding strength of operators with two sides. */
const STRENGTH: Record<string, number> = {
  "|": 1, "^": 2, "&": 3, "==": 4, "!=": 4, "<": 5, ">": 5, "<=": 5, ">=": 5, "<<": 6, ">>": 6,
  "+": 7, "-": 7, "*": 8, "/": 8, "%": 8,
};
const CAST_WORDS = /^(struct|union|enum|unsigned|signed|long|short|int|char|void|const|volatile)$/;

export function valueOf(text: string, scope: Scope): Value {
  const parser = new Parser(text, scope);
  const value = parser.expression();
  parser.end();
  return value;
}

class Parser {
  private readonly tokens: string[] = [];
  private readonly text: string;
  private readonly scope: Scope;
  private at = 0;

  constructor(text: string, scope: Scope) {
    [this.text, this.scope] = [text.trim(), scope];
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < this.text.length; ) {
      const from = TOKEN.lastIndex;
      const token = TOKEN.exec(this.text)?.[1];
      if (!token) this.fail(`"${this.text.slice(from).trim()}" is no part of an expression`);
      this.tokens.push(token!);
    }
  }

  private fail(what: string): never {
    throw new InputError(`${this.text}: ${what}`);
  }

  private next(): string | undefined {
    return this.tokens[this.at];
  }

  private take(token: string): boolean {
    return this.next() === token && ++this.at > 0;
  }

  private need(token: string): void {
    if (!this.take(token)) this.fail(`"${token}" is missing before ${this.found()}`);
  }

  private found(): string {
    return this.next() === undefined ? "its end" : `"${this.next()}"`;
  }

  end(): void {
    if (this.next() !== undefined) this.fail(`did not expect ${this.found()} there`);
  }

  expression(weakest = 1): Value {
    let left = this.unary();
    for (let operator = this.next(); operator && STRENGTH[operator] >= weakest;
      operator = this.next()) {
      this.at++;
      left = this.applied(left, operator, this.expression(STRENGTH[operator] + 1));
    }
    return left;
  }

  private number(value: Value): bigint {
    return numberOf(value, this.scope);
  }

  private applied(left: Value, operator: string, right: Value): Value {
    const [a, b] = [this.number(left), this.number(right)];
    const [to, other] = [pointee(left), pointee(right)];
    if (to && operator === "-" && other?.bytes === to.bytes) {
      return { number: (a - b) / BigInt(to.bytes || 1) };
    }
    if (to && (operator === "+" || operator === "-") && !other) {
      const step = b * BigInt(to.bytes || 1);
      return { type: pointerTo(to), number: operator === "+" ? a + step : a - step };
    }
    if (other && operator === "+") return this.applied(right, operator, left);
    const number = arithmetic(a, operator, b);
    if (number === undefined) this.fail(`${a} ${operator} ${b} has no value`);
    return { number };
  }

  private unary(): Value {
    if (this.take("*")) return this.target(this.unary());
    if (this.take("&")) {
      const { type, lin, bits } = this.unary();
      if (lin === undefined || bits) this.fail("& needs something that has an address");
      return { type: type && pointerTo(type), number: lin };
    }
    if (this.take("-")) return { number: -this.number(this.unary()) };
    if (this.take("~")) return { number: ~this.number(this.unary()) };
    if (this.take("!")) return { number: this.number(this.unary()) === 0n ? 1n : 0n };
    if (this.take("+")) return { number: this.number(this.unary()) };
    if (this.take("sizeof")) return { number: BigInt(this.size()) };
    const type = this.cast();
    if (!type) return this.postfix(this.primary());
    const number = this.number(this.unary());
    if (!isScalar(bare(type))) this.fail(`${typeName(type)} is no type for a number; add a *`);
    return { type, number: extended(number, bare(type)) };
  }

  private size(): number {
    const type = this.cast() ?? this.unary().type;
    return type ? type.bytes : 8;
  }

  /** "(struct dio *)", if a type in parentheses is what comes; its name may lack "struct". */
  private cast(): Type | undefined {
    if (this.next() !== "(") return undefined;
    const from = this.at++;
    const words: string[] = [];
    while (WORD.test(this.next() ?? "") && (words.length === 0 ||
      CAST_WORDS.test(words.at(-1)!) || CAST_WORDS.test(this.next()!))) {
      words.push(this.tokens[this.at++]);
    }
    let stars = 0;
    while (this.take("*")) stars++;
    const closed = this.take(")");
    const named = words.filter((word) => !/^(const|volatile)$/.test(word)).join(" ");
    // A variable has the name first, so that "(nr_cpus) * 2" is a product.
    const wanted = closed && named && !(words.length === 1 && this.scope.lookup(named));
    if (wanted) {
      let type = this.known(named);
      if (!type && (CAST_WORDS.test(words[0]) || stars > 0)) {
        const why = whyAbsent(named) || "; its types are those of its C source";
        this.fail(`the image has no type ${named}${why}`);
      }
      for (let i = 0; type && i < stars; i++) type = pointerTo(type);
      if (type) return type;
    }
    this.at = from;
    return undefined;
  }

  private known(name: string): Type | undefined {
    if (name === "void") return { kind: "void", bytes: 0 };
    return this.scope.type(DWARF_NAMES[name] ?? name);
  }

  private primary(): Value {
    if (this.take("(")) {
      const value = this.expression();
      this.need(")");
      return value;
    }
    const token = this.next();
    if (!token || !/^[\w$]/.test(token)) return this.fail(`did not expect ${this.found()} there`);
    this.at++;
    const value = this.scope.lookup(token);
    if (value) return value;
    if (/^\d+$/.test(token)) return { number: BigInt(token) };
    const [, digits] = /^(?:0x)?([0-9a-f]+)$/i.exec(token) ?? [];
    if (digits) return { number: BigInt(`0x${digits}`) };
    const what = token.startsWith("$") ? "px and pd have given no such result"
      : "neither an address nor a symbol of the image";
    throw new InputError(`${token}: ${what}`);
  }

  private postfix(value: Value): Value {
    if (this.take("[")) {
      const index = this.number(this.expression());
      this.need("]");
      return this.postfix(this.element(value, index));
    }
    if (!this.take("->") && !this.take(".")) return value;
    const name = this.tokens[this.at++] ?? this.fail("a member's name is missing at its end");
    const whole = value.type && bare(value.type).kind === "pointer" ? this.target(value) : value;
    const member = whole.type && memberNamed(whole.type, name);
    if (!member) {
      const of = whole.type ? typeName(whole.type) : "a number";
      return this.fail(`${of} has no member ${name}${whyAbsent(`${of}.${name}`)}`);
    }
    const { at, bits } = member;
    const type = this.scope.shownAs?.(whole.type!, name, member.type) ?? member.type;
    return this.postfix({ type, bits, lin: whole.lin! + BigInt(at) });
  }

  private element(value: Value, index: bigint): Value {
    const of = pointee(value) ?? this.fail("[ ] needs an array or a pointer");
    const here = bare(value.type!);
    if (here.kind === "array" && here.count > 0 && (index < 0n || index >= BigInt(here.count))) {
      this.fail(`there is no element ${index}; it has ${here.count}`);
    }
    return { type: of, lin: this.number(value) + index * BigInt(of.bytes || 1) };
  }

  private target(value: Value): Value {
    const to = pointee(value);
    if (to && bare(to).kind !== "void") return { type: to, lin: this.number(value) };
    if (value.type && bare(value.type).kind === "pointer") {
      this.fail("a void * leads nowhere; cast it, as in *(struct task *)");
    }
    return this.fail("* needs a pointer; cast the number, as in *(struct task *)");
  }
}
