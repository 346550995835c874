// What a transaction did on the buses, for the trace: read from what homeTransact() left behind, by
// the one worker that runs its cluster.
import { TRACE_ADDRESS, TRACE_BUS, TRACE_DATA } from "../trace-kinds";
import {
  addressBuses, addressFree, busOf, busTime, dataBuses, grantSource, grantTime,
} from "./home";
import { Message } from "./message";
import { busData } from "./params";
import { MSG_PUT } from "./protocol";
import { trace } from "./trace";

/** The transaction of `m`, just decided. */
export function traceTransaction(m: Message): void {
  const phys = <u64>m.line << 6;
  const own = busOf(m.destination);
  if (m.kind != MSG_PUT) {
    const served = grantSource | (own << 8);
    trace(busTime, m.source, TRACE_BUS, m.kind, served, phys, grantTime, busTime - m.time);
  }
  for (let left = addressBuses; left; left &= left - 1) {
    const bus = <u32>ctz(left);
    const cycles = load<u64>(addressFree(bus)) - busTime;
    trace(busTime, m.source, TRACE_ADDRESS, <u32>(bus != own), bus, phys, 0, cycles);
  }
  for (let left = dataBuses; left; left &= left - 1) {
    const bus = <u32>ctz(left);
    // Phases of one bus follow one another: the latest is that of this transaction.
    const begin = load<u64>(addressFree(bus), 8) - busData;
    trace(begin, m.source, TRACE_DATA, m.kind, bus, phys, 0, busData);
  }
}
