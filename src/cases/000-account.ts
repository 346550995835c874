// Case 000: why a result was wrong, told by the trace. A request is put on the free list, somebody
// takes and zeroes it, and its old owner, held up meanwhile, reads the result from it. A step that
// the trace does not show is left out.
import type { TraceEvent } from "../core/view.ts";
import { POINT, type Story } from "./000-trace.ts";

/** Cycles from 1.5 to 1.7 of the buggy callback, if nothing holds it up. */
const USUAL_CYCLES = 43;

const POINTS: Record<number, string> = {
  [POINT.SLOW]: "1.6   mutex_exit: somebody is blocked, and has to be woken",
  [POINT.PINNED]: "      an interrupt thread takes the CPU",
};

export function accountOf(story: Story | undefined, variant: string): string {
  if (!story?.freed) return "Not recorded: the way of that request.";
  const { freed } = story;
  const rows = rowsOf(story).map(({ event, text }) => {
    const since = event.time - freed.time;
    const time = `${since < 0n ? "" : "+"}${since}`.padStart(8);
    return `${time}  ${`cpu${event.cpu}`.padEnd(5)}  ${text}`;
  });
  return [
    `The request, in cycles from the moment it was free; cpu${freed.cpu} reaps:`,
    ...rows, ...reasonOf(story, freed, variant),
  ].join("\n");
}

function reasonOf({ wiped, read, meanwhile }: Story, freed: TraceEvent, variant: string): string[] {
  if (wiped) {
    return [
      "The callback itself zeroes the request, and reads the result afterwards: it is 0",
      "each time, and nobody has to take the request for that.",
    ];
  }
  const cycles = read.time - freed.time;
  const words = [`The result was read ${cycles} cycles after the request was free`];
  if (variant === "bug") words.push(`where ${USUAL_CYCLES} are usual`);
  if (meanwhile.some(({ label }) => label === POINT.PINNED)) {
    words.push("as an interrupt took its CPU");
  } else if (meanwhile.length > 0) words.push("as the release of the mutex had threads to wake");
  return [
    `${words.join(",\n")}.`,
    "Before the request is free, under aio_mutex, nobody could have taken it.",
  ];
}

const LATER = "not recorded: the trace begins later";

/** What the result was made of, and what held its reader up; `like`: results that are wrong so. */
export function factsOf(story: Story | undefined, like: number): Record<string, string> {
  if (!story) return { reqp: "not recorded: the trace does not go back to that result" };
  const { flags, called, freed, wiped, meanwhile } = story;
  const held = meanwhile.map(({ label, time }) =>
    `${label === POINT.PINNED ? "an interrupt" : "somebody to wake"} at ${time}`);
  const when = (event?: TraceEvent) => event ? `by cpu${event.cpu} at ${event.time}` : LATER;
  return {
    // Only the program knows which of them it has seen first.
    ...(like > 1 ? { "such results in the trace": `${like}; below is the last` } : {}),
    reqp: freed ? `0x${freed.value.toString(16)}` : LATER,
    "its callback began (1.3)": when(called),
    ...(wiped ? { "zeroed by its own callback": when(wiped) } : {}),
    "put on the free list": when(freed),
    "on that CPU in between": held.join(", ") || "nothing",
    ...(flags ? {} : { "the fields as loaded (1.7)": LATER }),
  };
}

function rowsOf(story: Story): Array<{ event: TraceEvent; text: string }> {
  const { freed, wiped, taken, zeroed, refilled, read, meanwhile } = story;
  const rows = [
    { event: wiped, text: "      zeroes it, with its length" },
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
