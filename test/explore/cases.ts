// Small tests whose final states follow from x86-TSO by hand (SDM Vol. 3A 8.2.3, "Examples
// Illustrating the Memory-Ordering Principles"), each with the mistake that it would betray.
import { Explorer } from "../../src/engine/explorer.ts";
import { setupOf } from "../../src/engine/explore.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";

export interface Case {
  name: string;
  /** Initial state and code; the states printed are those of `locations`. */
  source: string;
  locations: string;
  /** State lines, sorted. */
  tso: string[];
  sc?: string[];
  /** Where a load waits for a store that covers it in part. */
  stall?: string[];
}

const pairs = (a: string, b: string, values: string[]) =>
  values.map((text) => `${a}=${text[0]}; ${b}=${text[1]};`);
const r0r1 = (...values: string[]) => pairs("0:rax", "1:rax", values);

function storeBuffering(between: string): string {
  return `{}
 P0 | P1 ;
 movl $1,(x) | movl $1,(y) ;
 ${between} | ${between} ;
 movl (y),%eax | movl (x),%eax ;`;
}

export const CASES: Case[] = [
  {
    name: "SB: a load passes an older store",
    source: storeBuffering("nop"),
    locations: "0:rax; 1:rax;",
    tso: r0r1("00", "01", "10", "11"),
    sc: r0r1("01", "10", "11"),
  },
  {
    name: "SB with MFENCE",
    source: storeBuffering("mfence"),
    locations: "0:rax; 1:rax;",
    tso: r0r1("01", "10", "11"),
  },
  {
    name: "SB with SFENCE, which orders stores only",
    source: storeBuffering("sfence"),
    locations: "0:rax; 1:rax;",
    tso: r0r1("00", "01", "10", "11"),
  },
  {
    name: "SB with LFENCE, which orders loads only",
    source: storeBuffering("lfence"),
    locations: "0:rax; 1:rax;",
    tso: r0r1("00", "01", "10", "11"),
  },
  {
    name: "SB with a locked instruction on another variable",
    source: `{}
 P0 | P1 ;
 movl $1,(x) | movl $1,(y) ;
 lock incl (z) | lock incl (z) ;
 movl (y),%eax | movl (x),%eax ;`,
    locations: "0:rax; 1:rax;",
    tso: r0r1("01", "10", "11"),
  },
  {
    name: "MP: stores become visible in order",
    source: `{}
 P0 | P1 ;
 movl $1,(x) | movl (y),%eax ;
 movl $1,(y) | movl (x),%ebx ;`,
    locations: "1:rax; 1:rbx;",
    tso: pairs("1:rax", "1:rbx", ["00", "01", "11"]),
  },
  {
    name: "a thread sees its own store before the others do",
    source: `{}
 P0 | P1 ;
 movl $1,(x) | movl $1,(y) ;
 movl (x),%ebx | movl (y),%ebx ;
 movl (y),%eax | movl (x),%eax ;`,
    locations: "0:rax; 0:rbx; 1:rax; 1:rbx;",
    tso: ["00", "01", "10", "11"].map((v) => `0:rax=${v[0]}; 0:rbx=1; 1:rax=${v[1]}; 1:rbx=1;`),
  },
  {
    name: "IRIW: all see two stores in one order",
    source: `{}
 P0 | P1 | P2 | P3 ;
 movl $1,(x) | movl $1,(y) | movl (x),%eax | movl (y),%eax ;
 | | movl (y),%ebx | movl (x),%ebx ;`,
    locations: "2:rax; 2:rbx; 3:rax; 3:rbx;",
    tso: Array.from({ length: 16 }, (_, i) => i).filter((i) => i !== 10).map((i) => {
      const [a, b, c, d] = [i >> 3, (i >> 2) & 1, (i >> 1) & 1, i & 1];
      return `2:rax=${a}; 2:rbx=${b}; 3:rax=${c}; 3:rbx=${d};`;
    }),
  },
  {
    name: "two unlocked increments lose one",
    source: "{}\n P0 | P1 ;\n incl (x) | incl (x) ;",
    locations: "x;",
    tso: ["[x]=1;", "[x]=2;"],
  },
  {
    name: "two locked increments do not",
    source: "{}\n P0 | P1 ;\n lock incl (x) | lock incl (x) ;",
    locations: "x;",
    tso: ["[x]=2;"],
  },
  {
    name: "a store of two bytes and a load of four",
    source: `{ int x=0; int y=0; }
 P0 | P1 ;
 movw $1,(x) | movl $131072,(x) ;
 movl (x),%eax | ;`,
    locations: "0:rax; x;",
    // The second: P0 reads its own two bytes early, and the others before P1's store.
    tso: [
      "0:rax=1; [x]=131072;", "0:rax=1; [x]=131073;", "0:rax=131072; [x]=131072;",
      "0:rax=131073; [x]=131073;",
    ],
    stall: [
      "0:rax=1; [x]=131072;", "0:rax=131072; [x]=131072;", "0:rax=131073; [x]=131073;",
    ],
  },
  {
    name: "a loop that another thread ends",
    source: `{}
 P0 | P1 ;
 L0: movl (x),%eax | movl $1,(y) ;
 cmpl $0,%eax | movl $1,(x) ;
 je L0 | ;
 movl (y),%ebx | ;`,
    locations: "0:rax; 0:rbx;",
    tso: ["0:rax=1; 0:rbx=1;"],
  },
];

export interface Result {
  lines: string[];
  complete: boolean;
}

export async function statesOf(
  explorer: Explorer, test: Case, model: "tso" | "sc" | "stall", reduce: boolean,
): Promise<Result> {
  const text = `X86_64 case\n${test.source}\nlocations [${test.locations}]\nexists (x=0)\n`;
  const named = /\(x\)/.test(test.source) ? text : text.replace("(x=0)", "(0:rax=0)");
  const { program, columns } = await assemble(parseText(test.name, named));
  const wanted = test.locations.split(";").map((name) => name.trim()).filter(Boolean)
    .map((name) => (name.includes(":") ? name : `[${name}]`));
  const shown = wanted.map((name) => columns.find((column) => column.name === name)!);
  const found = explorer.explore(setupOf(program), { model, reduce });
  const lines = found.finals.map(({ values }) =>
    shown.map(({ name, index, constant }) => {
      return `${name}=${index === undefined ? constant : values[index]};`;
    }).join(" "));
  const ended = found.finals.every(({ stuck }) => !stuck.length);
  return {
    lines: [...new Set(lines)].sort(),
    complete: !found.bound && !found.endless && ended,
  };
}

/** What differs from the states that each model must have, a line for each. */
export async function faults(file?: string): Promise<string[]> {
  const explorer = await Explorer.open(file);
  const found: string[] = [];
  for (const test of CASES) {
    for (const model of ["tso", "sc", "stall"] as const) {
      const want = (model === "stall" ? test.stall ?? test.tso : test[model])?.toSorted();
      if (!want) continue;
      for (const reduce of [true, false]) {
        const { lines, complete } = await statesOf(explorer, test, model, reduce);
        if (complete && JSON.stringify(lines) === JSON.stringify(want)) continue;
        const how = `${test.name}, ${model}, ${reduce ? "reduced" : "all interleavings"}`;
        found.push(`${how}: ${lines.join(" | ")}${complete ? "" : " (incomplete)"}`);
      }
    }
  }
  return found;
}
