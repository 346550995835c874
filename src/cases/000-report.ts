// Report R000 (case 000): the request whose result was read after it was free; who read it, who had
// taken it, and the fields of both results.
import { fieldsOf, type Finder, type ReportPlan } from "./report-plan.ts";

/** What the result is made of, and what tells one request from the next in the same place. */
const RESULT = [
  ...fieldsOf("$req", `b_flags=aio_req_buf.b_flags b_error=aio_req_buf.b_error
    b_resid=aio_req_buf.b_resid iov_len=aio_req_iov.iov_len`),
  { name: "generation", value: "$generation", radix: 10 as const },
  ...fieldsOf("$req", "aio_req_resultp aio_req_fd aio_req_flags aio_req_portkev"),
];

/** workloads/kernel/aio/illumos/illumos.h */
const B_ERROR = 4n;

/** In the program's memory: where aio_req_resultp led to, as the result comes first in it. */
const AIOCB = [
  { name: "aiocb", value: "&$aiocb", radix: 16 as const },
  ...fieldsOf("$aiocb", `aio_return=result.aio_return aio_errno=result.aio_errno
    nbytes thread disk`, 10),
];

/** The same then and, where the trace does not show when that was, at the end. */
const context = (when?: string): Finder[] => [
  { as: "process", slab: "process", where: [], when },
  { as: "aio", at: "$process->aio", when },
  {
    as: "generation", at: "$aio->generation[($req - $aio->reqs) / sizeof(aio_req)]", when,
  },
];

export const R000: ReportPlan = {
  id: "R000",
  title: "a result was read from a request that was free, and taken by somebody else",
  find: [
    { as: "req", failed: "aio_req" },
    ...context("called"), ...context("freed"), ...context(),
    { as: "aiocb", at: "$req->aio_req_resultp", type: "aiocb", when: "called" },
    { as: "reader", runs: "read" },
    { as: "taker", runs: "taken" },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    { title: "whose result is wrong", facts: true },
    {
      title: "the four fields as its reader loaded them (1.7)", when: "flagged",
      loads: [
        ...fieldsOf("$req", "b_flags=$req->aio_req_buf.b_flags"),
        ...fieldsOf("$req", "b_error=$req->aio_req_buf.b_error", 10).map((field) => ({
          ...field, unless: {
            field: "b_flags", bits: B_ERROR, why: `b_flags as loaded has no error bit (${B_ERROR})`,
          },
        })),
        ...fieldsOf("$req", "iov_len=$req->aio_req_iov.iov_len b_resid=$req->aio_req_buf.b_resid",
          10),
      ],
      // An interrupt between two of the loads takes longer.
      until: ["read", 20_000],
    },
    {
      title: "the way of the request",
      steps: {
        about: ["$req", "$aio->aio_free"], moments: ["first", "last"],
        words: {
          "1_5": "put on the free list", "1_7f": "reads b_flags", "1_7l": "reads the result",
          "2_4a": "taken", "2_4b": "zeroed", "2_5": "gets the length of the new request",
        },
        claims: [
          ["wiped", "freed"], ["freed", "taken"], ["taken", "zeroed"], ["zeroed", "read"],
          ["taken", "given"], ["given", "read"], ["freed", "read"], ["read", "refilled"],
        ],
      },
    },
    { title: "the request when its callback began (1.3)", when: "called", fields: RESULT },
    { title: "the request before it was free (1.5)", when: "freed", fields: RESULT },
    { title: "who took it", when: "taken", commands: ["bt -l $taker"] },
    { title: "who read its result all the same", when: "read", commands: ["bt -l $reader"] },
    { title: "store buffers then", when: "read", commands: ["sb"] },
    { title: "the request just before that (1.7)", when: "read", fields: RESULT },
    {
      title: "its context then", when: "read",
      fields: [
        ...fieldsOf("$aio", "aio_pending aio_outstanding aio_free_count", 10),
        ...fieldsOf("$aio", "aio_free aio_mutex.owner"),
        { name: "waiters", value: "$aio->aio_mutex.owner & 1", names: ["none", "blocked"] },
      ],
    },
    { title: "the request at the end", fields: RESULT },
    {
      title: "its context at the end",
      fields: fieldsOf("$aio", "aio_pending aio_outstanding aio_free_count", 10),
    },
    { title: "the aiocb of the program at the end", fields: AIOCB },
  ],
};
