import { afterEach, describe, expect, test } from 'vitest';
import type { Transport } from '../../src/transports/transport.ts';

/** Two joined transports under test, and the acts on them that only their carrier can do. */
export interface Link {
  near: Transport;
  far: Transport;
  /** Stops and resumes the far end's taking of bytes. */
  stallFar(): void;
  resumeFar(): void;
  /** Makes the near end's peer receive these bytes as a frame that is not text. */
  sendBytesToFar(bytes: Uint8Array): void;
  /** Cuts the connection, so that neither end says goodbye. */
  cut(): void;
  /** Lets go of whatever carries the link. */
  end(): Promise<void>;
}

export interface Contract {
  open(): Promise<Link>;
  /** The code that the peer of a `close(code)` is told; streams have none to say. */
  codeTold(code: number): number;
  /** The carrier waits seconds for a peer that answers no close: too long for a test. */
  waitsLong?: boolean;
}

/** The longest frame that every link of the contract takes. */
export const frameBytesMax = 2 ** 20;

/** A transport as a test hears it: what came, and promises of what is to come. */
export function listen(transport: Transport) {
  const frames: (string | Uint8Array)[] = [];
  const ends: { code: number; reason: string }[] = [];
  let drains = 0;
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const check of waiting) check();
  };
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!isSo()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  transport.onMessage((data) => {
    frames.push(data);
    changed();
  });
  transport.onClose((code, reason) => {
    ends.push({ code, reason });
    changed();
  });
  transport.onDrain?.(() => {
    drains += 1;
    changed();
  });
  return {
    frames,
    ends,
    /** Resolves with the first `count` frames when they are in. */
    async heard(count: number) {
      await until(() => frames.length >= count);
      return frames.slice(0, count);
    },
    async ended() {
      await until(() => ends.length > 0);
      return ends[0];
    },
    async drained() {
      const before = drains;
      await until(() => drains > before);
    },
  };
}

