// Reader of .litmus files as herdtools7 writes them: header, initial state, the table of threads,
// locations, filter, condition. What is not read: other architectures, faults, symbolic registers.
import { conditionText, scanCondition, scanProposition } from "./condition.ts";
import { scanInitialState } from "./initial.ts";
import {
  parseAttOperand, parseIntelOperand, type Piece, splitOperands, trimmed,
} from "./operand.ts";
import { Scanner, scanLocation } from "./scan.ts";
import { Source } from "./source.ts";
import type { Arch, LitmusTest, Location, Proposition, Statement, Thread } from "./test.ts";

export const THREADS_MAX = 64;
const AFTER_CODE = /\s*(?:locations|filter|exists|forall|~\s*exists|not\s+exists)\b/y;
const LABEL = /^\s*([A-Za-z_.][\w.$]*)\s*:(?!:)/;
const BRANCH = /^(j[a-z]+|call[q]?|loop[a-z]*)$/;

/** Reads the bytes of `file`; throws a LitmusError. */
export function parseBytes(file: string, bytes: Uint8Array): LitmusTest {
  return parseSource(Source.decode(file, bytes));
}

export function parseText(file: string, text: string): LitmusTest {
  return parseSource(new Source(file, text));
}

function parseSource(source: Source): LitmusTest {
  const header = parseHeader(source);
  const scan = new Scanner(source, header.end, header.arch);
  const initial = scanInitialState(scan);
  const { threads, end } = parseThreads(source, scan.offset, header.arch);
  const rest = parseRest(new Scanner(source, end, header.arch));
  const { arch, name, title, fields } = header;
  return { file: source.file, arch, name, title, fields, initial, threads, ...rest };
}

/** `X86_64 SB`, a title in quotes, lines `key=value`, up to the brace. */
function parseHeader(source: Source) {
  const { text } = source;
  const first = /^\s*(\S+)[ \t]*([^\s{]*)/.exec(text);
  if (!first) throw source.error(0, "the file is empty: a test begins with X86_64 and its name");
  const [whole, arch, name] = first;
  const start = whole.length - whole.trimStart().length;
  if (arch !== "X86_64" && arch !== "X86") {
    throw source.error(start, `a test begins with X86_64 or X86, not ${JSON.stringify(arch)}`);
  }
  if (!name) {
    throw source.error(whole.length, "the test has no name: write it behind the architecture");
  }
  const brace = text.indexOf("{", whole.length);
  if (brace < 0) throw source.error(text.length, 'the initial state is missing: "{ }" at least');
  let title: string | undefined;
  const fields: LitmusTest["fields"] = [];
  for (const line of text.slice(whole.length, brace).split("\n")) {
    const quoted = /^\s*"(.*)"\s*$/.exec(line);
    const field = /^\s*([A-Za-z]\w*)\s*=(.*)$/.exec(line);
    if (quoted) title = quoted[1];
    else if (field) fields.push({ key: field[1], value: field[2].trim() });
  }
  return { arch: arch as Arch, name, title, fields, end: brace + 1 };
}

/** The table of the code: columns are threads; `;` ends a row, except in `lock;`. */
function parseThreads(source: Source, start: number, arch: Arch) {
  const { text } = source;
  const cell = /[|;]/g;
  const threads: Thread[] = [];
  let row = -1;
  let column = 0;
  let from = start;
  let rowStart = true;
  for (;;) {
    AFTER_CODE.lastIndex = from;
    if (rowStart && row >= 0 && AFTER_CODE.test(text)) break;
    if (rowStart) row++;
    cell.lastIndex = from;
    let match = cell.exec(text);
    if (match?.[0] === ";" && /(^|[\s:])lock\s*$/i.test(text.slice(from, match.index))) {
      match = cell.exec(text);
    }
    if (!match) throw missingEnd(source, from, row);
    const piece = trimmed(text.slice(from, match.index), from);
    if (row === 0) threads.push(threadHead(source, piece, column));
    else if (column >= threads.length) {
      const problem = `this row has more columns than the ${threads.length} threads`;
      throw source.error(piece.offset, problem);
    } else if (piece.text) addStatements(threads[column], source, piece, arch);
    from = match.index + 1;
    rowStart = match[0] === ";";
    column = rowStart ? 0 : column + 1;
  }
  return { threads, end: from };
}

function missingEnd(source: Source, from: number, row: number): Error {
  if (row === 0) return source.error(from, "the threads are missing: a line like ` P0 | P1 ;`");
  const { text, offset } = trimmed(source.text.slice(from), from);
  if (text === "") {
    return source.error(offset, "the condition is missing: exists, ~exists or forall");
  }
  return source.error(offset, '";" is missing at the end of this row');
}

function threadHead(source: Source, piece: Piece, column: number): Thread {
  const match = /^P(\d+)\s*(:.*)?$/.exec(piece.text);
  if (!match || Number(match[1]) !== column) {
    throw source.error(piece.offset, `P${column} expected, not ${JSON.stringify(piece.text)}`);
  }
  if (column >= THREADS_MAX) throw source.error(piece.offset, `at most ${THREADS_MAX} threads`);
  return { number: column, statements: [] };
}

function addStatements(
  thread: Thread, source: Source, cell: Piece, arch: Arch,
): void {
  const at = source.at(cell.offset);
  let rest = cell;
  const labels: string[] = [];
  for (let match = LABEL.exec(rest.text); match; match = LABEL.exec(rest.text)) {
    labels.push(match[1]);
    rest = trimmed(rest.text.slice(match[0].length), rest.offset + match[0].length);
  }
  const prefix = /^lock\s*(;|\s)\s*/i.exec(rest.text);
  const lock = prefix !== null;
  const text = rest.text.replace(/\s+/g, " ");
  if (prefix) rest = trimmed(rest.text.slice(prefix[0].length), rest.offset + prefix[0].length);
  const statement: Statement = { labels, lock, operands: [], at, text };
  thread.statements.push(statement);
  if (rest.text === "" && !lock) return;
  const word = /^[A-Za-z]\w*/.exec(rest.text)?.[0];
  if (!word) {
    throw source.error(rest.offset, `an instruction expected, not ${JSON.stringify(rest.text)}`);
  }
  statement.at = source.at(rest.offset);
  statement.mnemonic = word.toLowerCase();
  const branch = BRANCH.test(statement.mnemonic);
  const parseOperand = arch === "X86" ? parseIntelOperand : parseAttOperand;
  const tail = trimmed(rest.text.slice(word.length), rest.offset + word.length);
  statement.operands = splitOperands(tail).map((piece) => parseOperand(source, piece, branch));
  // From here on the destination is first.
  if (arch === "X86_64") statement.operands.reverse();
}

/** `locations [...]`, `filter ...`, and the condition, which is last. */
function parseRest(scan: Scanner) {
  const locations: Location[] = [];
  let filter: Proposition | undefined;
  while (scan.is("locations", "filter")) {
    if (scan.take("filter")) {
      filter = scanProposition(scan);
      continue;
    }
    scan.next();
    scan.expect("[");
    while (!scan.take("]")) {
      locations.push(scanLocation(scan));
      if (!scan.take(";") && !scan.is("]")) throw scan.unexpected('";" or "]"');
    }
  }
  const condition = scanCondition(scan);
  if (!scan.isKind("end")) {
    throw scan.unexpected(`the end of the file behind ${conditionText(condition)}`);
  }
  return { locations, filter, condition };
}
