// irq: the lines of the I/O APIC with the handlers that the kernel has for them, and what each CPU
// has taken, is serving and has been asked for.
import { apicState, interruptLines } from "../../core/inspect.ts";
import { hex } from "../../machine/elf.ts";
import type { Session } from "./session.ts";

// A redirection entry (82093AA data sheet, "I/O Redirection Table Registers")
const VECTOR = 0xffn;
const DELIVERY_SHIFT = 8n;
const DELIVERY = ["fixed", "lowest", "SMI", "3", "NMI", "INIT", "6", "ExtINT"];
const LOGICAL = 1n << 11n;
const REMOTE_IRR = 1n << 14n;
const LEVEL = 1n << 15n;
const MASKED = 1n << 16n;
const DESTINATION_SHIFT = 56n;

export function irq(session: Session): string[] {
  const { view } = session.machine;
  const { lines, sent } = interruptLines(view);
  // What nobody has routed is as reset left it.
  const used = lines.filter(({ entry, active }) => entry !== MASKED || active);
  const { cpus } = session.machine.counters();
  return [
    "LINE VECTOR DELIVERY  DEST TRIGGER STATE       HANDLER",
    ...used.map(({ gsi, entry, active }) => {
      const to = `${entry & LOGICAL ? "" : "id "}${hex(entry >> DESTINATION_SHIFT)}`;
      const states = [
        entry & MASKED ? "masked" : "", active ? "active" : "",
        entry & REMOTE_IRR ? "sent" : "",
      ].filter(Boolean);
      return [
        String(gsi).padStart(4), hex(entry & VECTOR).padStart(6),
        DELIVERY[Number((entry >> DELIVERY_SHIFT) & 7n)].padEnd(8), to.padStart(5),
        (entry & LEVEL ? "level" : "edge").padEnd(7), (states.join(" ") || "idle").padEnd(11),
        handlerOf(session, gsi),
      ].join(" ").trimEnd();
    }),
    `${sent} messages sent by the I/O APIC`,
    "",
    "CPU  INTERRUPTS TAKEN  IN SERVICE  REQUESTED",
    ...cpus.map(({ cpu, interrupts }) => {
      const { asked, served } = apicState(view, cpu);
      const list = (vectors: number[]) => vectors.map((one) => hex(BigInt(one))).join(",") || "-";
      return `${String(cpu).padStart(3)}  ${String(interrupts).padStart(16)}  ` +
        `${list(served).padEnd(10)}  ${list(asked)}`;
    }),
  ];
}

/** "virtio_blk_interrupt(0)" where the kernel is the bundled one. */
function handlerOf({ guest, machine }: Session, gsi: number): string {
  const table = guest.variable("device_irqs");
  const entry = table && guest.elements(table)[gsi];
  const handler = entry && guest.value(entry, "handler");
  if (!handler) return "";
  const name = machine.symbolAt(handler)?.name ?? hex(handler);
  return `${name}(${guest.value(entry, "data") ?? ""})`;
}
