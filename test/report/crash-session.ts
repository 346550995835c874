// A crash(8) session as people paste it into a bug report, read back: what sys says, the fields of
// each struct and expression printed, the frames and registers of each backtrace, who waits in each
// queue. Remarks that its author drew beside the output are left out.

export interface Stack {
  pid: number;
  task: string;
  cpu: number;
  comm: string;
  frames: string[];
  registers: Record<string, string>;
}

export interface Dump {
  sys: Record<string, string>;
  /** By name; of nested ones "map_bh.b_size"; of an array how many, "pages[]". */
  fields: Record<string, string>;
  stacks: Stack[];
  /** Members of each queue by its expression. */
  queues: Record<string, string[]>;
  /** Numbers of lines that "| wc -l" counted. */
  counts: Record<string, number>;
  /** First words of all commands. */
  commands: string[];
}

/** The sessions in a text: each begins with sys. */
export function dumpsIn(text: string): Dump[] {
  return text.split(/^crash> sys$/m).slice(1).map((session) =>
    dumpOf(`sys${session.split(/^Comment \d+/m)[0]}`));
}

function dumpOf(session: string): Dump {
  const dump: Dump = { sys: {}, fields: {}, stacks: [], queues: {}, counts: {}, commands: [] };
  /** What "$10 = (type *) 0x..." made known of a queue. */
  const addresses = new Map<string, string>();
  const named = (address: string) => addresses.get(address) ?? address;
  for (const part of session.split(/^crash> /m)) {
    const [line, ...rest] = part.split("\n");
    // Arrows were drawn behind some.
    const [command, argument = ""] = line.replace(/ +\|$/, "").trim().split(/ (.*)/);
    const body = rest.join("\n");
    if (!dump.commands.includes(command)) dump.commands.push(command);
    if (command === "sys") {
      for (const [, name, value] of body.matchAll(/^ *([A-Z ]+): (.*)$/gm)) dump.sys[name] = value;
    } else if (command === "bt" && !argument.startsWith("-f")) dump.stacks.push(stackOf(body));
    else if (command === "waitq") {
      const [address, counted] = argument.split(/ *\| */);
      const [number] = /^\d+/m.exec(body) ?? [];
      if (counted) dump.counts[named(address)] = Number(number);
      else {
        dump.queues[named(address)] = [...body.matchAll(/COMMAND: "(\w+)"/g)].map(([, comm]) =>
          comm);
      }
    } else if (command === "px" || command === "pd") {
      const member = /(?:->|\.)(\w+)$/.exec(argument)?.[1];
      const value = /^\$\d+ = (?:\([^)]*\) )?(\w+)/m.exec(body)?.[1];
      if (argument.startsWith("*")) structInto(dump.fields, body);
      else if (argument.startsWith("&") && member && value) addresses.set(value, member);
      else if (argument.startsWith("(") && !member) dump.fields["seconds blocked"] = value!;
      else if (member && value) dump.fields[member] = value;
    }
  }
  return dump;
}

function stackOf(body: string): Stack {
  const [, pid, task, cpu, comm] =
    /PID: (\d+) +TASK: (\w+) +CPU: (\d+) +COMMAND: "(\w+)"/.exec(body)!;
  const registers = [...body.matchAll(/(\w+): ([0-9a-f]{4,16})(?= |$)/gm)]
    .filter(([, name]) => /^(R|ORIG|CS|SS)/.test(name));
  return {
    pid: Number(pid), task, cpu: Number(cpu), comm,
    frames: [...body.matchAll(/^ *#\d+ \[\w+\] (\w+) at/gm)].map(([, name]) => name),
    registers: Object.fromEntries(registers.map(([, name, value]) => [name, value])),
  };
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
