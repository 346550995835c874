// Machine code as text for reports, by iced-x86, which is loaded when it is first needed.
export interface Line {
  lin: bigint;
  bytes: Uint8Array;
  text: string;
  /** Where a near call or jump goes, if that does not depend on registers or memory. */
  target?: bigint;
  /** Needs x87, MMX, SSE or AVX registers, which the machine does not have. */
  vector: boolean;
}

const INSTRUCTION_BYTES_MAX = 15;
/** call, jmp and jcc by their FlowControl. */
const DIRECT = ["UnconditionalBranch", "ConditionalBranch", "Call", "XbeginXabortXend"];
const VECTOR_FEATURE = /^(FPU|MMX|D3NOW|F?XS|S?SSE|AVX|AES|PCLMUL|FMA|F16C|GFNI|VAES)/;

/** The instructions in `code`, which lies at `lin`; bytes that are none are lines "(bad)". */
export async function disassemble(code: Uint8Array, lin: bigint): Promise<Line[]> {
  const iced = await import("iced-x86").catch(() => undefined);
  if (!iced) return [{ lin, bytes: code, text: "(no disassembler here)", vector: false }];
  const { CpuidFeature, Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax } = iced;
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Gas);
  formatter.uppercaseHex = false;
  const lines: Line[] = [];
  decoder.ip = lin;
  try {
    while (decoder.canDecode) {
      const instruction = decoder.decode();
      const start = Number(instruction.ip - lin);
      const features = Array.from(instruction.cpuidFeatures(), (id) => CpuidFeature[id]);
      lines.push({
        lin: instruction.ip,
        bytes: code.subarray(start, start + instruction.length),
        text: formatter.format(instruction),
        target: DIRECT.includes(FlowControl[instruction.flowControl])
          ? instruction.nearBranchTarget || undefined : undefined,
        vector: features.some((name) => VECTOR_FEATURE.test(name)),
      });
      instruction.free();
    }
  } finally {
    formatter.free();
    decoder.free();
  }
  return lines;
}

/** The first instruction in `code`. */
export async function disassembleOne(code: Uint8Array, lin: bigint): Promise<Line> {
  const [line] = await disassemble(code.subarray(0, INSTRUCTION_BYTES_MAX), lin);
  return line ?? { lin, bytes: code, text: "(no code there)", vector: false };
}

export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
