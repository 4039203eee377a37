import type { Catalogue, CatalogueTable } from './catalogue.js';
import { chooseFact, type FactChoice, type FactRole } from './choose-facts.js';
import { chooseGuest } from './choose-people.js';
import { choose, Judgement, type Choice } from './choice.js';
import type { ProposedFeed, ProposedRows, Proposal } from './proposal.js';
import { proposeAccount } from './propose-account.js';
import { isByQuestion, proposeCheckIn, proposeReferral, proposeSurvey } from './propose-facts.js';
import { proposeGuest } from './propose-guest.js';
import { proposeLedger } from './propose-ledger.js';
import { proposeRecharge } from './propose-recharge.js';
import { proposeStore } from './propose-store.js';
import { proposeCheck, proposeTransaction } from './propose-transaction.js';
import {
  proposeCard,
  proposeCardTemplate,
  proposeWalletDefinitions,
  proposeWallets,
  proposeWalletTable,
} from './propose-wallets.js';
import { lackingOfReference } from './reference-schema.js';
import { accountPath, MERCHANT, type Setting } from './setting.js';
import { settle, zoneOf } from './settle.js';
import { silentEvents } from './silent.js';
import { unnameable, unplacedTables, unreadColumns, withUnread } from './unplaced.js';
import { proposeTiers } from './propose-tier.js';
import { withMovingTimes } from './moving-times.js';
import { World } from './world.js';

type Section = ProposedFeed | ProposedRows;

/** What `connector.yaml` could say of a database, with reasons; decided by names, keys and references alone. */
export function propose(catalogue: Catalogue): Proposal {
  const lacking = lackingOfReference(catalogue);
  if (lacking !== null) return { tag: 'reference', lacking };
  const world = new World(catalogue);
  const { zone, notes: zoneNotes } = zoneOf(catalogue);
  const guest = chooseGuest(world);
  const setting = guest === null ? null : settle(world, guest, zone);
  if (guest === null || setting === null) {
    const unplaced = [...unplacedTables(world, null, [], new Map()), ...unnameable(catalogue)];
    return { tag: 'nothing', unplaced };
  }
  const facts = new Facts(setting);
  const sections = [
    merchant(setting),
    proposeCardTemplate(),
    ...present(proposeTiers(setting)),
    ...wallets(setting, facts),
    ...(setting.store === null ? [] : [proposeStore(setting, setting.store)]),
    proposeGuest(setting, guest),
    proposeAccount(setting),
    ...(setting.card === null ? [] : [proposeCard(setting, setting.card)]),
    ...proposeWallets(setting),
    ...facts.sections,
  ];
  const feeds = sections.filter((section) => section.tag === 'feed');
  const unread = unreadColumns(world, feeds);
  return {
    tag: 'mapping',
    database: catalogue.database,
    tables: catalogue.tables.length,
    zone,
    zoneNotes,
    sections: withMovingTimes(
      sections.map((section) => withUnread(section, sections, unread)),
      world,
    ),
    unplaced: [...unplacedTables(world, setting, feeds, facts.said), ...unnameable(catalogue)],
    silent: silentEvents(feeds),
  };
}

function merchant({ world, zone, currency }: Setting): ProposedRows {
  const name = world.catalogue.database;
  return {
    tag: 'rows',
    record: 'merchant',
    notes: [
      'One brand, which no table needs to tell.',
      ...(currency === null ? ['TODO the currency: no column says it.'] : []),
    ],
    rows: [{ merchant_id: MERCHANT, name, default_timezone: zone, currency: currency ?? 'USD' }],
  };
}

function wallets(setting: Setting, facts: Facts): Section[] {
  const has = (record: string): boolean => facts.sections.some((section) => section.record === record);
  const definitions = proposeWalletDefinitions(setting, {
    points: setting.wallets.points !== null || has('wallet') || has('wallet_entry'),
    storedValue: setting.wallets.storedValue !== null || has('recharge'),
  });
  return definitions === null ? [] : [definitions];
}

