import { decodeJob, type DecodedJob, type JobReader } from './job.js';
import { originOfJobId } from './job-id.js';

/**
 * What a job in a lane turns out to be, by its data and by whether they go with its id. A job that claims a place it was not
 * made for would be taken for the one that was, and that one for delivered.
 */
export function readLaneJob(id: string, data: unknown, readers?: ReadonlyMap<number, JobReader>): DecodedJob {
  const decoded = decodeJob(data, readers);
  const origin = originOfJobId(id);
  switch (decoded.tag) {
    case 'foreign':
      return decoded;
    case 'newer':
      return origin === null ? foreign('a newer format under an id that is not the connector’s') : decoded;
    case 'job': {
      const { seq, epoch } = decoded.data;
      const fits =
        seq === 0
          ? origin?.tag === 'letter'
          : origin?.tag === 'lane' && origin.seq === seq && origin.epoch === epoch;
      return fits ? decoded : foreign('a copy: its id is not the one of its place in the lane');
    }
    default: {
      const never: never = decoded;
      throw new RangeError(`unknown job ${JSON.stringify(never)}`);
    }
  }
}

function foreign(reason: string): DecodedJob {
  return { tag: 'foreign', reason, seq: null };
}
