// smpbox cflags: what gcc needs to compile a program for the box.
import { join } from "node:path";
import type { Command } from "commander";
import { packageRoot } from "../core/root.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";
import { shellLine } from "./options.ts";

/** The core has no SSE state yet: integer registers only. */
const FLAGS = [
  "-g", "-O2", "-static", "-no-pie", "-nostdlib", "-ffreestanding", "-mgeneral-regs-only",
  "-fno-stack-protector", "-fcf-protection=none",
  // Above the harness, which can time its functions
  "-Wl,-Ttext-segment=0x2000000",
];

export function cflagsVerb(program: Command, act: Act): void {
  program
    .command("cflags")
    .description("print the gcc flags for a program that runs on the box")
    .action(() =>
      act(() => {
        const include = join(packageRoot(), "workloads", "include");
        process.stdout.write(`${shellLine([...FLAGS, "-I", include])}\n`);
        return EXIT.held;
      }),
    );
}
