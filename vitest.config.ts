import { defineConfig } from "vitest/config";

export default defineConfig({
  // Only what hangs is ended by time: hosts are slow and shared.
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Two at a time: the machines under test start threads of their own.
    maxWorkers: 2,
  },
});
