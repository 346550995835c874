// A crash(8) session as people paste it into a bug report, read back: what sys says, the fields of
// each struct and expression printed, rows of tables, the frames and registers of each backtrace,
// the words of the stack, instructions, who waits in each queue. Remarks that its author drew
// beside the output are left out. Sessions of smpbox crash are read in the same way.

export interface Stack {
  pid: number;
  task: string;
  cpu: number;
  comm: string;
  frames: string[];
  /** Where each of them goes on. */
  at: string[];
  registers: Record<string, string>;
}

export interface Dump {
  sys: Record<string, string>;
  /** By name; of nested ones "map_bh.b_size"; of an array how many, "pages[]". */
  fields: Record<string, string>;
  /** Of ps, files and mount, by their columns. */
  tables: Record<string, Record<string, string>[]>;
  stacks: Stack[];
  /** Of bt -f, by their address. */
  words: Record<string, string>;
  /** Of dis: "ffffffff8019c9ad __blockdev_direct_IO+2814 callq  0xffffffff8030f138". */
  code: string[];
  /** Members of each queue by its expression: "21578 101eb004030 7 ls". */
  queues: Record<string, string[]>;
  /** Numbers of lines that "| wc -l" counted. */
  counts: Record<string, number>;
  /** First words of all commands. */
  commands: string[];
  /** Commands of which nothing was read. */
  unread: string[];
}

/** What stands above their rows in crash(8), which grep left out. */
const COLUMNS: Record<string, string> = {
  ps: "PID PPID CPU TASK ST %MEM VSZ RSS COMM",
  files: "FD FILE DENTRY INODE TYPE PATH",
  mount: "VFSMOUNT SUPERBLK TYPE DEVNAME DIRNAME",
};

/** The sessions in a text: each begins with sys. */
export function dumpsIn(text: string): Dump[] {
  return text.split(/^crash> sys$/m).slice(1).map((session) =>
    dumpOf(`sys${session.split(/^Comment \d+/m)[0]}`));
}

function dumpOf(session: string): Dump {
  const dump: Dump = {
    sys: {}, fields: {}, tables: {}, stacks: [], words: {}, code: [], queues: {}, counts: {},
    commands: [], unread: [],
  };
  /** What "$10 = (type *) 0x..." made known of a queue. */
  const addresses = new Map<string, string>();
  for (const part of session.split(/^crash> /m)) {
    const [line, ...rest] = part.split("\n");
    // Arrows were drawn behind some.
    const [command, argument = ""] = line.replace(/ +[|v]$/, "").trim().split(/ (.*)/);
    const body = rest.map((one) => one.replace(/ +\|$/, "")).join("\n");
    if (!dump.commands.includes(command)) dump.commands.push(command);
    if (!take(dump, addresses, command, argument, body)) dump.unread.push(line);
  }
  return dump;
}

/** Whether anything of it was read. */
function take(
  dump: Dump, addresses: Map<string, string>, command: string, argument: string, body: string,
): boolean {
  switch (command) {
    case "sys":
      for (const [, name, value] of body.matchAll(/^ *([A-Z ]+): (.*)$/gm)) dump.sys[name] = value;
      return Object.keys(dump.sys).length > 0;
    case "bt":
      if (!argument.startsWith("-f")) return dump.stacks.push(...stacksIn(body)) > 0;
      return all(body, /^ {4}([0-9a-f]{8,}): ((?:[0-9a-f]{16} ?){1,2})/gm, ([, at, words]) =>
        (dump.words[at] = words.trim()));
    case "dis":
      return all(body, /^0x([0-9a-f]+) <([\w.+]+)>: +(.*)$/gm, ([, at, place, text]) =>
        dump.code.push(`${at} ${place} ${text.trim()}`));
    case "ps": case "files": case "mount":
      return rowsInto(dump.tables[command] ??= [], COLUMNS[command], body);
    case "waitq": {
      const [address, counted] = argument.split(/ *\| */);
      const queue = addresses.get(address) ?? address.split("->").at(-1)!;
      if (counted) dump.counts[queue] = Number(/^\d+/m.exec(body)?.[0]);
      else dump.queues[queue] = [...body.matchAll(ENTRY)].map((found) => found.slice(1).join(" "));
      return counted ? dump.counts[queue] >= 0 : dump.queues[queue].length > 0;
    }
    case "px": case "pd":
      return printed(dump, addresses, argument, body);
    default:
      return false;
  }
}

