// SMPBOX_SLEEP_UNTIL_RUNNING on a machine. The explore engine waits there; on silicon, and on the
// box, the mark is a NOP. To run functions that sleep, each mark becomes a jump to a loop that
// reads the word until it is 0. A sleeper whom nobody wakes would read for ever, so when all others
// have ended or sleep, too, it gives up after some more reads, counts itself, and goes on: whoever
// was woken meanwhile needs no longer to leave its own loop.
import type { Elf } from "../machine/elf.ts";
import type { Program } from "./program.ts";

/** The mark: an eight-byte NOP with this displacement (smpbox.h). */
const MARK = [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x03, 0x5b];
/** Reads before it gives up: many times what any hand-over of a line takes. */
const READS = 2000;
const STUB_BYTES = 128;
const NOP3 = [0x0f, 0x1f, 0x00];
const JMP = 0xe9;
const JMP_BYTES = 5;
const RED_ZONE = 256;

type Code = NonNullable<Program["code"]>;

const i32 = (value: number | bigint) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, Number(value), true);
  return [...bytes];
};

/** The words of a run: who gave up; who has ended or sleeps. Each has a line. */
export const SPIN_BYTES = 128;
const AWAY = 64n;

/** For the end of a function: its stores are visible, it wakes nobody any more. */
export function endsHere(words: bigint): number[] {
  return [0xf0, 0xff, 0x04, 0x25, ...i32(words + AWAY)]; // lock incl away
}

/** RAX points to the word. No register, flag or byte of the red zone changes. */
function loop(words: bigint, threads: number, at: bigint, back: bigint): number[] {
  const away = i32(words + AWAY);
  const code = [
    0x48, 0x8d, 0xa4, 0x24, ...i32(-RED_ZONE), // lea -256(%rsp), %rsp
    0x9c, 0x41, 0x53, // pushfq; push %r11
    0xf0, 0xff, 0x04, 0x25, ...away, // lock incl away
    0x41, 0xbb, ...i32(READS), // 1: mov $READS, %r11d
    0x83, 0x38, 0x00, 0x74, 0x19, // 2: cmpl $0, (%rax); je 3f
    0xf3, 0x90, // pause
    0x83, 0x3c, 0x25, ...away, threads, 0x75, 0xe9, // cmpl $threads, away; jne 1b
    0x41, 0xff, 0xcb, 0x75, 0xea, // dec %r11d; jne 2b
    0xf0, 0xff, 0x04, 0x25, ...i32(words), // lock incl late
    0xf0, 0xff, 0x0c, 0x25, ...away, // 3: lock decl away
    0x41, 0x5b, 0x9d, // pop %r11; popfq
    0x48, 0x8d, 0xa4, 0x24, ...i32(RED_ZONE), // lea 256(%rsp), %rsp
  ];
  const end = at + BigInt(code.length + JMP_BYTES);
  return [...code, JMP, ...i32(back - end)];
}

/**
 * The code of the image that spins where it would sleep: its own, patched, and the loops at
 * `stubs`. Sleepers that gave up add to the 4 bytes at `words`. Unchanged if nothing sleeps.
 */
export function spinning(
  elf: Elf, threads: number, stubs: bigint, words: bigint,
): { code: Code; sleeps: boolean } {
  const loops: number[] = [];
  const code = elf.segments.filter(({ writable }) => !writable).map(({ lin, data, executable }) => {
    const patched = Uint8Array.from(data);
    for (let at = 0; executable && at + MARK.length <= data.length; at++) {
      if (!MARK.every((byte, i) => data[at + i] === byte)) continue;
      const place = lin + BigInt(at);
      const stub = stubs + BigInt(loops.length);
      patched.set([JMP, ...i32(stub - place - BigInt(JMP_BYTES)), ...NOP3], at);
      const own = loop(words, threads, stub, place + BigInt(MARK.length));
      loops.push(...own, ...Array<number>(STUB_BYTES - own.length).fill(0x90));
    }
    return { address: lin, data: patched };
  });
  if (!loops.length) return { code, sleeps: false };
  return { code: [...code, { address: stubs, data: Uint8Array.from(loops) }], sleeps: true };
}
