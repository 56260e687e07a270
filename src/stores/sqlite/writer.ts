import type { StoreTrouble } from '../store.ts';
import { Batch } from './batch.ts';
import type { Database } from './database.ts';
import type { FromWorker, SqliteSettings, ToWorker } from './messages.ts';
import { troubleOf } from './trouble.ts';

type Unit = ToWorker & { do: 'commit' };

/** How much free space is given back at a time: some milliseconds of work. */
const vacuumPages = 128;

/**
 * Commits what it is given, in order: whatever has come together while the commit before was made is one commit. What fails is
 * tried again, with all behind it; then in small commits, which larger ones follow while they succeed.
 */
export class Writer {
  readonly #database: Database;
  readonly #file: string;
  readonly #settings: SqliteSettings;
  readonly #tell: (message: FromWorker) => void;
  readonly #units: Unit[] = [];
  #unitsMax = Number.POSITIVE_INFINITY;
  #trouble: StoreTrouble | undefined;
  #next: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #vacuum: NodeJS.Timeout | undefined;

  constructor(
    database: Database,
    options: { file: string; settings: SqliteSettings; tell(message: FromWorker): void },
  ) {
    this.#database = database;
    this.#file = options.file;
    this.#settings = options.settings;
    this.#tell = options.tell;
  }

  take(unit: Unit): void {
    if (this.#trouble?.final) return;
    this.#units.push(unit);
    if (!this.#retry) this.#soon();
  }

  /** Tries now what waits to be tried again. */
  attempt(): void {
    if (this.#units.length === 0) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#commit();
  }

  /** Commits nothing more. */
  end(): void {
    clearImmediate(this.#next);
    clearTimeout(this.#retry);
    clearTimeout(this.#vacuum);
  }

  #soon(): void {
    // Behind the messages that have come in: they are committed together.
    this.#next ??= setImmediate(() => {
      this.#next = undefined;
      this.#commit();
    });
  }

  #commit(): void {
    const { batch, units, position } = this.#gather();
    if (units === 0) return;
    try {
      this.#database.commit(batch.steps);
    } catch (error) {
      this.#fail(troubleOf(error, this.#file));
      return;
    }
    this.#units.splice(0, units);
    this.#unitsMax *= 2;
    if (this.#units.length > 0) this.#soon();
    else this.#rest();
    this.#tell({ did: 'commit', position });
  }

  #gather(): { batch: Batch; units: number; position: number } {
    const batch = new Batch();
    let units = 0;
    let position = 0;
    for (const unit of this.#units) {
      if (units > 0 && (units >= this.#unitsMax || batch.length + unit.length > this.#settings.commitBytes)) break;
      for (const step of unit.steps) batch.addStep(step);
      units += 1;
      position = unit.position;
    }
    return { batch, units, position };
  }

  #fail(trouble: StoreTrouble): void {
    this.#trouble = trouble;
    this.#unitsMax = 1;
    if (trouble.final) this.#units.length = 0;
    else {
      if (trouble.reason === 'full') this.#makeRoom();
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#commit();
      }, this.#settings.retryMs);
    }
    this.#tell({ did: 'fail', trouble });
  }

  /** Where there is no room, what may go goes first: a trim is no promise to anyone, and may be done again in its turn. */
  #makeRoom(): void {
    const trims = this.#units.flatMap(({ steps }) => steps.filter((step) => step.do === 'trim'));
    try {
      this.#database.commit(trims);
    } catch {
      // Not for this either. It is tried again with the rest.
    }
  }

  /** Everything is committed. */
  #rest(): void {
    this.#unitsMax = Number.POSITIVE_INFINITY;
    if (this.#trouble) {
      this.#trouble = undefined;
      this.#tell({ did: 'fail', trouble: undefined });
    }
    this.#vacuum ??= setTimeout(() => this.#giveBack(), this.#settings.vacuumIdleMs);
  }

  /** Gives free space back, step by step, while there is nothing else to do. */
  #giveBack(): void {
    this.#vacuum = undefined;
    if (this.#units.length > 0 || this.#trouble) return;
    try {
      const surplus = this.#database.freePages - this.#settings.freePages;
      if (surplus <= 0) return;
      this.#database.vacuum(Math.min(surplus, vacuumPages));
      this.#vacuum = setTimeout(() => this.#giveBack(), 0);
    } catch (error) {
      // Nothing is lost by it: what is free stays free, and whatever ails the medium is told by the next commit that fails.
      if (troubleOf(error, this.#file).final) this.#fail(troubleOf(error, this.#file));
    }
  }
}
