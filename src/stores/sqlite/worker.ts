// The thread that has the file open: one for each store, so that no commit ever holds up the event loop of the runtime.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Database, openDatabase } from './database.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { refusalOf } from './trouble.ts';
import { Writer } from './writer.ts';

if (parentPort) serve(parentPort, workerData);

function serve(port: MessagePort, { file, settings }: WorkerStart): void {
  const tell = (message: FromWorker): void => port.postMessage(message);
  const database = opened(file, settings, tell);
  if (!database) return port.close();
  const writer = new Writer(database, { file, settings, tell });
  port.on('message', (message: ToWorker) => {
    switch (message.do) {
      case 'commit':
        return writer.take(message);
      case 'read':
        return tell(answer(database, message));
      case 'attempt':
        return writer.attempt();
      case 'close':
        writer.end();
        close(database);
        port.close();
    }
  });
}

function opened(
  file: string,
  settings: WorkerStart['settings'],
  tell: (message: FromWorker) => void,
): Database | undefined {
  try {
    const { database, recovered } = openDatabase(file, settings);
    tell({ did: 'open', recovered });
    return database;
  } catch (error) {
    tell({ did: 'refuse', message: refusalOf(error, file) });
    return undefined;
  }
}

function answer(database: Database, { request, log, fromSeq, toSeq }: ToWorker & { do: 'read' }): FromWorker {
  try {
    return { did: 'read', request, texts: database.readFrames(log, fromSeq, toSeq) };
  } catch (error) {
    return { did: 'misread', request, message: error instanceof Error ? error.message : String(error) };
  }
}

function close(database: Database): void {
  try {
    database.close();
  } catch {
    // What is committed is in the file or in its log, and the next to open finds both.
  }
}
