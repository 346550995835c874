// Case 002 in the trace: what became of each write that had a bio with an error.
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD } from "../core/trace.ts";
import { access, type DioRequest, signed } from "./dio-trace.ts";

/**
 * lost: the completion took it for the submitter's, who had returned: no event. early: S6 returned
 * the error, and nobody freed the request. short: D1 came before S3, so the count seemed five bytes
 * short, and the submitter wrote those through the page cache. overwritten: D1 fell inside S3.
 * twice: both reported it. partial: less than the size was under way, so S6 returned that count,
 * and its error is nobody's. reported: as it should be.
 */
export type Outcome =
  "lost" | "early" | "short" | "overwritten" | "twice" | "partial" | "reported";

export const OUTCOMES: Record<Outcome, string> = {
  lost: "failed writes without an event",
  early: "errors from the submit path, the request leaked",
  short: "failed writes reported as full after five bytes through the page cache",
  overwritten: "failed writes reported as full, the error overwritten",
  twice: "errors reported twice",
  partial: "failed parts of writes reported as done",
  reported: "errors reported",
};

/** What the writer of a partial one is told: the page cache has done the rest, or it has not. */
export const ALL_OF_IT = "of these, reported as the whole write";
export const PART_OF_IT = "of these, reported as that part";

const EIO = -5n;
const SECTOR = 512n;

/** Of a request in which a bio failed; undefined for the others. */
export function outcomeOf(request: DioRequest): Outcome | undefined {
  if (!access(request, "D1")) return undefined;
  const returned = access(request, "S6");
  const { bytes } = request;
  const whole = returned && signed(returned) % SECTOR === 0n && signed(returned) > 0n;
  if (whole && bytes !== undefined && signed(returned) < bytes) return "partial";
  const result = access(request, "f1");
  // Machines with a separate error look at it; so does whoever waits for a synchronous request.
  if (access(request, "f2") || !returned) return "reported";
  if (signed(returned) === EIO) return request.freed ? "twice" : "early";
  if (signed(returned) % SECTOR !== 0n) return "short";
  if (!request.freed) return "lost";
  return result && signed(result) > 0n ? "overwritten" : "reported";
}

/** Did the error become visible while the sum was in the store buffer, rather than before it? */
export function overwrittenInBuffer(request: DioRequest): boolean {
  const visible = access(request, "D1", TRACE_COMMIT);
  const sum = access(request, "S3", TRACE_ISSUE);
  return visible !== undefined && sum !== undefined && visible.time > sum.time;
}

/**
 * Did an error come while its submitter was still on its way, from S3 to S6? Only then is there a
 * race; else the order is always the same.
 */
export function near(request: DioRequest): boolean {
  const failed = access(request, "D1", TRACE_COMMIT) ?? access(request, "D1");
  const end = access(request, "S6", TRACE_LOAD);
  return failed !== undefined && end !== undefined && failed.time <= end.time;
}
