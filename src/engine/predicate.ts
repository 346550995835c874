// Predicates over the final memory, as C writes them: `n == 2 && taken:4[0] + taken:4[1] <= 2`.
// Numbers, symbols, elements of arrays (with the bytes of one, which no symbol says), and ( ) ! - +
// * == != < > <= >= && ||. All is signed, but == and != take any number of a variable's width.
import { InputError } from "../machine/preset.ts";

export interface Expression {
  /** The symbols, each once; `size` in bytes. */
  terms: { symbol: string; size?: number; index?: number }[];
  /** Its value where the terms have these values, sign-extended from so many bytes. */
  evaluate(values: bigint[], sizes: readonly number[]): bigint;
}

interface Node {
  (values: bigint[], sizes: readonly number[]): bigint;
  /** It is this term and nothing else; or a number. */
  place?: number;
  literal?: bigint;
}

const TOKEN = /\s*(0x[0-9a-fA-F]+|\d+|[A-Za-z_.][\w.]*|:[1248]|&&|\|\||[=!<>]=|[-+*!<>()[\]])/y;
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
      left = equality(operator, a, b) ??
        ((values, sizes) => operator(a(values, sizes), b(values, sizes)));
    }
    return left;
  };
  const unary = (): Node => {
    if (take("!")) {
      const node = unary();
      return (values, sizes) => (node(values, sizes) === 0n ? 1n : 0n);
    }
    if (take("-")) {
      const node = unary();
      const negative: Node = (values, sizes) => -node(values, sizes);
      if (node.literal !== undefined) negative.literal = -node.literal;
      return negative;
    }
    if (take("(")) {
      const node = binary(0);
      return take(")") ? node : fail();
    }
    const token = tokens[at++] ?? fail();
    if (NUMBER.test(token)) {
      const literal = BigInt(token);
      return Object.assign(() => literal, { literal });
    }
    if (!/^[A-Za-z_.]/.test(token)) {
      at--;
      return fail();
    }
    return term(token);
  };
  const term = (symbol: string): Node => {
    const size = tokens[at]?.startsWith(":") ? Number(tokens[at++].slice(1)) : undefined;
    let index: number | undefined;
    if (take("[")) {
      index = NUMBER.test(tokens[at] ?? "") ? Number(tokens[at++]) : fail();
      if (!take("]")) fail();
    }
    let place = terms.findIndex((known) =>
      known.symbol === symbol && known.index === index && known.size === size);
    if (place < 0) place = terms.push({ symbol, size, index }) - 1;
    return Object.assign((values: bigint[]) => values[place], { place });
  };

  const evaluate = binary(0);
  if (at < tokens.length) fail();
  return { terms, evaluate };
}

/** A variable against a number of its width, signed or not: `u == 0xffffffff`, `i == -1`. */
function equality(
  operator: (a: bigint, b: bigint) => bigint, a: Node, b: Node,
): Node | undefined {
  const { place } = a.place === undefined ? b : a;
  const { literal } = a.place === undefined ? a : b;
  const compares = Object.values(OPERATORS[2]).includes(operator);
  if (!compares || place === undefined || literal === undefined) return undefined;
  return (values, sizes) => {
    const bits = 8 * sizes[place];
    const fits = literal >= -(1n << BigInt(bits - 1)) && literal < 1n << BigInt(bits);
    return operator(values[place], fits ? BigInt.asIntN(bits, literal) : literal);
  };
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
