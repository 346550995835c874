// A worker thread of a page, controlled through comlink.
import { expose } from "comlink/dist/esm/comlink.mjs";
import { noDiskFiles, workerApi } from "../engine/thread.ts";

expose(workerApi(noDiskFiles));
