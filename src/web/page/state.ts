// What the page is asked to show, as it stands in the address: only known names and numbers within
// limits are taken from there, everything else is left at its default.

export const MACHINES = [
  "clovertown", "conroe", "nehalem-ep", "sandybridge-ep", "opteron-k8", "skylake-sp", "zen",
  "quad4", "xeon-ht",
] as const;
export const VARIANTS = ["bug", "fixed"] as const;
export const MODELS = ["tso", "sc", "tso-adv"] as const;

export interface Asked {
  left: string;
  right: string;
  variant: string;
  memory: (typeof MODELS)[number];
  seeds: number;
  rounds: number;
  /** Text of a litmus test, in place of the first example; shown, parsed, never run as script. */
  litmus: string;
}

/** A link is no place for more. */
export const LITMUS_CHARACTERS_MAX = 4000;

export const DEFAULTS: Asked = {
  left: "clovertown", right: "conroe", variant: "bug", memory: "tso", seeds: 3, rounds: 3000,
  litmus: "",
};
export const LIMITS = { seeds: [1, 50], rounds: [100, 20_000] } as const;

function oneOf<T extends string>(known: readonly T[], text: string | null, otherwise: T): T {
  return known.find((name) => name === text) ?? otherwise;
}

function within([low, high]: readonly [number, number], text: string | null, otherwise: number) {
  const value = /^\d{1,6}$/.test(text ?? "") ? Number(text) : otherwise;
  return Math.min(high, Math.max(low, value));
}

/** Printable characters, line ends and tabs; all others could only be meant to deceive. */
function plain(text: string | null): string {
  const printable = text !== null && /^[\t\n\r\x20-\x7e]*$/.test(text);
  return printable ? text.slice(0, LITMUS_CHARACTERS_MAX) : "";
}

/** `#left=conroe&seeds=5`; a hash that is none of ours gives the defaults. */
export function askedOf(hash: string): Asked {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    left: oneOf<string>(MACHINES, words.get("left"), DEFAULTS.left),
    right: oneOf<string>(MACHINES, words.get("right"), DEFAULTS.right),
    variant: oneOf<string>(VARIANTS, words.get("variant"), DEFAULTS.variant),
    memory: oneOf(MODELS, words.get("memory"), DEFAULTS.memory),
    seeds: within(LIMITS.seeds, words.get("seeds"), DEFAULTS.seeds),
    rounds: within(LIMITS.rounds, words.get("rounds"), DEFAULTS.rounds),
    litmus: plain(words.get("litmus")),
  };
}

/** Only what differs from the defaults. */
export function hashOf(asked: Asked): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) {
    if (value !== DEFAULTS[key as keyof Asked]) words.set(key, String(value));
  }
  return words.size ? `#${words}` : "";
}
