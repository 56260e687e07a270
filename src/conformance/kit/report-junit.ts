import { bySection, type ConformanceReport, countOf, type Result } from './report.ts';
import { sectionTitle } from './report-text.ts';

/** The report as JUnit XML, a suite for each section of the protocol: what build servers read. */
export function junitText({ runtime, results, failed, skipped }: ConformanceReport): string {
  const counts = `tests="${results.length}" failures="${failed}" skipped="${skipped}" time="${secondsOf(results)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escaped(`ARCP conformance of ${runtime.name} ${runtime.version}`)}" ${counts}>`,
    ...bySection(results).flatMap(suite),
    '</testsuites>',
    '',
  ].join('\n');
}

function suite([section, results]: [string, Result[]]): string[] {
  const name = escaped(`${section} ${sectionTitle(section)}`);
  const [failures, skipped] = [countOf(results, 'failed'), countOf(results, 'skipped')];
  const counts = `tests="${results.length}" failures="${failures}" skipped="${skipped}" time="${secondsOf(results)}"`;
  return [`  <testsuite name="${name}" ${counts}>`, ...results.map(testcase), '  </testsuite>'];
}

function testcase(result: Result): string {
  const { id, section, sentence, status, reason = '', transcript = [] } = result;
  const name = `classname="${escaped(section)}" name="${escaped(`${id} ${sentence}`)}" time="${secondsOf([result])}"`;
  if (status === 'passed') return `    <testcase ${name}/>`;
  const [first = ''] = reason.split('\n');
  const said =
    status === 'skipped'
      ? `<skipped message="${escaped(first)}"/>`
      : `<failure message="${escaped(first)}">${escaped([reason, '', ...transcript].join('\n'))}</failure>`;
  return `    <testcase ${name}>${said}</testcase>`;
}

function secondsOf(results: readonly Result[]): string {
  return (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // Control characters have no place in XML at all.
  return text.replace(/[&<>"]/g, (sign) => names[sign] ?? '').replace(/[^\P{Cc}\n\t]/gu, '\u{FFFD}');
}
