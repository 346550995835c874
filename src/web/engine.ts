// The engine for a page: the same API as the package's, in a bundle for browsers.
export { type CreateOptions, Machine, type RunResult } from "../engine/machine.ts";
export type { RunHooks } from "../engine/session.ts";
export { InputError, type Preset } from "../machine/preset.ts";
