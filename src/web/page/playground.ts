// The litmus playground: what runs, how far it is, what was found.
import { signal } from "@preact/signals";
import { TimingEngine } from "../../engine/litmus/timing.ts";
import type { Told } from "./explore-worker.ts";
import { type Found, type Play, runText, troubleOf } from "./litmus-run.ts";

export const found = signal<Found | undefined>(undefined);
export const playing = signal(false);
export const playTrouble = signal("");
/** Machine states so far, of an exploration. */
export const explored = signal(0);
/** Runs so far, where the test is run on a machine. */
export const ran = signal<{ done: number; of: number } | undefined>(undefined);
/** Was the last one ended before it had an answer? */
export const cancelled = signal(false);
let stop = new AbortController();
let explorer: Worker | undefined;

export function cancelPlay(): void {
  stop.abort();
}

export async function play(engine: "explore" | "timing", asked: Play): Promise<void> {
  stop = new AbortController();
  const { signal } = stop;
  playing.value = true;
  explored.value = 0;
  cancelled.value = false;
  playTrouble.value = "";
  found.value = undefined;
  try {
    found.value = engine === "explore"
      ? await explore(asked, signal) : await runOn(asked, signal);
  } catch (error) {
    playTrouble.value = troubleOf(error);
  } finally {
    playing.value = false;
    ran.value = undefined;
  }
}

/** Cancelled, it tells of the runs until then. */
function runOn(asked: Play, signal: AbortSignal): Promise<Found> {
  const told = (done: number) => {
    ran.value = { done, of: asked.runs };
  };
  told(0);
  return runText(new TimingEngine(), asked, { signal, onProgress: told });
}

/** Undefined if it was cancelled: what part of all states allows says little. */
function explore(asked: Play, signal: AbortSignal): Promise<Found | undefined> {
  explorer ??= new Worker(new URL("./explore-worker.ts", import.meta.url), { type: "module" });
  const worker = explorer;
  const end = () => {
    worker.terminate();
    explorer = undefined;
  };
  return new Promise((resolve, reject) => {
    signal.onabort = () => {
      end();
      cancelled.value = true;
      resolve(undefined);
    };
    worker.onerror = ({ message }) => {
      end();
      reject(new Error(message || "its worker could not be loaded"));
    };
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if ("explored" in data) explored.value = data.explored;
      else if ("found" in data) resolve(data.found);
      else {
        playTrouble.value = data.trouble;
        resolve(undefined);
      }
    };
    worker.postMessage(asked);
  });
}
