// The fences of the playground's test, as a link says them: `P0.1=mfence,P1.1=lfence`. Only gaps
// that the test has and kinds that may stand in them are taken from there.
import { type Gap, gapsOf } from "../../litmus/gaps.ts";
import { parseText } from "../../litmus/parse.ts";
import { LitmusError } from "../../litmus/test.ts";
import type { Kind } from "../../machine/sites.ts";

export type Fences = ReadonlyMap<string, Kind>;

/** Where fences may go; none in a text that is no test. */
export function gapsIn(text: string): Gap[] {
  try {
    return gapsOf(parseText("test", text));
  } catch (error) {
    if (error instanceof LitmusError) return [];
    throw error;
  }
}

/** All else in `words` is dropped. */
export function fencesOf(gaps: readonly Gap[], words: string): Fences {
  const said = words.split(",");
  return new Map(gaps.flatMap(({ name, kinds }): [string, Kind][] => {
    const kind = kinds.find((one) => one !== "none" && said.includes(`${name}=${one}`));
    return kind ? [[name, kind]] : [];
  }));
}

/** In the order of the map; nothing of gaps without a fence. */
export function wordsOf(fences: Fences): string {
  return [...fences].filter(([, kind]) => kind !== "none")
    .map(([name, kind]) => `${name}=${kind}`).join(",");
}