/** What guests did, each table as one kind of record: the kinds that are told apart best choose first. */
class Facts {
  readonly sections: Section[] = [];
  /** Tables that look like a record and make none, and why. */
  readonly said = new Map<CatalogueTable, string>();
  readonly #setting: Setting;
  readonly #taken: Set<CatalogueTable>;

  constructor(setting: Setting) {
    this.#setting = setting;
    const { guest, store, account, card } = setting;
    const settled = [
      guest,
      store?.table,
      account?.table,
      card?.tag === 'table' ? card.choice.table : undefined,
    ];
    this.#taken = new Set(settled.filter((table) => table !== undefined));
    this.#walletTable();
    const ledger = this.#choose('wallet_entry');
    const checkIn = this.#chooseApart('check_in');
    const transaction = this.#choose('transaction');
    const recharge = this.#choose('recharge');
    this.#transaction(transaction);
    if (ledger !== null) this.#ledger(ledger, transaction);
    if (recharge !== null) {
      this.sections.push(proposeRecharge(setting, recharge));
    }
    if (checkIn !== null) this.sections.push(proposeCheckIn(setting, checkIn));
    this.#survey();
    const referral = this.#choose('referral');
    if (referral !== null) this.sections.push(proposeReferral(setting, referral));
  }

  #choose(role: FactRole): FactChoice | null {
    const choice = chooseFact(this.#setting, role, this.#taken);
    if (choice !== null) this.#take(role, choice);
    return choice;
  }

  #take(role: FactRole, choice: FactChoice): void {
    this.#taken.add(choice.table);
    this.said.delete(choice.table);
    for (const { table } of choice.runnersUp) {
      if (!this.#taken.has(table)) {
        this.said.set(table, `a runner-up for ${role}; with a list of two tables there, both can be read`);
      }
    }
  }

  /** A visit is what there is instead of a sale, unless there are sales. */
  #chooseApart(role: 'check_in'): FactChoice | null {
    const choice = chooseFact(this.#setting, role, this.#taken);
    if (choice === null) return null;
    const instead = chooseFact(this.#setting, 'transaction', this.#taken);
    if (instead?.table === choice.table && this.#setting.world.named('check_in', choice.table) < 1)
      return null;
    this.#take(role, choice);
    return choice;
  }

  #walletTable(): void {
    const { world, wallets } = this.#setting;
    if (wallets.points !== null) return;
    const candidates = world.tables
      .filter((table) => !this.#taken.has(table) && accountPath(this.#setting, table) !== null)
      .map((table) => new Judgement(table, world.named('wallet', table)).candidate());
    const choice = choose(candidates);
    const path = choice === null ? null : accountPath(this.#setting, choice.table);
    if (choice === null || path === null) return;
    const feed = proposeWalletTable(this.#setting, { ...choice, path });
    if (feed === null) return;
    this.#taken.add(choice.table);
    this.sections.push(feed);
  }

  #transaction(choice: FactChoice | null): void {
    if (choice === null) return;
    this.sections.push(proposeTransaction(this.#setting, choice));
    const check = proposeCheck(this.#setting, choice);
    if (check !== null) this.sections.push(check);
  }

  #ledger(choice: FactChoice, transaction: FactChoice | null): void {
    const proposal = proposeLedger(this.#setting, choice, transaction);
    if (proposal.tag === 'feed') this.sections.push(proposal.feed);
    else this.said.set(choice.table, proposal.why);
  }

  #survey(): void {
    const { world } = this.#setting;
    const choice = this.#choose('survey_response');
    if (choice === null) return;
    if (isByQuestion(choice.table)) {
      this.said.set(
        choice.table,
        'has a row for each question; a survey response is one row for all its questions',
      );
      return;
    }
    const named = world.references
      .from(choice.table)
      .map(({ to }) => new Judgement(to, to === choice.table ? 0 : world.named('survey', to)).candidate());
    const survey: Choice | null = choose(named);
    const { survey: about, response } = proposeSurvey(this.#setting, choice, survey);
    this.sections.push(about, response);
  }
}

function present<T>(section: T | null): readonly T[] {
  return section === null ? [] : [section];
}
