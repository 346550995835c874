// The records of a trace in words: what happened around a cycle; which of them are marks.
import { HUB_SOURCE } from "../../../assembly/abi.ts";
import { STATES } from "../../core/inspect.ts";
import type { Records } from "../../core/records.ts";
import {
  TRACE_BUS, TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED,
  TRACE_LOST, TRACE_POINT, TRACE_REQUEST,
} from "../../core/trace.ts";

/** Names of physical addresses, and of the labels of accesses. */
export interface Naming {
  data(phys: number): string;
  label(id: number): string;
}

export interface Moment {
  cycle: number;
  who: string;
  /** The label of a step, such as A3; or empty. */
  letter: string;
  text: string;
  /** Not yet, at the cycle that is shown. */
  ahead: boolean;
}

const POINTS = [
  "", "finds nothing and is about to sleep", "wakes a task", "begins a round",
  "acknowledges a round", "gives up", "calls io_getevents", "has to wake somebody",
  "takes the CPU from a task",
];
const REQUESTS = ["", "for a copy of", "to own", "to own"];
const SHOWN_BEFORE = 7;
const SHOWN_AFTER = 4;

/** Cycles of labelled accesses and of points. */
export function marksOf(records: Records): Float64Array {
  return records.time.filter((_, i) => isMark(records, i));
}

export function isMark(records: Records, i: number): boolean {
  const kind = records.kind[i];
  if (kind === TRACE_POINT) return true;
  const access = kind === TRACE_ISSUE || kind === TRACE_LOAD || kind === TRACE_LOCKED;
  return access && records.label[i] !== 0;
}

export function momentsOf(records: Records, cycle: number, names: Naming): Moment[] {
  const middle = records.from(cycle);
  const found: Moment[] = [];
  for (let i = middle - 1; i >= 0 && found.length < SHOWN_BEFORE; i--) {
    const moment = momentOf(records, i, names, false);
    if (moment) found.unshift(moment);
  }
  const before = found.length;
  for (let i = middle; i < records.count && found.length < before + SHOWN_AFTER; i++) {
    const moment = momentOf(records, i, names, true);
    if (moment) found.push(moment);
  }
  return found;
}

/** Undefined for what the buses and caches show already. */
function momentOf(
  records: Records, i: number, names: Naming, ahead: boolean,
): Moment | undefined {
  const text = textOf(records, i, names);
  if (!text) return undefined;
  const cpu = records.cpu[i];
  return {
    cycle: records.time[i],
    who: cpu >= HUB_SOURCE ? "chipset" : `cpu ${cpu}`,
    letter: records.kind[i] === TRACE_POINT ? "" : names.label(records.label[i]),
    text,
    ahead,
  };
}

function textOf(records: Records, i: number, names: Naming): string {
  const [kind, label, value] = [records.kind[i], records.label[i], records.value[i]];
  const what = kind === TRACE_POINT ? "" : names.data(records.phys[i]);
  const line = `the line of ${what}`;
  switch (kind) {
    case TRACE_POINT: return POINTS[label] ?? `passes point ${label}`;
    case TRACE_ISSUE: return `stores ${what} = ${number(value)} into its store buffer`;
    case TRACE_COMMIT: return `${what} is visible, after ${records.extra[i]} cycles`;
    case TRACE_LOAD: return `loads ${what} = ${number(value)}`;
    case TRACE_LOCKED: return `locked access to ${what}`;
    case TRACE_LOST: return value === 0n ? `loses its copy of ${line}` : `now shares ${line}`;
    case TRACE_REQUEST: return `asks ${REQUESTS[Number(value)] ?? "for"} ${line}`;
    case TRACE_GRANT: return `has ${line} in state ${STATES[Number(value)]}`;
    default: return "";
  }
}

function number(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  if (signed < 0n && signed > -4096n) return `${signed}`; // an errno
  return value < 65536n ? `${value}` : `0x${value.toString(16)}`;
}

/** A transaction that is on its bus at `cycle`. */
export interface OnBus {
  bus: number;
  who: string;
  what: string;
  since: number;
  until: number;
}

/** Longer than any transaction takes. */
const TRANSACTION_CYCLES_MAX = 4000;
const MESSAGES = ["", "GETS", "GETX", "PUT"];

export function busesAt(records: Records, cycle: number, names: Naming): OnBus[] {
  const found: OnBus[] = [];
  for (let i = records.from(cycle - TRANSACTION_CYCLES_MAX); i < records.from(cycle); i++) {
    const until = Number(records.value[i]);
    if (records.kind[i] !== TRACE_BUS || until < cycle) continue;
    const cpu = records.cpu[i];
    const who = cpu >= HUB_SOURCE ? "the I/O hub" : `cpu ${cpu}`;
    const what = `${MESSAGES[records.label[i]]} ${names.data(records.phys[i])}`;
    found.push({ bus: records.size[i] >> 8, who, what, since: records.time[i], until });
  }
  return found;
}

