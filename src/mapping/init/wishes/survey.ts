import type { Wish } from '../columns.js';
import { TEXT, CODE, AMOUNT, MOMENT } from './kinds.js';

export const SURVEY_WISHES = {
  title: {
    kinds: TEXT,
    names: [
      [1, 'title, name, label'],
      [0.6, 'description'],
    ],
  },
  code: { kinds: CODE, names: [[1, 'code, survey code, slug, key']] },
  score: {
    kinds: AMOUNT,
    names: [[1, 'score, overall score, rating, overall rating, star, overall, satisfaction, csat']],
    not: 'nps',
  },
  nps: {
    kinds: ['int'],
    names: [[1, 'nps, nps score, likelihood, recommend, likelihood to recommend, would recommend']],
  },
  comment: {
    kinds: TEXT,
    names: [[1, 'comment, remark, note, message, verbatim, free text, text, feedback, body']],
  },
  question: {
    kinds: CODE,
    names: [[1, 'question, question id, question no, question code, question text, question key, q']],
  },
  startedAt: { kinds: MOMENT, names: [[1, 'started at, start time, begun at, started on, opened at']] },
} as const satisfies Record<string, Wish>;
