// Report R002 (case 002): the context whose requests never end, the request that lost its event,
// and who waits for it.
import { contextOf, fieldsOf, type Finder, type ReportPlan } from "./report-plan.ts";

/** workloads/kernel/aio/aio.h: io_cancel has reported it, and there will be no event. */
const KIF_CANCELLED = 2;

/** The softirq takes BIO_UPTODATE away, perhaps later than the window before D1 begins. */
const failedBio = (as: string, dio: string): Finder[] => [
  { as, slab: "bio", where: [["bi_private", dio], ["bi_flags", "0"]], only: true },
  { as, slab: "bio", where: [["bi_private", dio]], only: true },
];

export const R002: ReportPlan = {
  id: "R002",
  title: "a write failed, and nobody reported it",
  find: [
    { as: "sleeper", task: { frame: "read_events" } },
    { as: "destroyer", task: { frame: "wait_for_all_aios" } },
    { as: "dio", failed: "dio", member: "result" },
    { as: "dio", slab: "dio", where: [] },
    { as: "iocb", at: "$dio->iocb" },
    { as: "ctx", at: "$iocb->ki_ctx" },
    { as: "ring", at: "$ctx->ring_info.ring" },
    ...failedBio("failedbio", "$dio").map((finder) => ({ ...finder, when: "failed" })),
    { as: "completer", runs: "failed" },
    { as: "bio", slab: "bio", where: [["bi_private", "$dio"]] },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    { title: "what became of the requests", facts: true },
    { title: "who waits for events", commands: ["bt -l $sleeper"] },
    { title: "who waits for the requests to end", commands: ["bt -l $destroyer"] },
    {
      title: "the context",
      fields: fieldsOf("$ctx", "users=users.counter reqs_active ring.head=$ring->head " +
        "ring.tail=$ring->tail", 10),
    },
    {
      // Direct I/O sets no ki_cancel: io_cancel and io_destroy can only wait for it.
      title: "requests in the kernel, by struct kiocb",
      tally: [
        { name: "in use", slab: "kiocb" },
        { name: "with a ki_cancel", slab: "kiocb", test: "$each->ki_cancel" },
        { name: "cancelled", slab: "kiocb", test: `$each->ki_flags & ${KIF_CANCELLED}` },
      ],
    },
    {
      title: "its requests",
      commands: ["list kiocb.ki_list -s kiocb.ki_pos,ki_nbytes -H $ctx->active_reqs"],
    },
    {
      title: "each struct dio in use",
      each: { slab: "dio", where: [] },
      columns: [
        ...fieldsOf("$each", "offset size"),
        ...fieldsOf("$each", "bio_count result io_error is_async", 10),
        ...fieldsOf("$each", "waiter"),
      ],
    },
    {
      title: "each bio that failed, of requests that went wrong (S3 +9: 9 cycles after S3)",
      others: {
        type: "dio", member: "result",
        unknown: "not recorded (just before, the request had no bio, or two alike)",
        unheard: "in use at the end; not recorded: no error of a bio (D1) is in the trace",
      },
      find: failedBio("bio", "$each"),
      columns: [
        ...fieldsOf("$each", "offset"), ...fieldsOf("$each", "size", 10),
        ...fieldsOf("$bio", "sector=$bio->bi_sector", 10),
      ],
    },
    {
      title: "this request at the end",
      fields: [
        ...fieldsOf("$dio", "offset size"),
        ...fieldsOf("$dio", "bio_count refcount=refcount.counter result io_error is_async", 10),
        ...fieldsOf("$dio", "waiter bio iocb"),
      ],
    },
    { title: "its kiocb", fields: fieldsOf("$iocb", "ki_users ki_flags ki_pos ki_nbytes") },
    { title: "bios of the request: none is found if they have ended",
      commands: ["struct bio $bio"] },
    {
      title: "its bio just before (D1)", when: "failed",
      fields: fieldsOf("$failedbio", `bi_sector bi_size bi_rw bi_flags bi_private
        bi_disk.number=$failedbio->bi_disk->number`, 10),
    },
    {
      title: "the context of its completion", when: "failed", fields: [contextOf("$completer")],
    },
    { title: "who completed it", when: "failed", commands: ["bt -l $completer"] },
    { title: "store buffers then", when: "failed", commands: ["sb"] },
    {
      title: "submitter and completion",
      steps: {
        about: ["$dio"], moments: ["begun", "ended"], from: "S1",
        words: {
          S1: "begins", S3: "adds what is under way", S5: "less than the size?",
          S6: "what the caller is told", D1: "a bio has failed", f1: "the last one: the result",
          f2: "the error", f4: "is it to report?", Df: "frees the request",
        },
      },
    },
  ],
};
