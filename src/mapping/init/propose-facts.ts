import { isUnique, keyOf, type CatalogueTable } from './catalogue.js';
import type { FactChoice } from './choose-facts.js';
import { notesOf, type Choice } from './choice.js';
import { ORIGIN, REFERRAL_STATUS, RESPONSE_STATUS } from './code-words.js';
import { pick } from './columns.js';
import { FeedDraft, idOf } from './feed-draft.js';
import type { ProposedFeed, ProposedRows } from './proposal.js';
import { accountId, cardId, MERCHANT, storeId, type Setting } from './setting.js';
import { codesValue, momentValue, optionalMoment } from './values.js';
import { FACT_WISHES } from './wishes/fact.js';
import { SURVEY_WISHES } from './wishes/survey.js';
import { wordsOf } from './words.js';

export function proposeCheckIn(setting: Setting, choice: FactChoice): ProposedFeed {
  const draft = begun('check_in', choice);
  draft.set('checkin_id', idOf(keyOf(choice.table) ?? []));
  draft.set('account_id', accountId(setting, draft, choice.path));
  const card = cardId(setting, draft);
  if (card !== null) draft.set('card_id', card);
  const store = storeId(setting, draft);
  if (store !== null) draft.set('store_id', store);
  channel(draft, 'POS');
  const when =
    pick(choice.table, FACT_WISHES.checkedInAt)?.column ?? pick(choice.table, FACT_WISHES.recordedAt)?.column;
  const said = when === undefined ? null : momentValue(when, when.name, setting.zone);
  draft.set(
    'checkin_time',
    said?.value ?? { commit_time: true },
    said === null ? 'no column says when' : said.why,
  );
  return draft.finish();
}

export function proposeReferral(setting: Setting, choice: FactChoice): ProposedFeed {
  const { table } = choice;
  const draft = begun('referral', choice);
  const { referrer, referred } = bothEnds(setting, table, choice);
  draft.set('referral_id', idOf(keyOf(table) ?? []));
  draft.set('referrer_account_id', accountId(setting, draft, referrer));
  if (referred !== null) draft.set('referred_account_id', accountId(setting, draft, referred));
  channel(draft, 'GUEST_WEBSITE');
  const status = pick(table, FACT_WISHES.status)?.column;
  const said =
    status === undefined
      ? null
      : codesValue(status, status.name, { meanings: REFERRAL_STATUS, otherwise: 'SENT' });
  draft.set(
    'status',
    said?.value ?? { value: 'SENT' },
    said?.why ?? 'Referral is sent for a row inserted as SENT',
  );
  const when = pick(table, FACT_WISHES.recordedAt)?.column ?? pick(table, FACT_WISHES.actedAt)?.column;
  const at = when === undefined ? null : momentValue(when, when.name, setting.zone);
  draft.set('created_at', at?.value ?? { commit_time: true }, at?.why ?? null);
  return draft.finish();
}

const FRIEND = new Set(['referred', 'referee', 'friend', 'invited', 'invitee', 'new', 'to']);

/** Who recommended, and who was: two references to the same table, told apart by their words. */
function bothEnds({ world }: Setting, table: CatalogueTable, { path }: FactChoice) {
  const [first] = path;
  const ends = world.references.from(table).filter(({ to }) => to === first?.to && path.length === 1);
  const isFriend = (columns: readonly string[]): boolean =>
    columns.some((name) => {
      const words = wordsOf(name);
      return !words.includes('by') && words.some((word) => FRIEND.has(word));
    });
  const friend = ends.find(({ columns }) => isFriend(columns));
  const other = ends.find((end) => end !== friend);
  if (friend === undefined || other === undefined) return { referrer: path, referred: null };
  return { referrer: [other], referred: [friend] };
}

export interface SurveyProposal {
  readonly survey: ProposedFeed | ProposedRows;
  readonly response: ProposedFeed;
}

