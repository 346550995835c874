// Case 000: why a result was wrong, told by the trace. A request is put on the free list, somebody
// takes and zeroes it, and its old owner, held up meanwhile, reads the result from it. A step that
// the trace does not show is left out.
import type { TraceEvent } from "../core/view.ts";
import { LABEL, POINT, type Story } from "./000-trace.ts";

/** Cycles from 1.5 to 1.7 of a callback that nothing holds up. */
const USUAL_CYCLES = 43;

const POINTS: Record<number, string> = {
  [POINT.SLOW]: "1.6   mutex_exit: somebody is blocked, and has to be woken",
  [POINT.PINNED]: "      an interrupt thread takes the CPU",
};

export function accountOf(story: Story | undefined): string {
  if (!story?.freed) return "Not recorded: the way of that request.";
  const { freed, read } = story;
  const rows = rowsOf(story).map(({ event, text }) => {
    const time = `+${event.time - freed.time}`.padStart(8);
    return `${time}  ${`cpu${event.cpu}`.padEnd(5)}  ${text}`;
  });
  const held = story.meanwhile.some((event) => event.label === POINT.PINNED)
    ? "an interrupt took its CPU" : "the release of the mutex had threads to wake";
  return [
    `The request, in cycles from the moment it was free; cpu${freed.cpu} reaps:`,
    ...rows,
    `The result was read ${read.time - freed.time} cycles after the request was free, where ` +
      `${USUAL_CYCLES} are`,
    `usual: ${held}. Before the request is free,`,
    "under aio_mutex, nobody could have taken it.",
  ].join("\n");
}

/** What the result was made of, and what held its reader up. */
export function factsOf(
  events: readonly TraceEvent[], story: Story | undefined,
): Record<string, string> {
  if (!story) return {};
  const { read, freed, meanwhile } = story;
  const flags = events.findLast(({ label, cpu, time }) =>
    label === LABEL["1.7 flags"] && cpu === read.cpu && time <= read.time);
  const held = meanwhile.map(({ label, time }) =>
    `${label === POINT.PINNED ? "an interrupt" : "somebody to wake"} at ${time}`);
  return {
    "b_flags as loaded": flags ? `0x${flags.value.toString(16)} at ${flags.time}` : "not recorded",
    "iov_len as loaded": `${read.value} by cpu${read.cpu} at ${read.time}`,
    "put on the free list": freed ? `by cpu${freed.cpu} at ${freed.time}` : "not recorded",
    "on that CPU in between": held.join(", ") || "nothing",
  };
}

function rowsOf(story: Story): Array<{ event: TraceEvent; text: string }> {
  const { freed, taken, zeroed, refilled, read, meanwhile } = story;
  const rows = [
    { event: freed, text: "1.5   puts the request on the free list" },
    ...meanwhile.map((event) => ({ event, text: POINTS[event.label] })),
    { event: taken, text: "2.4a  takes it for a request of its own" },
    { event: zeroed, text: "2.4b  has zeroed its length" },
    { event: read, text: `1.7   reads iov_len = ${read.value}: the result` },
    { event: refilled, text: "2.5   stores the length of the new request" },
  ];
  return rows
    .filter((row): row is { event: TraceEvent; text: string } => row.event !== undefined)
    .sort((a, b) => Number(a.event.time - b.event.time));
}
