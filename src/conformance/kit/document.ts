import { bySection, type ConformanceReport, type Result } from './report.ts';
import { sectionTitle } from './report-text.ts';

/** A report as a document that can be kept: what was checked and how it went, and nothing that differs from run to run. */
export function documentText({ runtime, profile, results, passed, failed, skipped }: ConformanceReport): string {
  const walks = results.filter(({ section }) => section === 'walks');
  return [
    '# Conformance',
    '',
    'What the conformance kit asks of an ARCP 1.1 runtime, and how this project’s own answered. Made by a run of the kit',
    '(`npx vitest run test/conformance/kit --update`); a test fails when it is stale. [testing.md](testing.md) says how to run the kit',
    'against any other runtime.',
    '',
    `${passed} passed, ${failed} failed, ${skipped} skipped. The runtime, ${runtime.name}, was spoken to from outside only, over WebSocket;`,
    `resumes spelled as ${profile.understands.map((spelling) => `\`${spelling}\``).join(', ')}.`,
    ...bySection(results.filter(({ section }) => section !== 'walks')).flatMap(sectionText),
    '',
    '## Generated walks',
    '',
    'Paths through the session chart that take every handshake, resume, drop, close and bye that a client can bring about from',
    'outside, in every state in which it can.',
    '',
    '| walk | begins with | |',
    '| --- | --- | --- |',
    ...walks.map(row),
    '',
  ].join('\n');
}

function sectionText([section, results]: [string, Result[]]): string[] {
  return [
    '',
    `## ${section} ${sectionTitle(section)}`,
    '',
    '| id | requirement | |',
    '| --- | --- | --- |',
    ...results.map(row),
  ];
}

function row({ id, sentence, status, reason = '' }: Result): string {
  const [first = ''] = reason.split('\n');
  return `| ${id} | ${sentence} | ${status}${status === 'passed' ? '' : `: ${first}`} |`;
}
