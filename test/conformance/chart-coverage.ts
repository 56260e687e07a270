// What the generated walks take of each chart at level (a): the charts that run in production, alone.
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import {
  type ChartCoverage,
  ChartDriver,
  type ChartView,
  chartCoverage,
  drive,
  lifecyclePaths,
  policies,
  sessionWalks,
  walkChart,
} from '../../src/conformance/index.ts';
import { clientCases, clientInputs, jobCases, jobInputs } from './small-charts.ts';

/** Walks all three charts, and says by the name of each what was taken of it. */
export async function walkedCharts(): Promise<Map<string, ChartCoverage>> {
  const coverage = chartCoverage([sessionMachine, jobMachine, clientMachine]);
  const { inspect } = coverage;
  for (const { policy, scope } of policies) {
    for (const walk of sessionWalks({ policy, scope }).walks) await drive(new ChartDriver({ policy, inspect }), walk);
  }
  for (const input of jobInputs) {
    const { walks } = lifecyclePaths(jobMachine, { input, cases: jobCases });
    for (const walk of walks) walkChart(jobMachine, walk, { input, inspect });
  }
  const view = ({ context: { sessionId, patienceMs, losses } }: ChartView) => [
    sessionId,
    patienceMs > 0,
    Math.min(losses, 2),
  ];
  for (const input of clientInputs) {
    const { walks } = lifecyclePaths(clientMachine, { input, cases: clientCases, view });
    for (const walk of walks) walkChart(clientMachine, walk, { input, inspect });
  }
  return new Map(coverage.report().charts.map((chart) => [chart.chart, chart]));
}
