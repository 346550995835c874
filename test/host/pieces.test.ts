// A trace that is read by pieces is the trace of the whole run, and the run is the same one.
import { afterAll, expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import type { TraceEvent } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { runInPieces } from "../../src/engine/pieces.ts";

const TIMEOUT_MS = 120_000;
const SPEC: CaseSpec = {
  machine: "rhel16", variant: "bug", workload: "W003r", pair: [0, 1], rounds: 100, memory: "tso",
  seed: 1n,
};
const SMALL = 1 << 11;
const PIECE_CYCLES = 200_000;

afterAll(() => Machine.shutdown());

async function piecesOf(traceEvents: number) {
  const machine = await Machine.create({ ...await optionsOf(case003, SPEC), traceEvents });
  try {
    const events: TraceEvent[] = [];
    let pieces = 0;
    const { result, lost } = await runInPieces(machine, {
      take(more) {
        events.push(...more);
        pieces++;
      },
    }, {}, PIECE_CYCLES);
    return { events, pieces, lost, result, left: machine.view.trace().length };
  } finally {
    machine.close();
  }
}

it("in a ring that holds a small part of it", { timeout: TIMEOUT_MS }, async () => {
  const machine = await Machine.create(await optionsOf(case003, SPEC));
  const whole = await machine.run();
  const events = machine.view.trace();
  machine.close();
  const small = await piecesOf(SMALL);
  expect([small.lost, small.left]).toEqual([0, SMALL]);
  expect(small.pieces).toBeGreaterThan(4);
  expect(events.length).toBeGreaterThan(2 * SMALL);
  expect(small.events).toEqual(events);
  expect([small.result.exit, small.result.cycles, small.result.stateHash])
    .toEqual([whole.exit, whole.cycles, whole.stateHash]);
});

it("in one that is too small for a piece says what it lost", { timeout: TIMEOUT_MS }, async () => {
  const tiny = await piecesOf(8);
  expect(tiny.lost).toBeGreaterThan(0);
});
