import { durableStore, everyStore } from './contract.ts';
import { driversHere, sqliteMedium } from './sqlite-medium.ts';

for (const driver of driversHere()) {
  everyStore(`sqlite with ${driver}`, () => sqliteMedium({ driver }));
  durableStore(`sqlite with ${driver}`, () => sqliteMedium({ driver }));
}
