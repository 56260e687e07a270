import { MultiBar, type SingleBar } from 'cli-progress';
import type { EventBodies } from '../wire/messages.ts';
import { oneLine } from './event-text.ts';

type Progress = EventBodies['progress'];

/** Where a person watches a job. */
export interface Display {
  line(text: string): void;
  progress(progress: Progress): void;
  /** Nothing moves any more; what comes later is plain lines. */
  close(): void;
}

/** One line for everything. */
export function lines(stream: NodeJS.WriteStream): Display {
  const line = (text: string) => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    progress: ({ current, total, units, message }) => {
      const done = total === undefined ? `${current}` : `${current}/${total}`;
      line(oneLine(`progress: ${done} ${units ?? ''} ${message ?? ''}`));
    },
    close: () => {},
  };
}

/** A bar for the progress, once there is any, and lines above it. */
export function progressBar(stream: NodeJS.WriteStream): Display {
  const plain = lines(stream);
  const bars = new MultiBar({
    stream,
    linewrap: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
  });
  let bar: SingleBar | undefined;
  let state: 'drawing' | 'done' = 'drawing';
  return {
    line: (text) => {
      if (bar === undefined || state === 'done') plain.line(text);
      else bars.log(`${text}\n`);
    },
    progress: (progress) => {
      if (state === 'done') return;
      const { current, total, units = '', message = '' } = progress;
      const payload = { units: oneLine(units), message: oneLine(message) };
      const format =
        total === undefined ? '{value} {units} {message}' : '{bar} {percentage}% {value}/{total} {units} {message}';
      bar ??= bars.create(total ?? 0, current, payload, { format });
      if (total !== undefined) bar.setTotal(total);
      bar.update(current, payload);
    },
    close: () => {
      if (bar !== undefined && state === 'drawing') {
        // What was logged since the last drawing is drawn by an update, not by the stop.
        bars.update();
        bars.stop();
      }
      state = 'done';
    },
  };
}
