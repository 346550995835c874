// files, mount: what a process has open, and the file system.
import { bare } from "../../machine/dwarf/types.ts";
import type { Place } from "../../machine/guest.ts";
import { bareHex, type Session } from "./session.ts";
import { taskLine } from "./tasks.ts";

const ROOT = "/fs";
interface Kind {
  /** As crash calls it. */
  type: string;
  /** The path, or what stands before the name or number of what f_private leads to. */
  path: string;
  /** What that is: "inode", of which crash shows the address, or a disk, or a cache of one. */
  of?: "inode" | "gendisk" | "page_cache";
}

/** By the operations of a file. */
const KINDS: Record<string, Kind> = {
  directly: { type: "REG", path: `${ROOT}/`, of: "inode" },
  buffered: { type: "REG", path: `${ROOT}/`, of: "inode" },
  directory: { type: "DIR", path: ROOT },
  cached_operations: { type: "REG", path: "/data" },
  console_operations: { type: "CHR", path: "/dev/console" },
  short_operations: { type: "CHR", path: "/dev/short" },
  raw_operations: { type: "BLK", path: "/dev/vd", of: "gendisk" },
  buffered_operations: { type: "BLK", path: "/cached/vd", of: "page_cache" },
};

/** What crash has, without dentries, which this kernel has none of, and with the count. */
export function files(session: Session, text?: string): string[] {
  const { guest } = session;
  const task = session.task(text);
  const process = guest.target(task.place, "process");
  if (!process) return [taskLine(task), "no files: a thread of the kernel"];
  const rows = guest.elements(session.member(process, "files")).flatMap((slot, fd) => {
    const file = guest.target(slot);
    if (!file) return [];
    const operations = guest.types.variableAt(guest.value(file, "f_op") ?? 0n)?.name ?? "?";
    const kind = KINDS[operations] ?? { type: operations, path: "" };
    const inode = kind.of === "inode" ? guest.value(file, "f_private") : undefined;
    return [[
      String(fd).padStart(3), bareHex(file.lin), (inode ? bareHex(inode) : "").padEnd(16),
      String(guest.value(file, "f_count.counter")).padStart(5), kind.type.padEnd(4),
      kind.path + nameOf(session, file, kind),
    ].join("  ").trimEnd()];
  });
  return [taskLine(task), " FD        FILE             INODE        COUNT  TYPE  PATH", ...rows];
}

function nameOf({ guest }: Session, file: Place, { of }: Kind): string {
  const type = of && guest.types.find(`struct ${of}`);
  const lin = guest.value(file, "f_private");
  if (!type || !lin) return "";
  const there = { lin, type };
  const name = guest.field(there, "i_name");
  if (name) return guest.text(name.lin, bare(name.type).bytes);
  const disk = of === "page_cache" ? guest.target(there, "disk") : there;
  return disk ? `${guest.value(disk, "number") ?? ""}` : "";
}

/** The kernel has one file system and no superblock: a session goes on from its journal. */
export function mount({ guest }: Session): string[] {
  const journal = guest.variable("fs_journal");
  const disk = journal && guest.target(journal, "j_disk");
  if (!disk) return ["no file system is mounted; the kernel's parameter fs=1 mounts one"];
  const row = ([first, second, ...rest]: (string | bigint | undefined)[]) =>
    `${`${first}`.padEnd(17)} ${`${second}`.padEnd(17)} ${rest.join("  ")}`;
  return [
    row(["JOURNAL", "GENDISK", "TYPE  ", "DEVNAME ", "DIRNAME"]),
    row([bareHex(journal.lin), bareHex(disk.lin), "minifs",
      `/dev/vd${guest.value(disk, "number")}`.padEnd(8), ROOT]),
  ];
}
