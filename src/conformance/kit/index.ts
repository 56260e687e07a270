// The conformance kit: any ARCP runtime behind a URL, held against the protocol.
export { documentText } from './document.ts';
export { type Profile, profiles } from './profiles.ts';
export type { ConformanceReport, Result } from './report.ts';
export { junitText } from './report-junit.ts';
export { headText, progressText, summaryText } from './report-text.ts';
export { allRequirementIds } from './requirements/index.ts';
export { type ConformanceOptions, runConformance } from './run.ts';
