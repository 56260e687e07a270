import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

function shown({ isTTY }: { isTTY: boolean }) {
  const written: string[] = [];
  const at = { ms: 5000 };
  const stream = { isTTY, write: (text: string) => written.push(text) };
  const progress = new Progress('frames', { stream, uptime: () => at.ms });
  const tell = (seconds: number, done: number) => {
    at.ms = 5000 + seconds * 1000;
    progress.tell(done, 1000);
  };
  return { written, tell, progress };
}

test('a file is told how far a run is at most every ten seconds, with what is left at the pace so far', () => {
  const { written, tell, progress } = shown({ isTTY: false });
  for (let tenths = 1; tenths <= 250; tenths += 1) tell(tenths / 10, tenths);
  progress.end();
  expect(written).toEqual(['100 of 1000 frames, 10 %, 90 s left\n', '200 of 1000 frames, 20 %, 80 s left\n']);
});

test('a run that is over within ten seconds says nothing to a file', () => {
  const { written, tell, progress } = shown({ isTTY: false });
  tell(9.9, 1000);
  progress.end();
  expect(written).toEqual([]);
});

test('a terminal shows it in one line, which is gone at the end', () => {
  const { written, tell, progress } = shown({ isTTY: true });
  tell(0.1, 1);
  tell(1, 999);
  tell(1.1, 1000);
  tell(2, 1000);
  progress.end();
  expect(written).toEqual([
    '\r999 of 1000 frames, 99 %, 1 s left\u001b[K',
    '\r1000 of 1000 frames, 100 %, 0 s left\u001b[K',
    '\r\u001b[K',
  ]);
});
