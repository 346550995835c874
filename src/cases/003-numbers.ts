// Case 003: the fields of a request that was cut short by a hole, against those of
// the two dumps, and a second look at a run for them: at the end the requests are freed.
import type { DioFields, FsBlock } from "../machine/fs-block.ts";

const SECTOR_SHIFT = 9n;
/** Of an offset: the block that is there ends this many sectors after it. */
const ISSUED_SECTORS = 7n;

/** In hex: what is the same in both dumps, however long the write is. */
const CUT_SHORT: Partial<DioFields> = {
  result: 0xe00n, cur_page_len: 0xc00n, first_block_in_page: 7n, blkbits: 9n, blkfactor: 3n,
};
/** And in every request of their size. */
const NUMBERS: Partial<DioFields> = {
  ...CUT_SHORT, size: 0x100000n, total_pages: 0x101n, curr_page: 0x40n, head: 0x40n, tail: 0x40n,
  pages_in_io: 0x102n,
};
/** What is not, by workload, of the first writer's first request. */
const DUMPS: Record<string, Partial<DioFields>> = {
  W003n: {
    offset: 0xb00200n, final_block_in_request: 0x6001n, block_in_file: 0x5808n,
    cur_page_block: 0x948613an, final_block_in_bio: 0x9486140n, next_block_for_io: 0x9486140n,
  },
  W003n2: {
    offset: 0x3900200n, final_block_in_request: 0x1d001n, block_in_file: 0x1c808n,
    cur_page_block: 0xb4c7c8f2n, final_block_in_bio: 0xb4c7c8f8n, next_block_for_io: 0xb4c7c8f8n,
  },
};

/** Those of the same name which do not follow from the request's own offset and first block. */
function relatedOf({ offset, size, cur_page_block: block }: Record<string, bigint>) {
  const first = offset >> SECTOR_SHIFT;
  return {
    final_block_in_request: (offset + size) >> SECTOR_SHIFT,
    block_in_file: first + ISSUED_SECTORS,
    // The page holds all but the first of them.
    final_block_in_bio: block + ISSUED_SECTORS - 1n,
    next_block_for_io: block + ISSUED_SECTORS - 1n,
  };
}

/** Names of the fields that are wrong, with what they have; `workload` if it is a dump's first. */
export function wrongNumbers(dio: Record<string, bigint>, workload?: string): string[] {
  const expected = { ...relatedOf(dio), ...NUMBERS, ...DUMPS[workload ?? ""] };
  return Object.entries(expected).filter(([name, value]) => dio[name] !== value)
    .map(([name]) => `${name} ${dio[name]?.toString(16)}`);
}

/** Is this a write of `size` bytes of which e00 were issued, as those of the dumps? */
export const isCutShort = (dio: Record<string, bigint>, size: bigint): boolean =>
  Object.entries({ ...relatedOf(dio), ...CUT_SHORT, size })
    .every(([name, value]) => dio[name] === value);

/** A request between its first look at the count and its free. */
export interface Wait {
  line: bigint;
  from: bigint;
  to?: bigint;
}

/** The machine stands at `now`: the request at its line, if it is still there. */
export function aliveIn(fs: FsBlock, { line, to }: Wait, now: bigint): DioFields | undefined {
  return to !== undefined && now >= to ? undefined : fs.dio(fs.dioOfLine(line));
}
