import type { Change, ChangeOf } from '../changes/transaction.js';
import { compareKeys } from '../records/compare-keys.js';
import type { Row } from '../records/tables.js';
import type { AnswerFacts } from './facts.js';
import type { Lookups } from './lookups.js';
import { filled } from './merchant-data.js';
import type { Needs } from './needs.js';
import { Recent } from './recent.js';

type SurveyTable =
  'survey.survey' | 'survey.question' | 'survey.invitation' | 'survey.response' | 'survey.answer';
type SurveyChange = Extract<Change, { table: SurveyTable }>;

/** Surveys with their questions, invitations, and the answers of responses that are on their way to completion. */
export class SurveyData {
  readonly #surveys = new Recent<Row<'survey.survey'>>();
  readonly #questions = new Recent<Map<string, Row<'survey.question'>>>();
  readonly #invitations = new Recent<Row<'survey.invitation'>>();
  readonly #answers = new Recent<Map<string, Row<'survey.answer'>>>();
  /** Which survey a response with cached answers belongs to. */
  readonly #surveyOf = new Recent<string>();

  hasResponse(responseId: string): boolean {
    return this.#answers.has(responseId);
  }

  async fetch(needs: Needs, lookups: Lookups): Promise<void> {
    const surveys = [...needs.surveys].filter((id) => !this.#surveys.touch(id));
    const questions = [...needs.surveys].filter((id) => !this.#questions.touch(id));
    const invitations = [...needs.invitations].filter((id) => !this.#invitations.touch(id));
    const responses = [...needs.responses].filter((id) => !this.#answers.touch(id));
    const [surveyRows, questionRows, invitationRows, answerRows] = await Promise.all([
      surveys.length === 0 ? [] : lookups.surveys(surveys),
      questions.length === 0 ? [] : lookups.questions(questions),
      invitations.length === 0 ? [] : lookups.invitations(invitations),
      responses.length === 0 ? [] : lookups.answers(responses),
    ]);
    for (const row of surveyRows) this.#surveys.set(row.survey_id, row);
    for (const id of questions) this.#questions.set(id, new Map());
    for (const row of questionRows) this.#questions.get(row.survey_id)?.set(row.question_id, row);
    for (const row of invitationRows) this.#invitations.set(row.invitation_id, row);
    for (const id of responses) this.#answers.set(id, new Map());
    for (const row of answerRows) this.#answers.get(row.response_id)?.set(row.question_id, row);
  }

  apply(change: SurveyChange): void {
    switch (change.table) {
      case 'survey.survey': {
        const id = (change.row ?? change.old).survey_id as string;
        const known = this.#surveys.get(id) ?? null;
        if (change.row === null) this.#surveys.delete(id);
        else if (known !== null || change.op === 'insert') this.#surveys.set(id, filled(change.row, known));
        return;
      }
      case 'survey.question':
        this.#applyQuestion(change);
        return;
      case 'survey.invitation': {
        const id = (change.row ?? change.old).invitation_id as string;
        const known = this.#invitations.get(id) ?? null;
        if (change.row === null) this.#invitations.delete(id);
        else if (known !== null || change.op === 'insert')
          this.#invitations.set(id, filled(change.row, known));
        return;
      }
      case 'survey.response': {
        const id = (change.row ?? change.old).response_id as string;
        // A response seen from its start has exactly the answers the stream gives from here on.
        if (change.op === 'insert' && !this.#answers.has(id)) this.#answers.set(id, new Map());
        if (change.row === null) this.#answers.delete(id);
        else this.#surveyOf.set(id, change.row.survey_id as string);
        return;
      }
      case 'survey.answer': {
        const { response_id: responseId, question_id: questionId } = (change.row ??
          change.old) as Row<'survey.answer'>;
        const answers = this.#answers.get(responseId);
        if (answers === undefined) return;
        if (change.old !== null) answers.delete(change.old.question_id as string);
        if (change.row !== null) answers.set(questionId, filled(change.row, answers.get(questionId) ?? null));
        return;
      }
      default:
        change satisfies never;
    }
  }

  survey(surveyId: string): Row<'survey.survey'> | null {
    return this.#surveys.get(surveyId) ?? null;
  }

  questionCount(surveyId: string): number | null {
    return this.#questions.get(surveyId)?.size ?? null;
  }

  invitation(invitationId: string): Row<'survey.invitation'> | null {
    return this.#invitations.get(invitationId) ?? null;
  }

  answers(responseId: string): readonly AnswerFacts[] {
    const questions = this.#questions.get(this.#surveyOf.get(responseId) ?? '');
    const answers = [...(this.#answers.get(responseId)?.values() ?? [])];
    return answers
      .map((row) => ({
        questionId: row.question_id,
        questionCode: questions?.get(row.question_id)?.question_code ?? null,
        choiceCode: row.choice_code,
        numericValue: row.numeric_value,
      }))
      .sort((a, b) => compareKeys(a.questionId, b.questionId));
  }

  trim(max: number): void {
    for (const cache of [this.#surveys, this.#questions, this.#invitations, this.#answers, this.#surveyOf]) {
      cache.trim(max);
    }
  }

  #applyQuestion(change: ChangeOf<'survey.question'>): void {
    if (change.old !== null) {
      // The key alone does not name the survey, so the old row is looked for where it can be.
      const id = change.old.question_id as string;
      const surveyId = change.row?.survey_id;
      if (surveyId != null) this.#questions.get(surveyId)?.delete(id);
      else this.#questionGone(id);
    }
    if (change.row === null) return;
    const questions = this.#questions.get(change.row.survey_id as string);
    const id = change.row.question_id as string;
    questions?.set(id, filled(change.row, questions.get(id) ?? null));
  }

  #questionGone(questionId: string): void {
    for (const questions of this.#questions.values()) questions.delete(questionId);
  }
}
