// Application processors before the kernel starts them: parked, which is a state of the CPU and no
// spinning program. The parked CPU reads the ACPI wake-up mailbox once and again whenever it lost
// the line, as MONITOR would tell it, so a committed command reaches it through the caches (ACPI
// 6.4, 5.2.12.19, "Multiprocessor Wakeup Structure").
import {
  BOOT_TABLES_PHYS, MAILBOX_APIC_ID, MAILBOX_COMMAND, MAILBOX_COMMAND_WAKEUP, MAILBOX_PHYS,
  MAILBOX_VECTOR,
} from "../device/map";
import { resetLongMode } from "../isa/cpu";
import { Core } from "../memory/core";
import { apicId } from "../memory/params";
import { portRead, portWrite } from "../memory/port";

/** Looks at the mailbox; stalls like any load when the line is not there. */
export function lookAtMailbox(core: usize): void {
  const c = Core.of(core);
  c.recheck = 0;
  c.watched = <u32>(MAILBOX_PHYS >> 6);
  const mailbox = portRead(core, MAILBOX_PHYS, 8);
  if (!mailbox) return;
  if (load<u16>(mailbox, MAILBOX_COMMAND) != MAILBOX_COMMAND_WAKEUP) return;
  if (load<u32>(mailbox, MAILBOX_APIC_ID) != apicId(c.cpu)) return;
  const vector = load<u64>(mailbox, MAILBOX_VECTOR);
  // The kernel waits for this acknowledgement before it names the next processor.
  portWrite(core, MAILBOX_PHYS + MAILBOX_COMMAND, 2, 0);
  resetLongMode(core, vector, 0, BOOT_TABLES_PHYS);
}