const ENTRY = /^PID: (\d+) +TASK: (\w+) +CPU: (\d+) +COMMAND: "(\w+)"/gm;

function all(body: string, form: RegExp, read: (found: RegExpExecArray) => unknown): boolean {
  const found = [...body.matchAll(form)];
  found.forEach(read);
  return found.length > 0;
}

function printed(
  { fields }: Dump, addresses: Map<string, string>, argument: string, body: string,
): boolean {
  const [, struct, pointed] = /^\*\(struct (\w+) \*\)(0x\w+)/.exec(argument) ?? [];
  const [, cpu, address] = /^ *\[(\d+)\]: (\w+)$/m.exec(body) ?? [];
  const member = /(?:->|\.)(\w+)$/.exec(argument)?.[1];
  const value = /^\$\d+ = (?:\([^)]*\) )?(\w+)/m.exec(body)?.[1];
  if (argument.startsWith("per_cpu__runqueues") && cpu) {
    Object.assign(fields, { "runqueue.CPU": cpu, "runqueue.at": `0x${address}` });
  } else if (pointed) {
    fields[`${struct}.at`] = pointed;
    structInto(fields, body);
  } else if (argument.startsWith("&") && member && value) addresses.set(value, member);
  else if (argument.startsWith("(") && !member && value) fields["seconds blocked"] = value;
  else if (member && value) fields[member] = value;
  else return false;
  return true;
}

/** The rows up to an empty line, which may go on in the next line; addresses with 0x. */
function rowsInto(rows: Record<string, string>[], columns: string, body: string): boolean {
  const [text] = body.split(/\n *\n/);
  const lines = text.replace(/\n(?=\/)/g, "").split("\n").map((line) => line.replace(/^> /, ""));
  const title = lines.findIndex((line) => /^( *[A-Z%]+){3,}$/.test(line));
  const names = (title < 0 ? columns : lines[title]).trim().split(/ +/);
  for (const line of lines.slice(title + 1)) {
    const cells = line.trim().split(/ +/);
    if (cells.length !== names.length) continue;
    rows.push(Object.fromEntries(cells.map((cell, i) =>
      [names[i], ADDRESSES.includes(names[i]) ? `0x${cell}` : cell])));
  }
  return rows.length > 0;
}

const ADDRESSES = [
  "TASK", "FILE", "DENTRY", "INODE", "VFSMOUNT", "SUPERBLK", "JOURNAL", "GENDISK",
];

/** The one, if the task was found. */
function stacksIn(body: string): Stack[] {
  const [, pid, task, cpu, comm] =
    /PID: (\d+) +TASK: (\w+) +CPU: (\d+) +COMMAND: "(\w+)"/.exec(body) ?? [];
  if (pid === undefined) return [];
  const registers = [...body.matchAll(/(\w+): ([0-9a-f]{4,16})(?= |$)/gm)]
    .filter(([, name]) => /^(R|ORIG|CS|SS)/.test(name));
  const frames = [...body.matchAll(/^ *#\d+ \[\w+\] ([\w.]+) at (\w+)/gm)];
  return [{
    pid: Number(pid), task, cpu: Number(cpu), comm,
    frames: frames.map(([, name]) => name), at: frames.map(([, , at]) => at),
    registers: Object.fromEntries(registers.map(([, name, value]) => [name, value])),
  }];
}

/** "name = value," in lines, nested by braces. */
function structInto(fields: Record<string, string>, body: string): void {
  const whole = body.slice(body.indexOf("{") + 1, body.search(/^\}/m))
    // An array goes on over lines, which may break within a number.
    .replace(/(\w+) = \{(0x[^}]*)\}/g, (_, name, cells) =>
      `${name}[] = ${cells.match(/0x/g).length}`);
  const path: string[] = [];
  for (const line of whole.split("\n")) {
    const [, name, value] = /^\s*(\w+(?:\[\])?) = (\{|\w+)/.exec(line) ?? [];
    if (value === "{") path.push(name);
    else if (name) fields[[...path, name].join(".")] = value;
    else if (/^\s*\}/.test(line)) path.pop();
  }
}
