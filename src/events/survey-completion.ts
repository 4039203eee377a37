import type { AnswerFacts } from '../enrichment/facts.js';
import type { Transition } from '../records/commit.js';
import type { Row } from '../records/tables.js';
import { timestampUs } from '../records/timestamps.js';
import { integerValue, nullableNumeric, type ValueObserver } from '../records/values.js';
import { isResponseCandidate } from './candidates.js';
import type { EventRule } from './draft.js';
import { openSceneOf } from './scene.js';
import { serverTime } from './timestamp.js';

/** A guest finished a survey: scores and counts, never the free text. */
export const surveyCompletion: EventRule<'Survey Completion', Transition<'survey.response'>> = {
  name: 'Survey Completion',
  draft(subject, derivation) {
    const row = subject.row.after;
    if (row === null || !isResponseCandidate(subject.row)) return null;
    const { facts, commit, settings, observer } = derivation;
    const invitation = row.invitation_id === null ? null : facts.invitation(row.invitation_id);
    const storeId = row.store_id ?? invitation?.store_id ?? null;
    const scene = openSceneOf(
      'Survey Completion',
      subject,
      storeId === null ? null : facts.store(storeId),
      derivation,
    );
    if (scene === null) return null;
    const survey = facts.survey(row.survey_id);
    const answers = facts.answers(row.response_id);
    return {
      scene,
      key: row.response_id,
      identifyKey: null,
      presentedCardId: null,
      channel: row.channel,
      time: serverTime(row.completed_at, 'survey.response.completed_at', commit.commitTimeUs, observer),
      properties: {
        survey_id: row.survey_id,
        survey_code: survey?.survey_code ?? null,
        survey_title: survey?.title ?? null,
        response_id: row.response_id,
        invitation_id: row.invitation_id,
        survey_score: nullableNumeric(row.overall_score, 'survey.response.overall_score', observer),
        nps: row.nps === null ? null : integerValue(row.nps, 'survey.response.nps'),
        question_count: facts.questionCount(row.survey_id),
        answered_count: answers.length,
        has_comment: row.comment !== null && row.comment.trim() !== '',
        duration_seconds: durationSeconds(row),
        visit_transaction_id: invitation?.transaction_id ?? null,
        ...(settings.surveyAnswers ? { answers: answers.map((answer) => answerOf(answer, observer)) } : {}),
      },
    };
  },
};

/** Null unless both ends are known times in order. */
function durationSeconds(row: Row<'survey.response'>): number | null {
  if (row.completed_at === null) return null;
  const startedUs = timestampUs(row.started_at, 'survey.response.started_at');
  const us = timestampUs(row.completed_at, 'survey.response.completed_at') - startedUs;
  return Number.isFinite(us) && us >= 0 ? Math.floor(us / 1_000_000) : null;
}

function answerOf(answer: AnswerFacts, observer: ValueObserver | undefined) {
  return {
    question_id: answer.questionId,
    question_code: answer.questionCode,
    choice_code: answer.choiceCode,
    numeric_value: nullableNumeric(answer.numericValue, 'survey.answer.numeric_value', observer),
  };
}
