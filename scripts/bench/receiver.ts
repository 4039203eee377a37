import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.js';

/** What arrived since the last taking, in order. */
export interface Taken {
  readonly messageIds: string[];
  /** Arrival of each request, milliseconds since 1970, and how many of the message ids came with it. */
  readonly requests: { readonly atMs: number; readonly events: number }[];
  /** Requests answered with 429. */
  limited: number;
}

export type ReceiverCommand =
  | { readonly tag: 'begin'; readonly delayMs: number; readonly most: number | null }
  | { readonly tag: 'count' }
  | { readonly tag: 'take' };

export type ReceiverReply = Taken | { readonly events: number } | { readonly port: number };

export interface ReceiverOptions {
  /** From the end of a request to its answer. Default 0: at once. */
  readonly delayMs?: number;
  /** Events in any second beyond which the answer is 429. Default: none. */
  readonly most?: number;
}

/** The receiver's process, as the bench sees it. */
export class BenchReceiver implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #lastId = 0;
  url = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, value }: { id: number; value: unknown }) => {
      this.#waiting.get(id)?.(value);
      this.#waiting.delete(id);
    });
  }

  static async start(): Promise<BenchReceiver> {
    const program = new URL('./receiver-process.ts', import.meta.url).pathname;
    const child = fork(program, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    await once(child, 'message');
    const receiver = new BenchReceiver(child);
    await receiver.begin();
    return receiver;
  }

  /** Forgets what came so far, and answers like this from now on. */
  async begin(options: ReceiverOptions = {}): Promise<void> {
    const { port } = (await this.#ask({
      tag: 'begin',
      delayMs: options.delayMs ?? 0,
      most: options.most ?? null,
    })) as { port: number };
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves when so many events have arrived. @throws what `failed` rejects with */
  async received(events: number, failed?: Promise<never>): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      ((await this.#ask({ tag: 'count' })) as { events: number }).events >= events;
    await until(isThere, `${events} events`, { everyMs: 50, ...(failed === undefined ? {} : { failed }) });
  }

  async take(): Promise<Taken> {
    return (await this.#ask({ tag: 'take' })) as Taken;
  }

  async #ask(command: ReceiverCommand): Promise<unknown> {
    const id = (this.#lastId += 1);
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, command });
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
