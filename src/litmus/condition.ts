// Conditions: `exists (0:rax=0 /\ ~[x]=1)`. Reading, writing, and evaluation over final states.
import type { Scanner } from "./scan.ts";
import { scanLocation, scanValue } from "./scan.ts";
import type { Condition, Location, Proposition, Quantifier, Value } from "./test.ts";

const DEPTH_MAX = 200;

/** Quantifier and proposition; stands on the quantifier. */
export function scanCondition(scan: Scanner): Condition {
  const quantifier = scanQuantifier(scan);
  return { quantifier, proposition: scanProposition(scan) };
}

function scanQuantifier(scan: Scanner): Quantifier {
  if (scan.take("forall")) return "forall";
  const not = scan.take("~") || scan.take("not");
  if (scan.take("exists")) return not ? "~exists" : "exists";
  throw scan.unexpected("exists, ~exists or forall");
}

/** From loosest to tightest: =>, \/, /\, ~. */
export function scanProposition(scan: Scanner, depth = 0): Proposition {
  if (depth > DEPTH_MAX) throw scan.unexpected(`at most ${DEPTH_MAX} nested parentheses`);
  const left = scanList(scan, depth, "\\/", "or");
  if (!scan.take("=>")) return left;
  return { kind: "implies", left, right: scanProposition(scan, depth + 1) };
}

function scanList(scan: Scanner, depth: number, sign: string, kind: "or" | "and"): Proposition {
  const items: Proposition[] = [];
  do items.push(kind === "or" ? scanList(scan, depth, "/\\", "and") : scanNot(scan, depth));
  while (scan.take(sign));
  return items.length === 1 ? items[0] : { kind, items };
}

function scanNot(scan: Scanner, depth: number): Proposition {
  if (scan.take("~") || scan.take("not")) {
    if (depth > DEPTH_MAX) throw scan.unexpected(`at most ${DEPTH_MAX} negations`);
    return { kind: "not", item: scanNot(scan, depth + 1) };
  }
  if (scan.take("(")) {
    const inner = scanProposition(scan, depth + 1);
    scan.expect(")");
    return inner;
  }
  if (scan.is("true", "false")) return { kind: "constant", value: scan.next().text === "true" };
  const location = scanLocation(scan);
  const negated = scan.take("!=") || scan.take("<>");
  if (!negated) scan.expect("=");
  return { kind: "equal", location, value: scanValue(scan), negated };
}

/** As herd7 writes it: locations in brackets, parentheses around alternatives in a conjunction. */
export function conditionText({ quantifier, proposition }: Condition): string {
  return `${quantifier} (${propositionText(proposition)})`;
}

export function propositionText(proposition: Proposition): string {
  switch (proposition.kind) {
    case "constant":
      return `${proposition.value}`;
    case "equal": {
      const sign = proposition.negated ? "!=" : "=";
      return `${locationText(proposition.location)}${sign}${valueText(proposition.value)}`;
    }
    case "not":
      return `not (${propositionText(proposition.item)})`;
    case "implies":
      return `${operandText(proposition.left, "implies")} => ${propositionText(proposition.right)}`;
    default: {
      const items = proposition.items.map((item) => operandText(item, proposition.kind));
      return items.join(proposition.kind === "and" ? " /\\ " : " \\/ ");
    }
  }
}

const LOOSENESS = { implies: 3, or: 2, and: 1 };

function operandText(item: Proposition, outer: keyof typeof LOOSENESS): string {
  const own = item.kind in LOOSENESS ? LOOSENESS[item.kind as keyof typeof LOOSENESS] : 0;
  const text = propositionText(item);
  return own >= LOOSENESS[outer] ? `(${text})` : text;
}

/** 0:rax, [x], t[1]. */
export function locationText(location: Location): string {
  if (location.kind === "register") return `${location.thread}:${location.register}`;
  if (location.index !== undefined) return `${location.symbol}[${location.index}]`;
  return `[${location.symbol}]`;
}

export function valueText(value: Value): string {
  if (value.kind === "number") return `${value.value}`;
  if (value.addend === 0n) return value.symbol;
  const sign = value.addend < 0n ? "" : "+";
  return `${value.symbol}${sign}${value.addend}`;
}

/** Every location in it, in reading order. */
export function locationsOf(proposition: Proposition): Location[] {
  switch (proposition.kind) {
    case "constant":
      return [];
    case "equal":
      return [proposition.location];
    case "not":
      return locationsOf(proposition.item);
    case "implies":
      return [...locationsOf(proposition.left), ...locationsOf(proposition.right)];
    default:
      return proposition.items.flatMap(locationsOf);
  }
}

/** True or false for a final state. */
export type Predicate = (values: readonly bigint[]) => boolean;

/** Decides `location = value`, as the state's layout has it. */
export type Equality = (location: Location, value: Value) => Predicate;

export function compile(proposition: Proposition, equality: Equality): Predicate {
  switch (proposition.kind) {
    case "constant":
      return () => proposition.value;
    case "equal": {
      const equal = equality(proposition.location, proposition.value);
      return proposition.negated ? (values) => !equal(values) : equal;
    }
    case "not": {
      const item = compile(proposition.item, equality);
      return (values) => !item(values);
    }
    case "implies": {
      const left = compile(proposition.left, equality);
      const right = compile(proposition.right, equality);
      return (values) => !left(values) || right(values);
    }
    default: {
      const items = proposition.items.map((item) => compile(item, equality));
      if (proposition.kind === "and") return (values) => items.every((item) => item(values));
      return (values) => items.some((item) => item(values));
    }
  }
}
