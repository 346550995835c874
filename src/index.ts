// The public API: a machine with an image, run to its end.
//
//     const machine = await Machine.create({ machine: "clovertown", image: "bench", seed: 7n });
//     const result = await machine.run({ onConsole: (bytes) => process.stdout.write(bytes) });
//     await Machine.shutdown();
export { type CreateOptions, Machine, type RunResult } from "./engine/machine.ts";
export type { Counters } from "./core/counters.ts";
export type { RunHooks } from "./engine/session.ts";
export type { Snapshot } from "./engine/snapshot.ts";
export { InputError, type Preset } from "./machine/preset.ts";
export { MEMORY_MODELS, type MemoryModel } from "./machine/topology.ts";
