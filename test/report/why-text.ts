// For tests of why: what its sentences say happened, held against another trace of the same run.
import { expect } from "vitest";
import {
  TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_REQUEST,
  type TraceEvent,
} from "../../src/core/trace.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { accessesOf } from "../../src/report/why/story.ts";
import type { Explanation } from "../../src/report/why/explanation.ts";
import { why, WHY_OPTIONS } from "../../src/report/why/why.ts";

const KINDS = [
  TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOST, TRACE_GRANT, TRACE_LOCKED, TRACE_REQUEST,
].reduce((bits, kind) => bits | (1 << kind), 0);

export async function explain(options: CreateOptions) {
  const machine = await Machine.create({ ...options, ...WHY_OPTIONS });
  const { result, found } = await why(machine);
  machine.close();
  return { result, found };
}

/** Around the crossing, recorded by the machine's own trace and read by another reader. */
async function traceAround(options: CreateOptions, { crossing }: Explanation) {
  const times = accessesOf(crossing!).flatMap((access) =>
    "visible" in access ? [access.time, access.visible ?? access.time] : [access.time]);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const machine = await Machine.create({
    ...options, workers: 1, traceEvents: 1 << 18,
    traceKinds: KINDS | WHY_OPTIONS.traceKinds,
    traceFrom: BigInt(first - 3000), traceTo: BigInt(last + 1),
  });
  await machine.runTo(BigInt(last + 100));
  const events = machine.view.trace();
  machine.close();
  return events;
}

interface Claim {
  text: string;
  cpu: number;
  time: bigint;
  kinds: number[];
}

/** What the sentences say happened, by the forms that they have. */
function claimsOf(text: string): Claim[] {
  const whole = text.replace(/\s+/g, " ");
  const forms: [RegExp, number[]][] = [
    [/cpu(\d+) stored [^;]*? at (\d+) \(/g, [TRACE_ISSUE]],
    [/cpu(\d+) loaded [^;]*? at (\d+) \(/g, [TRACE_LOAD]],
    [/cpu(\d+) changed [^;]*? at (\d+) \(/g, [TRACE_LOCKED]],
    [/what cpu(\d+) stores there became visible at (\d+)/g, [TRACE_COMMIT, TRACE_LOCKED]],
    [/cpu(\d+) stored [^;]*; it (?:sat|was) in the store buffer until (\d+)/g, [TRACE_COMMIT]],
    [/cpu(\d+) had it until (\d+)/g, [TRACE_LOST]],
  ];
  return forms.flatMap(([form, kinds]) => [...whole.matchAll(form)].map((found) => ({
    text: found[0], cpu: Number(found[1]), time: BigInt(found[2]), kinds,
  })));
}

/** Those that the trace does not bear out. */
function untrue(claims: readonly Claim[], events: readonly TraceEvent[]): string[] {
  return claims.filter(({ cpu, time, kinds }) => !events.some((event) =>
    event.cpu === cpu && event.time === time && kinds.includes(event.kind)))
    .map(({ text }) => text);
}

/** Any other number of so many digits is the time of some record. */
function unknownTimes(text: string, events: readonly TraceEvent[]): string[] {
  const digits = `${events[0].time}`.length;
  const times = new Set(events.map(({ time }) => `${time}`));
  return [...text.matchAll(/\b\d+\b/g)].map(([number]) => number)
    .filter((number) => number.length >= digits && !times.has(number));
}

/** The text agrees with the trace, and a text with any of its times moved does not. */
export async function checkText(options: CreateOptions, found: Explanation) {
  const text = found.paragraphs.join("\n");
  const events = await traceAround(options, found);
  const claims = claimsOf(text);
  expect(claims.length).toBeGreaterThan(5);
  expect(untrue(claims, events)).toEqual([]);
  expect(unknownTimes(text, events)).toEqual([]);
  for (const { time } of claims) {
    const moved = claimsOf(text.replaceAll(`${time}`, `${time + 1_000_000n}`));
    expect(untrue(moved, events), `${time}`).not.toEqual([]);
  }
  return events;
}
