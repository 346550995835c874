// Option values: parsing, and errors that name the option.
import { InvalidArgumentError, Option } from "commander";

const U64_LIMIT = 1n << 64n;

export function parseU64(text: string): bigint {
  if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(text)) throw new InvalidArgumentError("not a number.");
  const value = BigInt(text);
  if (value >= U64_LIMIT) throw new InvalidArgumentError("larger than 64 bits.");
  return value;
}

/** A number of 64 bits. The default in words, too: help prints defaults as JSON, without bigint. */
export function u64Option(flags: string, description: string, value: bigint): Option {
  return new Option(flags, description).argParser(parseU64).default(value, String(value));
}

/** A whole number from `min` to `max`. */
export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export function parseWorkers(text: string): number | "auto" {
  return text === "auto" ? "auto" : parseCount(1, 8)(text);
}

export function parseChoice<T extends string>(...choices: T[]): (text: string) => T {
  return (text) => {
    if (!choices.includes(text as T)) {
      throw new InvalidArgumentError(`must be one of ${choices.join(", ")}.`);
    }
    return text as T;
  };
}

/** "field=value", repeatable: numbers of the machine to replace. */
export function parseSet(text: string, before?: Map<string, number>): Map<string, number> {
  const match = /^([\w.]+)=([0-9]+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("must look like core.retireDelay=4.");
  return new Map(before).set(match[1], Number(match[2]));
}

/** "0,1" */
export function parsePair(text: string): [number, number] {
  const match = /^([0-9]+),([0-9]+)$/.exec(text);
  if (!match || match[1] === match[2]) {
    throw new InvalidArgumentError("must be two different CPUs, such as 0,1.");
  }
  return [Number(match[1]), Number(match[2])];
}

/** A command line that a shell reads back as these words. */
export function shellLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** "a,b" */
export function parseList(text: string): string[] {
  const items = text.split(",").filter((item) => item !== "");
  if (items.length === 0) throw new InvalidArgumentError("must be a list such as a,b.");
  return items;
}

/** "0,2,4" */
export function parseCpus(text: string): number[] {
  if (!/^[0-9]+(,[0-9]+)*$/.test(text)) {
    throw new InvalidArgumentError("must be a list of CPUs such as 0,2.");
  }
  return text.split(",").map(Number);
}

/** "0,1" or "all" */
export function parsePairs(text: string): [number, number] | "all" {
  return text === "all" ? "all" : parsePair(text);
}
