// A worker thread of a page, controlled through comlink.
import { expose } from "comlink/dist/esm/comlink.mjs";
import { workerApi } from "../engine/thread.ts";

expose(
  workerApi(() => {
    throw new Error("a page has no files to put behind disks");
  }),
);
