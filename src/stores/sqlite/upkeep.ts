import type { Database } from './database.ts';
import type { SqliteSettings } from './messages.ts';

type UpkeepSettings = Pick<SqliteSettings, 'syncMs' | 'vacuumIdleMs' | 'freePages'>;

/** How much free space is given back at a time: some milliseconds of work. */
const vacuumPages = 128;

/**
 * What is done beside commits. Some time after a commit all is brought into the database and synced, so that a power cut
 * under `NORMAL` costs little more than that time; and when nothing has been written for a while, free space is given back.
 * Where it fails nothing is lost: the next commit, or the next time, tells what ails the medium.
 */
export class Upkeep {
  readonly #database: Database;
  readonly #settings: UpkeepSettings;
  #sync: NodeJS.Timeout | undefined;
  #vacuum: NodeJS.Timeout | undefined;

  constructor(database: Database, settings: UpkeepSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  /** Something was committed. */
  committed(): void {
    const { syncMs, vacuumIdleMs } = this.#settings;
    this.#sync ??= setTimeout(() => {
      this.#sync = undefined;
      attempt(() => this.#database.sync());
    }, syncMs);
    if (this.#vacuum) this.#vacuum.refresh();
    else this.#vacuum = setTimeout(() => this.#giveBack(), vacuumIdleMs);
  }

  end(): void {
    clearTimeout(this.#sync);
    clearTimeout(this.#vacuum);
  }

  /** Step by step: a commit that comes meanwhile waits for one of them. */
  #giveBack(): void {
    this.#vacuum = undefined;
    attempt(() => {
      const surplus = this.#database.freePages - this.#settings.freePages;
      if (surplus <= 0) return;
      this.#database.vacuum(Math.min(surplus, vacuumPages));
      this.#vacuum = setTimeout(() => this.#giveBack(), 0);
    });
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Told by the next commit that meets it.
  }
}
