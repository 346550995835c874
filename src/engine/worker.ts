// A worker thread of Node, controlled through comlink.
import { parentPort } from "node:worker_threads";
import { expose } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { openDisks } from "./disk-file.ts";
import { workerApi } from "./thread.ts";

if (parentPort) expose(workerApi(openDisks), nodeEndpoint(parentPort));
