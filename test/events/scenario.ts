import type { EventSettings } from '../../src/config/source.js';
import { deriveEvents } from '../../src/events/derive.js';
import type { Derived } from '../../src/events/event.js';
import type { Commit, Transition } from '../../src/records/commit.js';
import type { Row, TableName } from '../../src/records/tables.js';
import { exampleCommits, runCommit, worldAt } from './example-rows.js';
import { settingsOf, World } from './world.js';

export const ACCOUNT = '998877';
export const GUEST = '300501';
export const PURCHASE = '5501234580';
export const IDENTIFICATION = '5501234570';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface SentCall {
  readonly type: 'track' | 'identify';
  readonly event?: string;
  readonly messageId: string;
  readonly userId?: string;
  readonly anonymousId: string;
  readonly timestamp: string;
  readonly context: { readonly timezone: string };
  readonly properties: { readonly [key: string]: Json };
  readonly traits: { readonly [key: string]: Json };
}

/** One of the example commits, to be changed before its events are derived. */
export class Scenario {
  readonly world: World;
  commit: Commit;
  settings: EventSettings = settingsOf();
  readonly notRepresentable: string[] = [];

  constructor(commitName: string) {
    ({ world: this.world, commit: this.commit } = worldAt(commitName));
  }

  /** Changes what the source asks for. */
  source(changes: Partial<EventSettings>): this {
    this.settings = settingsOf(changes);
    return this;
  }

  rows(changes: Partial<Commit>): this {
    this.commit = { ...this.commit, ...changes };
    return this;
  }

  patch<T extends TableName>(table: T, key: string, values: Partial<Row<T>>): this {
    this.world.patch(table, key, values);
    return this;
  }

  header(values: Partial<Row<'txn.transaction'>>): this {
    const headers = [...this.commit.transactions.values()].map((each) => ({ ...each, ...values }));
    return this.rows({ transactions: new Map(headers.map((each) => [each.transaction_id, each])) });
  }

  transition<K extends 'accounts' | 'referrals' | 'recharges' | 'responses'>(
    kind: K,
    change: (each: TransitionOf<K>) => { before: unknown; after: unknown },
  ): this {
    const changed = [...this.commit[kind]].map(
      ([key, each]) => [key, change(each as TransitionOf<K>)] as const,
    );
    return this.rows({ [kind]: new Map(changed) } as unknown as Partial<Commit>);
  }

  derived(): Derived[] {
    const { commit, world, settings } = this;
    const observer = { notRepresentable: (column: string) => this.notRepresentable.push(column) };
    return [...deriveEvents({ commit, facts: world, settings, observer })];
  }

  /** Names of the track calls, in order; a call that was set aside fails the test. */
  names(): string[] {
    const calls = this.derived();
    const rejected = calls.filter((call) => call.tag === 'rejected');
    if (rejected.length > 0) throw new Error(`set aside: ${JSON.stringify(rejected)}`);
    return calls.map((call) => call.name).filter((name) => name !== 'identify');
  }

  call(name: string): SentCall {
    const found = this.derived().find((call) => call.name === name);
    if (found?.tag !== 'event') throw new Error(`${name} was not sent: ${JSON.stringify(found)}`);
    return JSON.parse(found.json) as SentCall;
  }

  /** JSON text of the call, for what parsing would hide. */
  text(name: string): string {
    return this.derived().find((call) => call.name === name)?.json ?? '';
  }
}

type TransitionOf<K> = K extends 'accounts'
  ? Transition<'loyalty.account'>
  : K extends 'referrals'
    ? Transition<'loyalty.referral'>
    : K extends 'recharges'
      ? Transition<'txn.recharge'>
      : Transition<'survey.response'>;

export function at(commitName: string): Scenario {
  return new Scenario(commitName);
}

/** Everything the examples do, in one commit. */
export function everythingAtOnce(): Scenario {
  const scenario = at('survey-completion');
  const world = new World();
  const commits = exampleCommits().map((example) => runCommit(world, example));
  const merged = <
    K extends 'transactions' | 'entries' | 'accounts' | 'checkins' | 'referrals' | 'recharges' | 'responses',
  >(
    kind: K,
  ) => new Map(commits.flatMap((commit) => [...(commit[kind] as ReadonlyMap<string, object>)]));
  const kinds = ['transactions', 'entries', 'checkins', 'referrals', 'recharges', 'responses'] as const;
  const all = Object.fromEntries(kinds.map((kind) => [kind, merged(kind)]));
  const accounts = new Map(commits.flatMap((commit) => [...commit.accounts]).reverse());
  return scenario.rows({ ...all, accounts });
}
