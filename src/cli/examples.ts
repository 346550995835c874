// Examples for each verb's --help: words behind `smpbox`, and what they are for.

type Example = readonly [words: string, what: string];

/** Of `smpbox --help`: where to begin. */
export const FIRST_EXAMPLES: readonly Example[] = [
  ["compare 001", "begin here: the same code hangs on one machine, and not on the other"],
  ["run hello --machine conroe", "a program on a machine; smpbox machines lists them all"],
  ["crash 003", "a machine that hangs, to look at as with crash(8)"],
];

export const EXAMPLES: Record<string, readonly Example[]> = {
  run: [
    ["run bench --machine conroe --counters", "a bundled program, and where its time went"],
    ["run ./program --cpus 2 --seed 7", "your own static ELF file, on two CPUs"],
    ["run hello --disks 4 --disk model=ssd --json", "with four SSDs; one JSON document"],
  ],
  litmus: [
    ["litmus SB.litmus --witness", "every outcome of x86-TSO, and how one comes about"],
    ["litmus tests/ --engine explore,timing --machine zen", "beside it: how often, on a machine"],
    ['litmus --generate "PodWR Fre PodWR Fre"', "writes the test of a critical cycle"],
  ],
  explore: [
    ["explore explore --entry 'mcs(0),mcs(1)' --predicate 'mcs_count == 2'",
      "two functions of an image, every interleaving"],
    ["explore ./program --entry f,g --runs 100000", "random ones, of what is too big"],
  ],
  barriers: [
    ["barriers explore --entry m7_release,m7_acquire --sites 'wM7.*'",
      "which sites of a mutex need a fence"],
    ["barriers SB.litmus", "the sites are the gaps between a thread's accesses"],
    ["barriers --cost --machine clovertown --svg cost.svg", "what each kind costs, drawn"],
    ["barriers 001 --matrix", "270 ways to write case 001"],
  ],
  case: [
    ["case", "lists the cases"],
    ["case 001 --pair 0,4 --seeds 10", "ten runs on two CPUs that share an L2"],
    ["case 001 --variant k7/a --memory tso-adv", "the fix, under adversarial drains"],
    ["case --rows 'E001.*' --short", "its acceptance test, in short"],
  ],
  compare: [
    ["compare 001 --machines clovertown,conroe", "the same binary on two machines"],
    ["compare 001 --pair all --seeds 20 --json", "every pair of CPUs; one JSON document"],
  ],
  trace: [
    ["trace bench --output bench.pftrace", "open the file in ui.perfetto.dev"],
    ["trace 001 --pair 0,1 --rounds 500 -o 001.pftrace", "a run of a case, as smpbox case has it"],
  ],
  c2c: [
    ["c2c sharing --append '-- sharing a=0 b=2'", "two counters in one line"],
    ["c2c ./program --lines 3", "your own, the three hottest lines"],
  ],
  crash: [
    ["crash 001", "the machine of a case, at a prompt"],
    ["crash 001 --variant k6 --memory tso-adv --rounds 500", "of another run of it"],
    ["crash failed.sbx -c 'sys; ps -IN; bt -f; sb'", "commands of a script"],
  ],
  why: [
    ["why 001", "who missed whose store, and what stood in the store buffer"],
    ["why 003 --seed 5", "in another run of a case"],
    ["why ./program --json", "a program of your own; one document, with all that was found"],
  ],
  core: [
    ["core w001 --append 'v001k=0 -- w001 W001i s=0 r=2' -o hang.core",
      "then: gdb kernel.elf hang.core, info threads"],
    ["core failed.sbx -o failed.core", "the machine of a capsule, as it was at its end"],
  ],
  replay: [["replay failure.sbx", "the recorded run again, checked to its end"]],
  validate: [
    ["validate --machine nehalem-ep", "microbenchmarks against published figures"],
    ["validate --sb-table", "how often each pair of CPUs relaxes store buffering"],
  ],
  machines: [
    ["machines", "lists them"],
    ["machines clovertown", "draws one, with its latencies"],
  ],
  doctor: [["doctor", "says what is missing, and how to get it"]],
  cflags: [["cflags", "use it as: gcc $(smpbox cflags) -o program program.c"]],
};
