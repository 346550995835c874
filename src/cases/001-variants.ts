// The variants of case 001: a completer K, a reaper R, the layout of aio_complete(), and how its
// locks are released. A name is K/R/LAYOUT/RELEASE; what is left out at its end is a, 24 and mov.
import { InputError } from "../machine/preset.ts";
import type { Late } from "./001-story.ts";

export const COMPLETERS: Record<string, string> = {
  k0: "nothing between A3 and B, as in Linux 2.6.24",
  k1: "wmb(): SFENCE between A3 and B",
  k2: "rmb(): LFENCE between A3 and B",
  k3: "ring.tail is read back between A3 and B",
  k4: "smp_mb() before A2 and A3",
  k5: "smp_mb() after B",
  k6: "ring_info.tail by exchange, then a plain A3",
  k7: "smp_mb() between the store to ring.tail (A3) and waitqueue_active() (B), the upstream fix",
  k8: "A3 by exchange",
  k9: "a plain A3, then ring_info.tail by exchange",
  k10: "the reference is dropped by a locked decrement, as in the final put",
  k11: "B under wait.lock",
  k12: "no look at the queue: always wake_up()",
  k13: "ctx_lock is released by an exchange before B (layout 9 only)",
};

const REAPERS: Record<string, string> = {
  a: "the state by exchange, after the entry is in the list (2.6.24)",
  b: "prepare_to_wait(): entry and exchanged state under one lock",
  c: "the state by a plain store",
  d: "a plain store and SFENCE",
  e: "a plain store and LFENCE",
  f: "a plain store and MFENCE",
  g: "the state by exchange before the entry is in the list",
  h: "wait.lock released by an exchange, the state by a plain store",
  i: "a plain store, ring.tail read by a locked access",
  j: "a plain store, ring.tail read under ctx_lock",
};

/** Names of what they do, and the repairs by their numbers. */
const ALIASES: Record<string, string> = {
  bug: "k0", fixed: "k7", f0: "k7", f1: "k8", f2: "k12", f3: "k11", f4: "k0/j",
};

export interface Variant {
  completer: string;
  reaper: string;
  layout: "24" | "9";
  release: "mov" | "xchg";
}

const LIST =
  "K/R[/24|9[/mov|xchg]] with K one of k0 to k13 and R one of a to j (k7/a/24), or " +
  Object.keys(ALIASES).join(", ");

export function parseVariant(text: string): Variant {
  const words = (ALIASES[text.toLowerCase()] ?? text).split("/");
  const [completer, reaper = "a", layout = "24", release = "mov", ...rest] = words;
  const known = Object.hasOwn(COMPLETERS, completer) && Object.hasOwn(REAPERS, reaper);
  const placed = layout === "24" || layout === "9";
  const released = release === "mov" || release === "xchg";
  if (!known || !placed || !released || rest.length > 0) {
    throw new InputError(`variant ${text} of case 001: use ${LIST}`);
  }
  if (completer === "k13" && layout === "24") {
    throw new InputError(`variant ${text} of case 001: k13 is there with layout 9 only (k13/a/9)`);
  }
  return { completer, reaper, layout, release };
}

/** The shortest name. */
export function nameOf({ completer, reaper, layout, release }: Variant): string {
  if (release !== "mov") return `${completer}/${reaper}/${layout}/${release}`;
  if (layout !== "24") return `${completer}/${reaper}/${layout}`;
  return reaper === "a" ? completer : `${completer}/${reaper}`;
}

export function describe(name: string): string {
  const { completer, reaper, layout, release } = parseVariant(name);
  const parts = [COMPLETERS[completer]];
  if (reaper !== "a") parts.push(`reaper: ${REAPERS[reaper]}`);
  if (layout === "9") parts.push("layout 9: B after the release of ctx_lock");
  if (release === "xchg") parts.push("locks released by exchange");
  return parts.join("; ");
}

/** Kernel parameters. */
export function parametersOf(name: string): string {
  const { completer, reaper, layout, release } = parseVariant(name);
  const k = completer.slice(1);
  return `v001k=${k} v001r=${reaper} v001lay=${layout} unlock=${release}`;
}

/** Fences at the latest when B is read: k11 and k12 take wait.lock. */
const FENCED_COMPLETERS = new Set(["k7", "k8", "k9", "k10", "k11", "k12", "k13"]);
/** Reapers whose entry (1e), and whose state (1g), is visible to all when step 2 is executed. */
const ENTRY_VISIBLE = "abfhij";
const STATE_VISIBLE = "abfgij";

/** Which stores may wait in a store buffer while a younger load of their CPU is executed. */
export function mayBeLate(name: string): Late {
  const { completer, reaper, layout, release } = parseVariant(name);
  const byXchg = release === "xchg";
  return {
    tail: !FENCED_COMPLETERS.has(completer) && !(layout === "9" && byXchg),
    entry: !ENTRY_VISIBLE.includes(reaper) && !byXchg,
    state: !STATE_VISIBLE.includes(reaper),
  };
}
