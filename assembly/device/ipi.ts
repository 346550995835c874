// The interrupt command register: from an ICR write to one message for each destination
// (SDM Vol. 3A "Issuing Interprocessor Interrupts", "Determining IPI Destination").
// Physical and x2APIC logical destinations are resolved here. A flat logical xAPIC destination
// depends on the LDR of the receiver, which no other core may read: that message goes to every CPU
// and the receiver decides.
import { M_CPUS, MACHINE_BASE } from "../abi";
import { Core } from "../memory/core";
import { send } from "../memory/message";
import { apicId } from "../memory/params";
import { MSG_IPI } from "../memory/protocol";
import { ICR_LOGICAL, lapicAccept, lapicIsX2 } from "./lapic-state";

const SHORTHAND_SHIFT: u32 = 18;
const TO_DESTINATION: u32 = 0;
const TO_SELF: u32 = 1;
const TO_ALL: u32 = 2; // 3: all but self
/** Vector and delivery mode: what travels with a message. */
const MESSAGE: u32 = 0x7ff;

/** `destination` as wide as the mode has it; `broadcast` is its all-ones value. */
export function sendIpi(core: usize, icr: u32, destination: u32, broadcast: u32): void {
  const self = Core.of(core).cpu;
  const shorthand = (icr >> SHORTHAND_SHIFT) & 3;
  let message = icr & MESSAGE;
  if (shorthand == TO_SELF) {
    lapicAccept(core, message);
    return;
  }
  const cpus = load<u32>(MACHINE_BASE + M_CPUS);
  const logical = shorthand == TO_DESTINATION && (icr & ICR_LOGICAL) != 0;
  if (logical && !lapicIsX2(core)) message |= ICR_LOGICAL | (destination << 24);
  for (let cpu: u32 = 0; cpu < cpus; cpu++) {
    let hit: bool = true;
    if (shorthand == TO_DESTINATION) {
      const id = apicId(cpu);
      if (!logical) hit = destination == id || destination == broadcast;
      else if (lapicIsX2(core)) hit = inCluster(destination, id, broadcast);
    } else if (shorthand != TO_ALL) {
      hit = cpu != self;
    }
    if (!hit) continue;
    if (cpu == self) lapicAccept(core, message);
    else send(core, MSG_IPI, cpu, 0, message);
  }
}

/**
 * Logical x2APIC ID: cluster in the upper half, one bit of the lower half (SDM Vol. 3A "Logical
 * Destination Mode in x2APIC Mode").
 */
@inline
function inCluster(destination: u32, id: u32, broadcast: u32): bool {
  if (destination == broadcast) return true;
  return destination >> 16 == id >> 4 && (destination & (1 << (id & 15))) != 0;
}
