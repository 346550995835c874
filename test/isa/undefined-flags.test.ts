// The table of undefined flags hides no flag that iced-x86 holds to be defined.
import { Decoder, DecoderOptions, Mnemonic, RflagsBits } from "iced-x86";
import { expect, it } from "vitest";
import { FAMILIES } from "./families.ts";
import { randomCase } from "./random-case.ts";
import { Random } from "./random.ts";
import { States } from "./state.ts";
import { undefinedFlags } from "./undefined-flags.ts";

const PLACES: [bit: number, flag: number][] = [
  [RflagsBits.CF, 0x1], [RflagsBits.PF, 0x4], [RflagsBits.AF, 0x10], [RflagsBits.ZF, 0x40],
  [RflagsBits.SF, 0x80], [RflagsBits.OF, 0x800],
];
/** Beyond the operand's width the manual leaves CF undefined, which iced leaves out. */
const SHIFTS = ["Shl", "Sal", "Shr", "Sar", "Shld", "Shrd"];
const CASES = 50;

it("masks only what iced has as undefined", () => {
  const random = new Random(99);
  const s = new States(1);
  const found = new Set<string>();
  for (const template of FAMILIES.flatMap((family) => family.templates)) {
    for (let n = 0; n < CASES; n++) {
      randomCase(random, s, template);
      const decoder = new Decoder(64, s.code, DecoderOptions.None);
      const instruction = decoder.decode();
      const name = Mnemonic[instruction.mnemonic]!;
      const theirs = PLACES.reduce((mask, [bit, flag]) =>
        mask | (instruction.rflagsUndefined & bit ? flag : 0), SHIFTS.includes(name) ? 1 : 0);
      const hidden = undefinedFlags(instruction, s.low(1) & 0xff) & ~theirs;
      if (hidden) found.add(`${name}: ${hidden.toString(16)}`);
      instruction.free();
      decoder.free();
    }
  }
  expect([...found]).toEqual([]);
});
