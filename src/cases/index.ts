// All cases, by their ids.
import { InputError } from "../machine/preset.ts";
import { case000 } from "./000.ts";
import { case001 } from "./001.ts";
import { case002 } from "./002.ts";
import { case003 } from "./003.ts";
import { case004 } from "./004.ts";
import type { Case, Row } from "./case.ts";
import { caseModern } from "./modern.ts";

export const CASES: Case[] = [case000, case001, case002, case003, case004, caseModern];

export function findCase(id: string): Case {
  const found = CASES.find((candidate) => candidate.id === id);
  if (found) return found;
  const known = CASES.map((one) => one.id);
  // 1 and m are 001 and M; but 005 is no misspelt 000.
  const number = id.replace(/^\d+$/, (digits) => digits.padStart(3, "0")).toUpperCase();
  const meant = known.includes(number) ? `; did you mean ${number}?` : "";
  throw new InputError(`case ${id}: known cases are ${known.join(", ")}${meant}`);
}

/** Rows whose ids match a pattern in which * stands for anything, of one case or of all. */
export function findRows(pattern: string, id?: string): Array<{ definition: Case; row: Row }> {
  const cases = id === undefined ? CASES : [findCase(id)];
  const all = cases.flatMap((definition) => definition.rows.map((row) => ({ definition, row })));
  const words = pattern.split("*").map((word) => word.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const expression = new RegExp(`^${words.join(".*")}$`);
  const found = all.filter(({ row }) => expression.test(row.id));
  if (found.length > 0) return found;
  const known = all.map(({ row }) => row.id).join(", ");
  throw new InputError(`rows ${pattern}: there are ${known}`);
}
