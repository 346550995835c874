// What a trace is made of: records, and their kinds. Apart from view.ts, whose types are the
// package's: those of the core's constants are the AssemblyScript compiler's.
export {
  TRACE_ADDRESS, TRACE_AGAIN, TRACE_BUS, TRACE_COMMIT, TRACE_DATA, TRACE_GRANT, TRACE_HANDOVER,
  TRACE_ISSUE, TRACE_LINE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_POINT, TRACE_REQUEST,
} from "../../assembly/trace-kinds.ts";
export type { TraceEvent } from "./view.ts";
