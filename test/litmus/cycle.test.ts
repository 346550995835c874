// Critical cycles: diy7's names, the tests they make, and what is no cycle.
import { describe, expect, it } from "vitest";
import { nameOf, parseCycle } from "../../src/litmus/cycle.ts";
import { generate } from "../../src/litmus/generate.ts";

describe("a cycle", () => {
  it.each([
    ["PodWR Fre PodWR Fre", "SB"],
    ["Fre PodWR Fre PodWR", "SB"],
    ["PodRR Fre PodWW Rfe", "MP"],
    ["MFencedWR Fre PodWR Fre", "SB+mfence+po"],
    ["MFencedWR Fre MFencedWR Fre", "SB+mfences"],
    ["Rfe PodRR Fre Rfe PodRR Fre", "IRIW"],
    ["PodWR Fre Rfi PodRR Fre", "SB+po+rfi-po"],
    ["PodWW PodWR Fre PodWR Fre", "SB+poW-po+po"],
    ["PodWWAA CoeAA PodWWAA CoeAA", "2+2W+poaas"],
    ["Rfe PosRR Fre", "CoRR"],
    ["Wse PodWW Wse PodWW", "2+2W"],
    ["PodWW Rfe PodRR Fre MFencedWR Fre", "W+RWC+po+po+mfence"],
    ["PodWW Coe PodWR Fre PodWW Rfe PodRR Fre", "WW+RR+WW+WR"],
    ["PodWR FreNaA PodWRANa Fre", "SB+po+poana"],
  ])("%s: %s", (text, name) => expect(nameOf(parseCycle(text))).toBe(name));

  it.each([
    ["PodWR Coe PodWW Coe", "PodWR ends in a read, Coe begins with a write"],
    ["PodWR Fre", "two are needed"],
    ["PodXR Fre PodWR Fre", "unknown edge PodXR"],
    ["PodWR", "2 to 32 edges, not 1"],
    ["Rfe Fre", "needs an edge in program order"],
    ["PodWW Rfe PosRR Fre", "one edge to another location"],
    ["PodWWANa CoeAA PodWWANa CoeNaA", "PodWWANa ends in a write, CoeAA begins with an exchange"],
  ])("%s is none: %s", (text, problem) => expect(() => generate(text)).toThrow(problem));
});

it("makes the test that everybody knows", () => {
  expect(generate("PodWR Fre MFencedWR Fre")).toBe(`X86_64 SB+po+mfence
"PodWR Fre MFencedWR Fre"
Com=Fr Fr
Orig=PodWR Fre MFencedWR Fre
{
}
 P0            | P1            ;
 movl $1,(x)   | movl $1,(y)   ;
 movl (y),%eax | mfence        ;
               | movl (x),%eax ;
exists (0:rax=0 /\\ 1:rax=0)
`);
});
