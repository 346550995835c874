// The explore engine of the playground in a thread of its own: it takes seconds, and the page has
// to stay usable. Who has heard enough ends the thread.
import { ExploreEngine } from "../../engine/explore.ts";
import { type Found, type Play, runText, troubleOf } from "./litmus-run.ts";

export type Told = { explored: number } | { found: Found } | { trouble: string };

const engine = new ExploreEngine();
const tell = (told: Told) => postMessage(told);

addEventListener("message", ({ data }: MessageEvent<Play>) => {
  runText(engine, data, { onProgress: (explored) => tell({ explored }) })
    .then((found) => tell({ found }), (error) => tell({ trouble: troubleOf(error) }));
});
