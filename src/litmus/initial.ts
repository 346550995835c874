// The initial state, between braces: `x=1; uint64_t y=2; 0:rax=x; int t[2]={1,-1}; int *p=x;`.
import type { Scanner } from "./scan.ts";
import { scanLocation, scanValue } from "./scan.ts";
import type { CType, Initial } from "./test.ts";

const SIZES: Record<string, 1 | 2 | 4 | 8> = {
  char: 1, short: 2, int: 4, long: 8,
  int8_t: 1, int16_t: 2, int32_t: 4, int64_t: 8, intptr_t: 8,
  uint8_t: 1, uint16_t: 2, uint32_t: 4, uint64_t: 8, uintptr_t: 8,
};
const ARRAY_ELEMENTS_MAX = 4096;

/** Starts behind the opening brace, ends behind the closing one. */
export function scanInitialState(scan: Scanner): Initial[] {
  const initial: Initial[] = [];
  while (!scan.take("}")) {
    if (scan.take(";")) continue;
    if (scan.isKind("end")) throw scan.unexpected('"}" behind the initial state');
    initial.push(scanEntry(scan));
    if (!scan.is(";", "}")) throw scan.unexpected('";" or "}"');
  }
  return initial;
}

function scanEntry(scan: Scanner): Initial {
  let type = scanType(scan);
  if (scan.take("*")) {
    type = { name: `${type?.name ?? "int"} *`, size: 8, signed: false, pointer: true };
  }
  const location = scanLocation(scan);
  const entry: Initial = { location, type, values: [] };
  if (location.kind === "memory" && location.index !== undefined && type) {
    entry.length = location.index;
    delete location.index;
    if (entry.length < 1 || entry.length > ARRAY_ELEMENTS_MAX) {
      throw scan.unexpected(`an array of 1 to ${ARRAY_ELEMENTS_MAX} elements`);
    }
  }
  if (!scan.take("=")) return entry;
  if (!scan.take("{")) {
    entry.values.push(scanValue(scan));
    return entry;
  }
  do entry.values.push(scanValue(scan));
  while (scan.take(",") && !scan.is("}"));
  scan.expect("}");
  entry.length ??= entry.values.length;
  if (entry.values.length > entry.length) throw scan.unexpected(`at most ${entry.length} values`);
  return entry;
}

/** A type in front of a location. A word that no type begins with is a location. */
function scanType(scan: Scanner): CType | undefined {
  let name = "";
  while (scan.is("volatile", "_Atomic", "const")) scan.next();
  if (scan.is("signed", "unsigned")) name = scan.next().text;
  for (const base of Object.keys(SIZES)) {
    if (!scan.is(base)) continue;
    scan.next();
    if (base === "long" && scan.take("long")) return typeOf(name, "long");
    if (base === "long" || base === "short") scan.take("int");
    return typeOf(name, base);
  }
  return name ? typeOf(name, "int") : undefined;
}

function typeOf(sign: string, base: string): CType {
  const signed = sign !== "unsigned" && !base.startsWith("u");
  const name = sign ? `${sign} ${base}` : base;
  return { name, size: SIZES[base], signed, pointer: false };
}
