// The README of the cases names every file in its reading order, and none that is not there; its
// table has every field of a case.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { matches, namedIn, unnamed } from "./reading-order.ts";

const folder = join(packageRoot(), "src", "cases");
const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
const readme = readFileSync(join(folder, "README.md"), "utf8");
const named = namedIn(readme, "ts");

it("every file has its place in the reading order", () => {
  expect(unnamed(named, files)).toEqual([]);
  expect(named.filter((name) => !files.some((file) => matches(name, file)))).toEqual([]);
});

it("every field of a case is in the table", () => {
  const source = readFileSync(join(folder, "case.ts"), "utf8");
  const [, body] = /^export interface Case \{$([\s\S]*?)^\}/m.exec(source)!;
  const fields = [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, name]) => name);
  const [, table] = /^\| fields of `Case` .*$([\s\S]*?)^$/m.exec(readme)!;
  const said = [...table.matchAll(/^\| ([^|]*) \|/gm)]
    .flatMap(([, names]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(said.sort()).toEqual(fields.sort());
});
