// Report R001 (case 001): the reaper that sleeps, its context, the event that it has not read, and
// the last completion.
import { contextOf, fieldsOf, type ReportPlan } from "./report-plan.ts";

export const R001: ReportPlan = {
  id: "R001",
  title: "io_getevents sleeps, although its event is in the ring",
  find: [
    { as: "reaper", task: { state: "IN", frame: "read_events" } },
    { as: "ctx", at: "$reaper->sleep.object", type: "kioctx" },
    { as: "entry", entryOf: "$reaper" },
    { as: "ring", at: "$ctx->ring_info.ring" },
    { as: "event", at: "$ring->io_events[$ring->head]" },
    { as: "completer", runs: "completed" },
    { as: "kiocb", step: "P", type: "kiocb", member: "ki_users" },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    { title: "the reaper", commands: ["ps $reaper", "bt -l $reaper"] },
    { title: "since when, and after what", facts: true },
    {
      title: "what it waits for",
      fields: [
        { name: "i", value: "$reaper->sleep.i" },
        { name: "min_nr", value: "$reaper->sleep.min_nr" },
        // The third argument of io_getevents.
        { name: "nr", value: "$entry->rdx", radix: 10 },
      ],
    },
    {
      title: "its context",
      fields: fieldsOf("$ctx", `users=users.counter reqs_active ring_info.nr ring_info.tail
        ring.head=$ring->head ring.tail=$ring->tail`, 10),
    },
    { title: "who is queued", commands: ["waitq $ctx->wait"] },
    { title: "the event that it has not read", fields: fieldsOf("$event", "data obj res res2") },
    {
      title: "the context of the completion, just before A3", when: "completed",
      fields: [contextOf("$completer")],
    },
    {
      title: "who completed the request, just before A3", when: "completed",
      commands: ["bt -l $completer"],
    },
    {
      title: "the last completion and the last look",
      steps: {
        about: ["$ctx", "$ring", "$event", "$reaper", "$kiocb"], from: "A1", cyclesBefore: 2000,
        words: {
          A1: "the event", A2: "the kernel's tail", A3: "the ring's tail",
          P: "ki_users", B: "is anybody waiting?", "1e": "queues itself",
          "1g": "state", "1g locked": "state, a fence", 2: "is there an event?",
        },
        claims: [["A3 issue", "B load"], ["B load", "A3 commit"], ["B load", "1e commit"],
          ["2 load", "A3 commit"]],
      },
    },
  ],
};
