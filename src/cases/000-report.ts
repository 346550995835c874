// Report R000 (case 000): the request whose result was read after it was free, and the counts of
// its context.
import { fieldsOf, type ReportPlan } from "./report-plan.ts";

export const R000: ReportPlan = {
  id: "R000",
  title: "a result was read from a request that was free, and taken by somebody else",
  find: [
    // A result of 0 bytes is the usual wrong one.
    { as: "req", step: "1_7l", type: "aio_req", member: "aio_req_iov.iov_len", value: 0n },
    { as: "process", slab: "process", where: [] },
    { as: "aio", at: "$process->aio" },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    {
      title: "the way of the request",
      steps: {
        about: ["$req", "$aio->aio_free"], around: { as: "req", cycles: 10_000 },
        words: {
          "1_5": "put on the free list", "1_7f": "reads b_flags", "1_7l": "reads the result",
          "2_4a": "taken", "2_4b": "zeroed", "2_5": "gets the length of the new request",
        },
      },
    },
    {
      title: "the request as it is now",
      fields: fieldsOf("$req", `aio_req_fd aio_req_flags aio_req_resultp aio_req_iov.iov_base
        aio_req_iov.iov_len aio_req_buf.b_flags aio_req_buf.b_error aio_req_buf.b_resid`),
    },
    {
      title: "its context",
      fields: fieldsOf("$aio", `aio_pending aio_outstanding aio_free aio_free_count
        aio_mutex=aio_mutex.owner`),
    },
  ],
};
