// The client against a scripted runtime, in memory: each file of scenes, and then level (b) of the client chart, every transition of
// which these scenes have to take, as it runs in the client.
import './opening.ts';
import './coming-back.ts';
import './expiry.ts';
import './events.ts';
import './requests.ts';
import './handshake.ts';
import { expect, test } from 'vitest';
import { coverageText } from '../../src/conformance/index.ts';
import { chart } from './scripted.ts';

test('no transition that the client chart declares was left out', () => {
  console.info(coverageText(chart.report()));
  expect(chart.report().charts.flatMap(({ transitions }) => transitions.missing)).toEqual([]);
});