export function proposeSurvey(setting: Setting, choice: FactChoice, survey: Choice | null): SurveyProposal {
  const { table } = choice;
  const { world } = setting;
  const draft = begun('survey_response', choice);
  const link =
    survey === null ? undefined : world.references.from(table).find(({ to }) => to === survey.table);
  draft.set('response_id', idOf(keyOf(table) ?? []));
  const surveyKey = survey === null ? null : keyOf(survey.table);
  const known = link !== undefined && survey !== null && surveyKey !== null;
  draft.set('survey_id', known ? draft.keyAt([link], surveyKey) : { value: ONLY_SURVEY });
  draft.set('account_id', accountId(setting, draft, choice.path));
  const store = storeId(setting, draft);
  if (store !== null) draft.set('store_id', store);
  const status = pick(table, FACT_WISHES.status)?.column;
  const said =
    status === undefined
      ? null
      : codesValue(status, status.name, { meanings: RESPONSE_STATUS, otherwise: 'STARTED' });
  draft.set('status', said?.value ?? { value: 'COMPLETED' }, said?.why ?? null);
  surveyTimes(setting, draft);
  for (const [column, wish] of [
    ['overall_score', SURVEY_WISHES.score],
    ['nps', SURVEY_WISHES.nps],
  ] as const) {
    const found = pick(table, wish, ({ name }) => world.references.isReference(table, name))?.column;
    if (found !== undefined) draft.set(column, found.name);
  }
  const comment = pick(table, SURVEY_WISHES.comment)?.column;
  if (comment !== undefined) draft.set('comment', comment.name, 'only whether there is one is sent');
  channel(draft, 'GUEST_WEBSITE');
  return {
    survey: known ? surveyFeed(setting, survey) : onlySurvey(choice.confidence === 'low'),
    response: draft.finish(),
  };
}

const ONLY_SURVEY = 1;

function surveyTimes({ zone }: Setting, draft: FeedDraft): void {
  const done =
    pick(draft.table, FACT_WISHES.actedAt)?.column ?? pick(draft.table, FACT_WISHES.recordedAt)?.column;
  const started = pick(draft.table, SURVEY_WISHES.startedAt)?.column ?? done;
  const began = started === undefined ? null : momentValue(started, started.name, zone);
  draft.set(
    'started_at',
    began?.value ?? { commit_time: true },
    began === null ? 'no column says when' : began.why,
  );
  if (done === undefined) return;
  const { value, why } = optionalMoment(done, done.name);
  draft.set('completed_at', value, why);
}

function onlySurvey(offered: boolean): ProposedRows {
  return {
    tag: 'rows',
    record: 'survey',
    notes: ['No table of surveys: all responses are of one.'],
    offered,
    rows: [{ survey_id: ONLY_SURVEY, merchant_id: MERCHANT, survey_code: 'SURVEY', title: 'Survey' }],
  };
}

function surveyFeed(setting: Setting, choice: Choice): ProposedFeed {
  const { table, confidence } = choice;
  const draft = new FeedDraft({ record: 'survey', table, confidence, notes: notesOf(choice) });
  const key = keyOf(table) ?? [];
  draft.set('survey_id', idOf(key));
  draft.set('survey_code', pick(table, SURVEY_WISHES.code)?.column.name ?? idOf(key));
  draft.set('title', pick(table, SURVEY_WISHES.title)?.column.name ?? { value: 'Survey' });
  return draft.finish();
}

/** One row for each question makes no response: that would be one row for all its questions. */
export function isByQuestion(table: CatalogueTable): boolean {
  const question = pick(table, SURVEY_WISHES.question)?.column;
  return question !== undefined && !isUnique(table, [question.name]);
}

function begun(record: 'check_in' | 'referral' | 'survey_response', choice: FactChoice): FeedDraft {
  const { table, confidence } = choice;
  return new FeedDraft({ record, table, confidence, notes: notesOf(choice), offered: confidence === 'low' });
}

function channel(draft: FeedDraft, otherwise: string): void {
  const column = pick(draft.table, FACT_WISHES.channel)?.column;
  const said = column === undefined ? null : codesValue(column, column.name, { meanings: ORIGIN, otherwise });
  draft.set('channel', said?.value ?? { value: otherwise }, said?.why ?? null);
}
