// What the page is asked to show, as it stands in the address: only known names, numbers within
// limits, and the plain text of a litmus test are taken from there, everything else is left at its
// default. The names of a case's workloads are looked up when it runs.
import sb from "../../../workloads/litmus/SB.litmus?raw";
import { CASES, findCase } from "../../cases/index.ts";
import { fencesOf, gapsIn, wordsOf } from "./fences.ts";

/** All that there are. */
export const MACHINES = Object.values(import.meta.glob<string>(
  "../../machine/presets/*.json", { eager: true, import: "name" })).sort();
export const VARIANTS = ["bug", "fixed"] as const;
export const MODELS = ["tso", "sc", "tso-adv"] as const;
/** Of case 001, on the two machines. */
export const WORKLOADS = workloadsOf("001");
export const CASE_IDS = CASES.map(({ id }) => id);
/** The machine that shows the case, its own workload, its own number of rounds. */
export const OWN = "its own";

export interface Asked {
  left: string;
  right: string;
  variant: string;
  workload: string;
  memory: (typeof MODELS)[number];
  seeds: number;
  rounds: number;
  /** Text of a litmus test, in place of the first example; shown, parsed, never run as script. */
  litmus: string;
  litmusMachine: string;
  litmusRuns: (typeof LITMUS_RUNS)[number];
  /** `P0.1=mfence,P1.1=mfence`: gaps of the test, in their order. */
  litmusFences: string;
  case: string;
  caseVariant: string;
  caseWorkload: string;
  caseMachine: string;
  caseMemory: (typeof MODELS)[number];
  caseSeed: number;
  caseSeeds: number;
  /** 0: the case's own. */
  caseRounds: number;
  /** Of the guided tour, from 1 on; 0: it has not begun. */
  stop: number;
  /** What is looked at: which pair of CPUs, with which seed, at which cycle; 0: nothing is. */
  leftPair: number;
  leftSeed: number;
  leftCycle: number;
  rightPair: number;
  rightSeed: number;
  rightCycle: number;
  /** Of the case, from 1 on: which of its runs is looked at; 0: none is. */
  caseLook: number;
  caseCycle: number;
}

/** A link is no place for more. */
export const LITMUS_CHARACTERS_MAX = 4000;
/** Every gap of such a test has room in it. */
const FENCES_CHARACTERS_MAX = 4000;
export const LITMUS_RUNS = [1000, 10_000, 100_000] as const;
/** The first example. */
export const SB: string = sb;

export const DEFAULTS: Asked = {
  left: "clovertown", right: "conroe", variant: "bug", workload: "W001i", memory: "tso",
  seeds: 3, rounds: 3000, litmus: "",
  litmusMachine: "clovertown", litmusRuns: 10_000, litmusFences: "",
  // Of the others some take minutes a run.
  case: "002", caseVariant: "bug", caseWorkload: OWN, caseMachine: OWN,
  caseMemory: "tso", caseSeed: 1, caseSeeds: 10, caseRounds: 0,
  stop: 0, leftPair: 0, leftSeed: 1, leftCycle: 0, rightPair: 0, rightSeed: 1, rightCycle: 0,
  caseLook: 0, caseCycle: 0,
};
const PAIR = [0, 999] as const;
const CYCLE = [0, 999_999_999_999] as const;
export const LIMITS = {
  seeds: [1, 50], rounds: [100, 20_000], caseSeed: [1, 999_999], caseSeeds: [1, 50],
  caseRounds: [0, 100_000], stop: [0, 8], leftPair: PAIR, leftSeed: [1, 50], leftCycle: CYCLE,
  rightPair: PAIR, rightSeed: [1, 50], rightCycle: CYCLE, caseLook: [0, 50], caseCycle: CYCLE,
} as const;

export function workloadsOf(id: string): string[] {
  return Object.keys(findCase(id).workloads);
}

function oneOf<T extends string>(known: readonly T[], text: string | null, otherwise: T): T {
  return known.find((name) => name === text) ?? otherwise;
}

function within([low, high]: readonly [number, number], text: string | null, otherwise: number) {
  const value = /^\d{1,12}$/.test(text ?? "") ? Number(text) : otherwise;
  return Math.min(high, Math.max(low, value));
}

/** Printable characters, line ends and tabs; all others could only be meant to deceive. */
function plain(text: string | null, charactersMax: number): string {
  const printable = text !== null && /^[\t\n\r\x20-\x7e]*$/.test(text);
  return printable ? text.slice(0, charactersMax) : "";
}

/** `#left=conroe&seeds=5`; a hash that is none of ours gives the defaults. */
export function askedOf(hash: string): Asked {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const name = <T extends string>(key: keyof Asked, known: readonly T[]) =>
    oneOf(known, words.get(key), DEFAULTS[key] as T);
  const count = (key: keyof typeof LIMITS) => within(LIMITS[key], words.get(key), DEFAULTS[key]);
  const id = name("case", CASE_IDS);
  const litmus = plain(words.get("litmus"), LITMUS_CHARACTERS_MAX);
  const fences = plain(words.get("litmusFences"), FENCES_CHARACTERS_MAX);
  return {
    left: name("left", MACHINES),
    right: name("right", MACHINES),
    variant: name("variant", VARIANTS),
    workload: name("workload", WORKLOADS),
    memory: name("memory", MODELS),
    seeds: count("seeds"),
    rounds: count("rounds"),
    litmus,
    litmusMachine: name("litmusMachine", MACHINES),
    litmusRuns: LITMUS_RUNS.find((runs) => String(runs) === words.get("litmusRuns")) ??
      DEFAULTS.litmusRuns,
    litmusFences: fences && wordsOf(fencesOf(gapsIn(litmus || SB), fences)),
    case: id,
    caseVariant: name("caseVariant", VARIANTS),
    caseWorkload: name("caseWorkload", [OWN, ...workloadsOf(id)]),
    caseMachine: name("caseMachine", [OWN, ...MACHINES]),
    caseMemory: name("caseMemory", MODELS),
    caseSeed: count("caseSeed"),
    caseSeeds: count("caseSeeds"),
    caseRounds: count("caseRounds"),
    stop: count("stop"),
    leftPair: count("leftPair"),
    leftSeed: count("leftSeed"),
    leftCycle: count("leftCycle"),
    rightPair: count("rightPair"),
    rightSeed: count("rightSeed"),
    rightCycle: count("rightCycle"),
    caseLook: count("caseLook"),
    caseCycle: count("caseCycle"),
  };
}

/** What askedOf() did not take as it stands there: fields, and how many names are none of ours. */
export function ignoredOf(hash: string): { keys: (keyof Asked)[]; unknown: number } {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const asked = askedOf(hash);
  const isTaken = (key: keyof Asked, text: string) => {
    const value = asked[key];
    if (typeof value === "number") return Number(text) === value;
    // In any order.
    if (key === "litmusFences") return sorted(text) === sorted(value);
    return text === value;
  };
  const keys = (Object.keys(DEFAULTS) as (keyof Asked)[])
    .filter((key) => words.has(key) && !isTaken(key, words.get(key)!));
  const others = [...words.keys()].filter((key) => !Object.hasOwn(DEFAULTS, key));
  return { keys, unknown: new Set(others).size };
}

const sorted = (words: string) => words.split(",").sort().join();

/** Only what differs from the defaults. */
export function hashOf(asked: Asked): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) {
    if (value !== DEFAULTS[key as keyof Asked]) words.set(key, String(value));
  }
  return words.size ? `#${words}` : "";
}
