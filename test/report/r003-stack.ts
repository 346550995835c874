// What the bug report's session of case 003 shows as words, instructions and rows of queues, and
// what has to be so of them, there and here.
import { expect } from "vitest";
import type { Dump } from "./crash-session.ts";
import type { Numbers } from "./r003-fields.ts";

/** struct iocb: in which word of it each member is (linux/aio_abi.h). */
const IOCB: [name: string, word: number, from: number, bits: number][] = [
  ["aio_data", 0, 0, 64], ["aio_key", 1, 0, 32], ["aio_reserved1", 1, 32, 32],
  ["aio_lio_opcode", 2, 0, 16], ["aio_reqprio", 2, 16, 16], ["aio_fildes", 2, 32, 32],
  ["aio_buf", 3, 0, 64], ["aio_nbytes", 4, 0, 64], ["aio_offset", 5, 0, 64],
  ["aio_reserved2", 6, 0, 64], ["aio_reserved3", 7, 0, 32],
];

/** The words that bt -f shows, by their address. */
function wordsIn({ words }: Dump): Map<bigint, bigint> {
  return new Map(Object.entries(words).flatMap(([at, row]) => row.split(" ").map((word, i) =>
    [BigInt(`0x${at}`) + BigInt(8 * i), BigInt(`0x${word}`)] as const)));
}

/** The members of the struct iocb at `at` of which a dump's stack has another value. */
const wrongInStack = (dump: Dump, at: bigint, of: Numbers) =>
  IOCB.filter(([name, word, from, bits]) => {
    const found = wordsIn(dump).get(at + BigInt(8 * word)) ?? -1n;
    return BigInt.asUintN(bits, found >> BigInt(from)) !== of(name);
  }).map(([name]) => name);

/** The request's copy and its dio are on the writer's stack, which returns to where dis says. */
export function checkStack(dump: Dump, of: Numbers): void {
  expect(wrongInStack(dump, of("iocb.at"), of)).toEqual([]);
  expect([...wordsIn(dump).values()]).toContain(of("dio.at"));
  const { frames, at } = dump.stacks[0];
  const code = dump.code.map((line) => {
    const [lin, place, ...text] = line.split(" ");
    return { lin, place, text: text.join(" ") };
  });
  // Of the second dump nothing is disassembled.
  if (code.length === 0) return;
  const back = code.findIndex(({ lin }) => lin === at[2]);
  expect(code[back].place).toMatch(new RegExp(`^${frames[2]}\\+\\d+$`));
  const [, called] = /^callq? +0x(\w+)/.exec(code[back - 1].text)!;
  expect(code.find(({ lin }) => lin === called)?.place).toBe(frames[1]);
}

/** kjournald waits for the writer's handle, and so does "ls" for the transaction. */
export function checkQueues({ queues, stacks }: Dump): void {
  const rowOf = ({ pid, task, cpu, comm }: Dump["stacks"][number]) =>
    `${pid} ${task} ${cpu} ${comm}`;
  const of = (comm: string) => rowOf(stacks.find((stack) => stack.comm === comm)!);
  expect(queues.j_wait_updates).toEqual([of("kjournald")]);
  expect(queues.j_wait_transaction_locked).toContain(of("ls"));
}