/** The tests every transport passes: what `Transport` promises. */
// tidy: one list of tests
export function transportContract(name: string, { open, codeTold, waitsLong = false }: Contract): void {
  describe(`${name} keeps the contract of a transport`, { timeout: 30_000 }, () => {
    let link: Link;
    const opened = async () => {
      link = await open();
      return link;
    };
    afterEach(() => link.end());

    test('frames arrive whole and in order, both ways at once', async () => {
      const { near, far } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      const numbers = Array.from({ length: 500 }, (_, i) => `{"n":${i}}`);
      for (const text of numbers) {
        near.send(text);
        far.send(text);
      }
      expect(await atFar.heard(500)).toEqual(numbers);
      expect(await atNear.heard(500)).toEqual(numbers);
    });

    test('frames sent together arrive as the same frames, in their place', async () => {
      const { near, far } = await opened();
      const atFar = listen(far);
      const together = (texts: string[]) => (near.sendAll ? near.sendAll(texts) : texts.forEach(near.send, near));
      near.send('1');
      together(['2', '3', '4']);
      together([]);
      near.send('5');
      expect(await atFar.heard(5)).toEqual(['1', '2', '3', '4', '5']);
    });

    test('a frame never arrives inside the send that sent it', async () => {
      const { near, far } = await opened();
      const atFar = listen(far);
      near.send('1');
      expect(atFar.frames).toEqual([]);
      expect(await atFar.heard(1)).toEqual(['1']);
    });

    test('text of any script arrives unchanged', async () => {
      const { near, far } = await opened();
      const atFar = listen(far);
      const text = JSON.stringify({ text: 'naïve Ωμέγα 漢字 🎉👩‍👩‍👧 \u0000 \n "quoted"' });
      near.send(text);
      expect(await atFar.heard(1)).toEqual([text]);
    });

    test('a line separator in a frame is the same character to whoever parses it', async () => {
      const { near, far } = await opened();
      const atFar = listen(far);
      const value = { text: '\u2028 \u2029' };
      near.send(JSON.stringify(value));
      expect((await atFar.heard(1)).map((text) => JSON.parse(String(text)))).toEqual([value]);
    });

    test('a frame of the limit arrives whole', async () => {
      const { near, far } = await opened();
      const atFar = listen(far);
      const text = 'x'.repeat(frameBytesMax);
      near.send(text);
      const [frame] = await atFar.heard(1);
      expect(frame === text).toBe(true);
    });

    test('a frame that is not text arrives as bytes', async () => {
      const { far, sendBytesToFar } = await opened();
      const atFar = listen(far);
      sendBytesToFar(new Uint8Array([0xff, 0xfe, 1, 2]));
      const [frame] = await atFar.heard(1);
      expect(frame).toBeInstanceOf(Uint8Array);
      expect(typeof frame === 'string' ? [] : [...(frame ?? [])]).toEqual([0xff, 0xfe, 1, 2]);
    });

    test('frames, and the close behind them, wait for a receiver that registers late', async () => {
      const { near, far } = await opened();
      const atNear = listen(near);
      near.send('early');
      near.close(1000);
      if (!waitsLong) await atNear.ended();
      const atFar = listen(far);
      expect(await atFar.heard(1)).toEqual(['early']);
      expect((await atFar.ended())?.code).toBe(codeTold(1000));
    });

    test('a close tells both ends its code and reason, behind every frame sent before it', async () => {
      const { near, far } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      for (let i = 0; i < 100; i += 1) near.send(String(i));
      near.close(4001, 'superseded');
      expect(await atNear.ended()).toEqual({ code: 4001, reason: 'superseded' });
      expect((await atFar.ended())?.code).toBe(codeTold(4001));
      if (codeTold(4001) === 4001) expect(atFar.ends[0]?.reason).toBe('superseded');
      expect(atFar.frames.length).toBe(100);
    });

    test('the end is told once, and what is sent or closed after it is silently nothing', async () => {
      const { near, far } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      near.close(1000);
      near.close(4001);
      near.send('late');
      near.sendAll?.(['late', 'late']);
      await Promise.all([atNear.ended(), atFar.ended()]);
      near.close(1011);
      far.close(1011);
      far.send('late');
      far.sendAll?.(['late', 'late']);
      expect([near.unsentBytes?.() ?? 0, far.unsentBytes?.() ?? 0]).toEqual([0, 0]);
      await link.end();
      expect(atNear.frames).toEqual([]);
      expect(atFar.frames).toEqual([]);
      expect(atNear.ends).toHaveLength(1);
      expect(atFar.ends).toHaveLength(1);
    });

    test('both ends may close at once', async () => {
      const { near, far } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      near.close(1000);
      far.close(1000);
      await Promise.all([atNear.ended(), atFar.ended()]);
      await link.end();
      expect([atNear.ends.length, atFar.ends.length]).toEqual([1, 1]);
    });

    test('after its own close an end hears no frame any more', async () => {
      const { near, far } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      far.send('on its way');
      near.close(1000);
      await Promise.all([atNear.ended(), atFar.ended()]);
      expect(atNear.frames).toEqual([]);
    });

    test('a listener of the end that registers late is told all the same', async () => {
      const { near, far } = await opened();
      far.onMessage(() => {});
      near.onMessage(() => {});
      const atFar = new Promise((resolve) => far.onClose((code) => resolve(code)));
      near.close(4001);
      expect(await atFar).toBe(codeTold(4001));
      const late = await new Promise((resolve) => far.onClose((code) => resolve(code)));
      expect(late).toBe(codeTold(4001));
    });

    test('a link that breaks tells both ends 1006', async () => {
      const { near, far, cut } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      near.send('1');
      await atFar.heard(1);
      cut();
      expect((await atNear.ended())?.code).toBe(1006);
      expect((await atFar.ended())?.code).toBe(1006);
    });

    test('any code and any reason can be closed with', async () => {
      for (const [code, reason] of [
        [1002, 'ü'.repeat(200)],
        [1005, ''],
        [0, 'no such code'],
        [1006, 'broken'],
      ] as const) {
        const { near, far, end } = await opened();
        const [atNear, atFar] = [listen(near), listen(far)];
        near.close(code, reason);
        await Promise.all([atNear.ended(), atFar.ended()]);
        await end();
      }
    });

    test('bytes a peer does not take are counted, and told when it takes them', async () => {
      const { near, far, stallFar, resumeFar } = await opened();
      const [atNear, atFar] = [listen(near), listen(far)];
      stallFar();
      const frame = 'x'.repeat(64 * 1024);
      let sent = 0;
      while ((near.unsentBytes?.() ?? 0) < 2 ** 20 && sent < 2000) {
        near.send(frame);
        sent += 1;
      }
      expect(near.unsentBytes?.()).toBeGreaterThanOrEqual(2 ** 20);
      const drained = atNear.drained();
      resumeFar();
      await drained;
      expect(near.unsentBytes?.()).toBeLessThan(2 ** 20 + frame.length);
      while ((near.unsentBytes?.() ?? 0) > 0) await atNear.drained();
      expect((await atFar.heard(sent)).every((text) => text === frame)).toBe(true);
    });

    test('a close with bytes untaken ends, whether or not the peer ever takes them', async () => {
      const { near, far, stallFar, resumeFar } = await opened();
      const atNear = listen(near);
      listen(far);
      stallFar();
      // More than any kernel holds.
      for (let i = 0; i < 2000 && (near.unsentBytes?.() ?? 0) < 2 ** 25; i += 1) near.send('x'.repeat(64 * 1024));
      near.close(4003, 'slow consumer');
      if (waitsLong) resumeFar();
      expect(await atNear.ended()).toBeDefined();
    });
  });
}
