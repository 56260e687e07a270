// Paths through a lifecycle, made from the chart that runs, and what was covered of it.

export type { ChartJson, TransitionJson } from '../diagram/json.ts';
export type { DrawingOptions } from '../diagram/painting.ts';
export { diagram, drawSvg, MissingPackageError } from '../diagram.ts';
export { ChartDriver, type ChartDriverOptions } from './chart-driver.ts';
export type { ChartView, Told } from './chart-moment.ts';
export { type ChartWalkOptions, walkChart } from './chart-walk.ts';
export {
  type ChartCoverage,
  type CoverageReport,
  chartCoverage,
  coverageText,
  type DeclaredTransition,
  declaredTransitions,
} from './coverage.ts';
export { compare, drive, type Observed, type SessionDriver, WalkError } from './driver.ts';
export { type ConformanceOptions, type ConformanceReport, runConformance } from './kit/index.ts';
export type { Ability, Act } from './model.ts';
export { type Case, type LifecyclePaths, lifecyclePaths, type Moment, type PathOptions, type Step } from './paths.ts';
export type { Answer, Outcome, Policy, Reference } from './reference.ts';
export { type Deed, policies, type SessionStep, type SessionWalkOptions, sessionWalks } from './session-walks.ts';
export { WireDriver } from './wire-driver.ts';
