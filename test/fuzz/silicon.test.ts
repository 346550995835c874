// Random instructions on the processor underneath and on ours: FUZZ_CASES of them, from FUZZ_SEED
// (npm run fuzz). The committed vectors (test/isa/vectors.test.ts) need no such processor.
import { describe, expect, it } from "vitest";
import { emulate, userBox } from "../isa/emulate.ts";
import { FAMILIES } from "../isa/families.ts";
import { buildSilicon, runSilicon } from "../isa/silicon.ts";
import { casesOf, differences } from "../isa/vectors.ts";

const CASES = Number(process.env.FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const TIMEOUT_MS = 3_600_000;
/** Cases of a template in one batch: what a batch holds is in memory at once. */
const BATCH = 100;

const templates = FAMILIES.reduce((sum, family) => sum + family.templates.length, 0);
const rounds = Math.max(1, Math.round(CASES / (templates * BATCH)));
const each = Math.max(1, Math.min(BATCH, Math.round(CASES / templates)));
const silicon = buildSilicon();
const program = "program" in silicon ? silicon.program : "";
if (!program) console.log(`no comparison with silicon: ${(silicon as { reason: string }).reason}`);

describe.skipIf(!program)(`like silicon, seed ${SEED}`, () => {
  it.each(FAMILIES)("$name", (family) => {
    const box = userBox();
    for (let round = 0; round < rounds; round++) {
      const cases = casesOf(family, each, `${SEED} ${round}`);
      const want = runSilicon(program, cases);
      expect(differences(cases, emulate(box, cases), want), `round ${round}`).toEqual([]);
    }
  }, TIMEOUT_MS);
});
