// Programs that a test may need. A test skips without one, with one line that says so; in CI, where
// .ci/run installs them, it fails instead.
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

/** Is `command` there? */
export function hasTool(command: string, packageName: string): boolean {
  const found = spawnSync(command, ["--version"]).status === 0;
  if (!found) console.log(`skipped: ${command} is not installed (apt-get install ${packageName})`);
  if (process.env.CI === "true") {
    it(`CI has ${command}`, () => expect(found, `apt-get install ${packageName}`).toBe(true));
  }
  return found;
}
