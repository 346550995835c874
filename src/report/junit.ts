// Results in JUnit's XML, which continuous integration reads: a suite of cases, each held, failed
// (what it says does not hold), broken (it could not be asked) or skipped.
import { escaped } from "./svg.ts";

export interface JUnitCase {
  /** What groups them: an engine, a row. */
  group: string;
  name: string;
  outcome: "held" | "failed" | "broken" | "skipped";
  /** Why, unless it held. */
  message?: string;
}

const ELEMENTS = { failed: "failure", broken: "error", skipped: "skipped" } as const;

/** XML 1.0 has no other control characters, not even escaped. */
const plain = (text: string) => escaped(text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, "?"));

export function junitText(suite: string, cases: readonly JUnitCase[]): string {
  const count = (outcome: JUnitCase["outcome"]) =>
    cases.filter((item) => item.outcome === outcome).length;
  const counts = `tests="${cases.length}" failures="${count("failed")}" ` +
    `errors="${count("broken")}" skipped="${count("skipped")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="${plain(suite)}" ${counts}>`,
    ...cases.map(({ group, name, outcome, message = outcome }) => {
      const head = `<testcase classname="${plain(group)}" name="${plain(name)}"`;
      if (outcome === "held") return `${head}/>`;
      return `${head}><${ELEMENTS[outcome]} message="${plain(message)}"/></testcase>`;
    }),
    "</testsuite>", "</testsuites>", "",
  ].join("\n");
}
