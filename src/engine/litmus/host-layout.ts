// Where everything lies in the memory that the host engine's threads share, and the words by which
// they talk. Each thread's results are on lines of its own.
import type { Program } from "../program.ts";
import { areaOf, observedOf } from "./wat.ts";

const LINE = 64;
const WORD = 8;
const PAGE = 65536;
const AREA_MAX = 1 << 16;

/** Words of 32 bits at the start. */
export const ROUND = 0;
export const ARRIVED = 1;
export const STOP = 2;
export const FAILED = 3;

export interface HostLayout {
  /** Instances of the test in a round. */
  instances: number;
  /** Bytes from one to the next: the variables, and a line or more that nobody uses. */
  stride: number;
  counters: number;
  /** By thread. */
  orders: number[];
  results: number[];
  resultBytes: number[];
  base: number;
  pages: number;
}

/** Undefined if the variables are too far apart. */
export function layoutOf(program: Program, instances: number): HostLayout | undefined {
  const area = Number(areaOf(program).bytes);
  if (area > AREA_MAX) return undefined;
  const stride = area + LINE;
  let at = LINE;
  const take = (bytes: number) => {
    const start = at;
    at += Math.ceil(bytes / LINE) * LINE;
    return start;
  };
  const counters = take(instances * 4);
  const orders = program.threads.map(() => take(instances * 4));
  const resultBytes = program.threads.map((_, t) =>
    Math.max(1, observedOf(program, t).length) * WORD);
  const results = resultBytes.map((bytes) => take(instances * bytes));
  const base = take(instances * stride);
  return {
    instances, stride, counters, orders, results, resultBytes, base, pages: Math.ceil(at / PAGE),
  };
}
