import { bySection, type ConformanceReport, countOf, type Result } from './report.ts';

const titles: Readonly<Record<string, string>> = {
  '§4': 'envelope and frames',
  '§6.1': 'handshake',
  '§6.2': 'features',
  '§6.3': 'resume',
  '§6.4': 'heartbeat',
  '§6.5': 'acknowledgement',
  '§6.6': 'listing jobs',
  '§6.7': 'close and bye',
  '§7': 'jobs',
  '§7.4': 'cancelling',
  '§7.6': 'subscribing',
  '§8': 'events and numbering',
  '§12': 'errors',
  walks: 'generated walks',
};

/** What a section of the protocol is about. */
export function sectionTitle(section: string): string {
  return titles[section] ?? '';
}

/** What was found out about the runtime before the first check. */
export function headText(report: Omit<ConformanceReport, 'results' | 'passed' | 'failed' | 'skipped'>): string {
  const { url, runtime, profile, agents, notes } = report;
  const leaves = [profile.close ?? 'no close', profile.bye ?? 'no bye'].join(', ');
  return [
    `ARCP 1.1 conformance of ${url}`,
    `  runtime   ${runtime.name} ${runtime.version}`.trimEnd(),
    `  speaks    resume: ${profile.understands.join(', ') || 'none'}; ${leaves}; answers name their request by ${profile.correlation}`,
    `  agents    echo: ${agents.echo ?? 'none'}; slow: ${agents.slow ?? 'none'}`,
    ...notes.map((note) => `  note      ${note}`),
    '',
  ].join('\n');
}

const marks = { passed: '✓', failed: '✗', skipped: '-' } as const;

/** One line as a check is done. */
export function progressText({ id, status, sentence, reason }: Result): string {
  return `  ${marks[status]} ${id.padEnd(7)} ${sentence}${status === 'skipped' ? ` (skipped: ${reason})` : ''}`;
}

/** The end of a run: what failed, with its frames, what was skipped, and a table by section. */
export function summaryText(report: ConformanceReport): string {
  const { results, passed, failed, skipped } = report;
  const parts = results.filter(({ status }) => status === 'failed').map(failureText);
  const seconds = results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const verdict = failed === 0 ? 'conforms in everything that was checked' : 'does not conform';
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds.toFixed(1)} seconds`;
  return ['', ...parts, tableText(results), '', `${report.runtime.name} ${verdict}: ${counts}`].join('\n');
}

function failureText({ id, section, sentence, reason = '', transcript = [] }: Result): string {
  const frames = transcript.map((line) => `    ${line}`);
  return [
    `✗ ${id} (${section}) is broken: ${sentence}`,
    ...reason.split('\n').map((line) => `  ${line}`),
    ...(frames.length === 0
      ? []
      : ['', '  What was sent (→) and received (←), each connection with its number:', ...frames]),
    '',
  ].join('\n');
}

function tableText(results: readonly Result[]): string {
  const rows = bySection(results).map(([section, own]) => [
    `${section.padEnd(6)} ${sectionTitle(section)}`,
    ...(['passed', 'failed', 'skipped'] as const).map((status) => String(countOf(own, status))),
  ]);
  const head = ['section', 'passed', 'failed', 'skipped'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`;
  return [head, widths.map((width) => '─'.repeat(width)), ...rows].map(line).join('\n');
}
