// Predicates over the final memory, as C writes them: `count == 2 && taken[0] + taken[1] <= 2`.
// Numbers, symbols, elements of arrays of int, ( ) ! - + * == != < > <= >= && ||; all signed.
import { InputError } from "../machine/preset.ts";

export interface Expression {
  /** The symbols, each once. */
  terms: { symbol: string; index?: number }[];
  /** Its value where the terms have these values, sign-extended. */
  evaluate(values: bigint[]): bigint;
}

type Node = (values: bigint[]) => bigint;

const TOKEN = /\s*(0x[0-9a-fA-F]+|\d+|[A-Za-z_.][\w.]*|&&|\|\||[=!<>]=|[-+*!<>()[\]])/y;
const NUMBER = /^(0x[0-9a-fA-F]+|\d+)$/;
/** By precedence, loosest first. */
const OPERATORS: Record<string, (a: bigint, b: bigint) => bigint>[] = [
  { "||": (a, b) => (a !== 0n || b !== 0n ? 1n : 0n) },
  { "&&": (a, b) => (a !== 0n && b !== 0n ? 1n : 0n) },
  { "==": (a, b) => (a === b ? 1n : 0n), "!=": (a, b) => (a === b ? 0n : 1n) },
  {
    "<": (a, b) => (a < b ? 1n : 0n), ">": (a, b) => (a > b ? 1n : 0n),
    "<=": (a, b) => (a <= b ? 1n : 0n), ">=": (a, b) => (a >= b ? 1n : 0n),
  },
  { "+": (a, b) => a + b, "-": (a, b) => a - b },
  { "*": (a, b) => a * b },
];

export function expressionOf(text: string): Expression {
  const tokens = tokensOf(text);
  const terms: Expression["terms"] = [];
  let at = 0;
  const fail = (): never => {
    const found = at < tokens.length ? `"${tokens[at]}"` : "its end";
    throw new InputError(`--predicate ${text}: did not expect ${found} there`);
  };
  const take = (token: string) => (tokens[at] === token ? (at++, true) : false);

  const binary = (level: number): Node => {
    if (level === OPERATORS.length) return unary();
    let left = binary(level + 1);
    while (at < tokens.length && Object.hasOwn(OPERATORS[level], tokens[at])) {
      const operator = OPERATORS[level][tokens[at++]];
      const [a, b] = [left, binary(level + 1)];
      left = (values) => operator(a(values), b(values));
    }
    return left;
  };
  const unary = (): Node => {
    if (take("!")) {
      const node = unary();
      return (values) => (node(values) === 0n ? 1n : 0n);
    }
    if (take("-")) {
      const node = unary();
      return (values) => -node(values);
    }
    if (take("(")) {
      const node = binary(0);
      return take(")") ? node : fail();
    }
    const token = tokens[at++] ?? fail();
    if (NUMBER.test(token)) return () => BigInt(token);
    if (!/^[A-Za-z_.]/.test(token)) {
      at--;
      return fail();
    }
    return term(token);
  };
  const term = (symbol: string): Node => {
    let index: number | undefined;
    if (take("[")) {
      index = NUMBER.test(tokens[at] ?? "") ? Number(tokens[at++]) : fail();
      if (!take("]")) fail();
    }
    let place = terms.findIndex((known) => known.symbol === symbol && known.index === index);
    if (place < 0) place = terms.push({ symbol, index }) - 1;
    return (values) => values[place];
  };

  const evaluate = binary(0);
  if (at < tokens.length) fail();
  return { terms, evaluate };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim()) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new InputError(`--predicate ${text}: what is "${text.slice(from).trim()}"?`);
    tokens.push(match[1]);
  }
  return tokens;
}
