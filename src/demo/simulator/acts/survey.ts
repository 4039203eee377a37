import { MAIN_MERCHANT, RETAIL_STORES, SURVEY } from '../brand.js';
import { isLoyal, type Act, type Scene } from '../world.js';
import type { Tx } from '../writer.js';

const INSERT_INVITATION = `
INSERT INTO survey.invitation (invitation_id, survey_id, account_id, channel, store_id, sent_at)
VALUES ($1, ${SURVEY.surveyId}, $2, 'EMAIL', $3, now())`;

const INSERT_RESPONSE = `
INSERT INTO survey.response (response_id, survey_id, invitation_id, merchant_id, account_id, store_id, status, started_at,
  completed_at, overall_score, nps, comment, channel)
VALUES ($1, ${SURVEY.surveyId}, $2, $3, $4, $5, $6, now(), CASE WHEN $6 = 'COMPLETED' THEN now() END, $7, $8, $9, 'EMAIL')`;

const FINISH_RESPONSE = `
UPDATE survey.response SET status = $2, completed_at = CASE WHEN $2 = 'COMPLETED' THEN now() END, overall_score = $3,
  nps = $4, comment = $5 WHERE response_id = $1`;

const INSERT_ANSWER = `
INSERT INTO survey.answer (response_id, question_id, choice_code, numeric_value, text_value) VALUES ($1, $2, $3, $4, $5)`;

const COMMENTS = ['The soup was excellent.', 'Too loud by the door.\nOtherwise fine.', '', null] as const;

/** How long after its completion a response is edited at the earliest: its last version must be told from the first. */
const EDITED_AFTER_MS = 1_800;

async function insertAnswers(tx: Tx, scene: Scene, responseId: string, count: number): Promise<void> {
  for (const question of SURVEY.questions.slice(0, count)) {
    const words = question.kind === 'TEXT';
    const choice = question.kind === 'CHOICE';
    await tx.run(INSERT_ANSWER, [
      responseId,
      question.questionId,
      choice ? scene.random.pick(['YES', 'NO']) : null,
      words || choice ? null : scene.random.int(1, 5),
      words ? 'As invited.' : null,
    ]);
  }
}

/** Invited, begun, then finished, abandoned or screened out; some finished ones are edited later. */
export const survey: Act = {
  name: 'survey',
  weight: 4,
  perform: async (scene) => {
    const member = scene.world.someone(
      scene.random,
      (one) => isLoyal(one) && one.merchantId === MAIN_MERCHANT,
    );
    if (member === null) return;
    const invitationId = scene.world.ids.next('invitation');
    const responseId = scene.world.ids.next('response');
    const { random } = scene;
    await member.exclusively(async () => {
      await scene.write.commit((tx) =>
        tx.run(INSERT_INVITATION, [invitationId, member.accountId, member.homeStore.storeId]),
      );
      await scene.write.commit(async (tx) => {
        await tx.run(INSERT_RESPONSE, [
          responseId,
          invitationId,
          member.merchantId,
          member.accountId,
          random.chance(0.5) ? member.homeStore.storeId : null,
          'STARTED',
          null,
          null,
          null,
        ]);
        await insertAnswers(tx, scene, responseId, 0);
      });
    });
    const end = random.pick(['COMPLETED', 'COMPLETED', 'COMPLETED', 'ABANDONED', 'DISQUALIFIED']);
    const answers = random.int(1, SURVEY.questions.length);
    const edited = random.chance(0.2);
    scene.later(random.int(200, 1_200), async () => {
      await member.exclusively(() =>
        scene.write.commit(async (tx) => {
          await insertAnswers(tx, scene, responseId, answers);
          const score = random.int(2, 10) / 2;
          await tx.run(FINISH_RESPONSE, [responseId, end, score, random.int(0, 10), random.pick(COMMENTS)]);
        }),
      );
      if (!edited) return;
      scene.later(EDITED_AFTER_MS, () =>
        member.exclusively(async () => {
          await scene.write.commit((tx) =>
            tx.run('UPDATE survey.response SET nps = 10 WHERE response_id = $1', [responseId]),
          );
        }),
      );
    });
  },
};

/** From the code on a receipt, by somebody without an account. */
export const anonymousSurvey: Act = {
  name: 'anonymous survey',
  weight: 1,
  perform: async (scene) => {
    await scene.write.commit((tx) =>
      tx.run(INSERT_RESPONSE, [
        scene.world.ids.next('response'),
        null,
        MAIN_MERCHANT,
        null,
        scene.random.pick(RETAIL_STORES).storeId,
        'COMPLETED',
        '4.50',
        9,
        null,
      ]),
    );
  },
};
