import { memoryStore } from '../../src/stores/memory.ts';
import { everyStore } from './contract.ts';

everyStore('memory', async () => ({ store: memoryStore, intruder: memoryStore, discard: async () => {} }));
