// 16550 UART, the console: transmit side only. Data-sheet names (PC16550D, "Registers").
// Deviations: a byte is on the wire the moment it is written, so LSR always reads "empty"; nothing
// is ever received; no interrupt is raised (IER is kept and reads back).
import { HUB_CONSOLE, HUB_CONSOLE_BYTES, HUB_CONSOLE_WRITTEN } from "../abi";

const THR: u32 = 0; // RBR when read, DLL when DLAB
const IER: u32 = 1; // DLM when DLAB
const FCR: u32 = 2; // IIR when read
const LCR: u32 = 3;
const MCR: u32 = 4;
const LSR: u32 = 5;
const MSR: u32 = 6;
const SCR: u32 = 7;

const LCR_DLAB: u8 = 0x80;
const IIR_NONE: u8 = 0x01; // no interrupt pending
const IIR_FIFO: u8 = 0xc0; // FIFOs enabled
const FCR_ENABLE: u8 = 0x01;
const LSR_THRE: u8 = 0x20;
const LSR_TEMT: u8 = 0x40;
const MSR_CTS_DSR_DCD: u8 = 0xb0;
const MCR_LOOP: u8 = 0x10;

/** Hub block + 0x10.  16 | dll | dlm | ier | fcr | 20 | lcr | mcr | scr | pad | 24 */
@unmanaged
class Uart {
  dll: u8;
  dlm: u8;
  ier: u8;
  fcr: u8;
  lcr: u8;
  mcr: u8;
  scr: u8;
  pad0: u8;

  @inline static of(hub: usize): Uart {
    return changetype<Uart>(hub + 0x10);
  }
}

/** Value of register `register` (0 to 7). */
export function uartRead(hub: usize, register: u32): u8 {
  const uart = Uart.of(hub);
  const latch = (uart.lcr & LCR_DLAB) != 0;
  switch (register) {
    case THR:
      return latch ? uart.dll : 0;
    case IER:
      return latch ? uart.dlm : uart.ier;
    case FCR:
      return uart.fcr & FCR_ENABLE ? IIR_NONE | IIR_FIFO : IIR_NONE;
    case LCR:
      return uart.lcr;
    case MCR:
      return uart.mcr;
    case LSR:
      return LSR_THRE | LSR_TEMT;
    case MSR:
      return uart.mcr & MCR_LOOP ? loopedStatus(uart.mcr) : MSR_CTS_DSR_DCD;
    case SCR:
      return uart.scr;
    default:
      return 0xff;
  }
}

export function uartWrite(hub: usize, register: u32, value: u8): void {
  const uart = Uart.of(hub);
  const latch = (uart.lcr & LCR_DLAB) != 0;
  switch (register) {
    case THR:
      if (latch) uart.dll = value;
      else if (!(uart.mcr & MCR_LOOP)) transmit(hub, value);
      break;
    case IER:
      if (latch) uart.dlm = value;
      else uart.ier = value & 0x0f;
      break;
    case FCR:
      uart.fcr = value;
      break;
    case LCR:
      uart.lcr = value;
      break;
    case MCR:
      uart.mcr = value & 0x1f;
      break;
    case SCR:
      uart.scr = value;
      break;
    default: // LSR and MSR are read-only
      break;
  }
}

/** In loop-back mode MSR shows MCR's DTR, RTS, OUT1, OUT2 as DSR, CTS, RI, DCD. */
function loopedStatus(mcr: u8): u8 {
  return ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
}

/**
 * Puts a byte into the console ring. The host empties it every few milliseconds; the guest cannot
 * outrun it, because each byte is an uncached access of some hundred cycles.
 */
function transmit(hub: usize, value: u8): void {
  const written = load<u32>(hub + HUB_CONSOLE_WRITTEN);
  store<u8>(hub + HUB_CONSOLE + (written & (HUB_CONSOLE_BYTES - 1)), value);
  // Atomic: the host may not see the count before the byte.
  atomic.store<u32>(hub + HUB_CONSOLE_WRITTEN, written + 1);
}
