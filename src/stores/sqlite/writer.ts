import type { StoreTrouble } from '../store.ts';
import { Batch } from './batch.ts';
import type { Database } from './database.ts';
import type { FromWorker, SqliteSettings, ToWorker } from './messages.ts';
import { troubleOf } from './trouble.ts';
import { Upkeep } from './upkeep.ts';

type Unit = ToWorker & { do: 'commit' };

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
  readonly #upkeep: Upkeep;

  constructor(
    database: Database,
    options: { file: string; settings: SqliteSettings; tell(message: FromWorker): void },
  ) {
    this.#database = database;
    this.#file = options.file;
    this.#settings = options.settings;
    this.#tell = options.tell;
    this.#upkeep = new Upkeep(database, options.settings);
  }

  take(unit: Unit): void {
    if (this.#trouble?.final) return;
    this.#units.push(unit);
    if (!this.#retry) this.#soon();
  }

  /** Tries now what waits to be tried again. */
  attempt(): void {
    this.#commit();
  }

  /** Commits nothing more. */
  end(): void {
    clearImmediate(this.#next);
    clearTimeout(this.#retry);
    this.#upkeep.end();
  }

  #soon(): void {
    // Behind the messages that have come in: they are committed together.
    this.#next ??= setImmediate(() => this.#commit());
  }

  #commit(): void {
    clearImmediate(this.#next);
    clearTimeout(this.#retry);
    this.#next = undefined;
    this.#retry = undefined;
    const { batch, units, position } = this.#gather();
    if (units === 0) return;
    try {
      this.#database.commit(batch.steps);
    } catch (error) {
      this.#fail(troubleOf(error, this.#file));
      return;
    }
    // A runtime with nothing to do still keeps its time: neither a sync nor giving space back is about that.
    if (batch.steps.some((step) => step.do !== 'time')) this.#upkeep.committed();
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
      this.#retry = setTimeout(() => this.#commit(), this.#settings.retryMs);
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
  }
}
