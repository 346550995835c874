// Report R004 (case 004): what the wake function, or a try, did with which request, its way from K0
// on, who freed it, and request, queue and context as they were then.
import { fieldsOf, type ReportPlan } from "./report-plan.ts";

/** At each moment the same, to be compared. */
const REQUEST = [
  ...fieldsOf("$iocb", "ki_flags ki_users"),
  ...fieldsOf("$iocb", "ki_run_list ki_wait=$iocb->ki_wait.task_list")
    .map((field) => ({ ...field, link: true })),
  ...fieldsOf("$iocb", "ki_ctx ki_cancel ki_retry ki_pos ki_nbytes ki_done"),
];

export const R004: ReportPlan = {
  id: "R004",
  title: "a wake-up and a try of one request get in each other's way",
  find: [
    { as: "iocb", failed: "kiocb" },
    // Of a run that waits for ever: one that nobody tries again.
    { as: "iocb", slab: "kiocb", where: [] },
    { as: "queue", at: "$iocb->ki_wait_queue", when: "taken" },
    { as: "page", at: "$iocb->ki_wait_key", type: "cache_page", when: "taken" },
    { as: "ctx", at: "$iocb->ki_ctx", when: "taken" },
    { as: "ring", at: "$ctx->ring_info.ring", when: "taken" },
    { as: "freer", runs: "freed" },
    { as: "user", runs: "used" },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    { title: "what was done to which request", facts: true },
    {
      title: "its way",
      steps: {
        about: ["$iocb"], moments: ["born", "used"],
        words: {
          K0: "a new request", P0: "a try begins", P3: "does it wait in a queue?",
          P4: "it does not: marks it", P7: "has it been marked?", P: "gives up a reference",
          Q1: "S1, woken: out of its queue", Q3: "S3, marks it", Q4: "S4, is it in a queue?",
          Q6: "may it be put on run_list?", Kf: "about to be freed", A3: "its event is there",
          Kw: "into the queue of a page", Kd: "no need to wait: out of it",
        },
        legend: "Q1, Q3, Q4 and Q6 are the labels here of the wake function's steps S1, S3, S4 " +
          "and S6; Q6 of who has just tried the request is his P8.",
        claims: [["taken", "decided"], ["decided", "tried"], ["tried", "completed"],
          ["completed", "freed"], ["freed", "used"],
          ["taken", "queued"], ["queued", "used"], ["appended", "used"]],
      },
    },
    {
      title: "the queue, when it was taken out", when: "taken",
      fields: [
        { name: "ki_wait_queue", value: "$iocb->ki_wait_queue", radix: 16 },
        { name: "q.lock", value: "$queue->lock.slock", lock: true },
        { name: "ki_wait_key (page)", value: "$iocb->ki_wait_key", radix: 16 },
        { name: "page.index", value: "$page->index", radix: 10 },
        { name: "page.flags", value: "$page->flags", radix: 16 },
      ],
    },
    { title: "the request then", when: "taken", fields: REQUEST },
    { title: "who freed it", when: "freed", commands: ["bt -l $freer"] },
    { title: "the request before that", when: "freed", fields: REQUEST },
    { title: "who used it", when: "used", commands: ["bt -l $user"] },
    { title: "store buffers then", when: "used", commands: ["sb"] },
    { title: "what was there", when: "used", fields: REQUEST },
    {
      title: "queue and context then", when: "used",
      fields: [
        { name: "q.lock", value: "$queue->lock.slock", lock: true },
        { name: "ctx_lock", value: "$ctx->ctx_lock.slock", lock: true },
        ...fieldsOf("$ctx", "users=users.counter reqs_active", 10),
      ],
    },
    {
      title: "its run_list", when: "used",
      commands: ["list kiocb.ki_run_list -H $ctx->run_list"],
    },
    { title: "what is there at the end", fields: REQUEST },
  ],
};
