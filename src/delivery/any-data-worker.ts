import { Worker, type Job, type JobJson } from 'bullmq';

/**
 * BullMQ's worker throws at a job whose data is not JSON before anybody can set it aside, and takes it again each time its
 * lock has expired: the lane would stand still. Here such data reach the processor, as a string.
 */
export class AnyDataWorker extends Worker {
  protected override createJob(job: JobJson, id: string): Job {
    return super.createJob(isJson(job.data) ? job : { ...job, data: JSON.stringify(job.data) }, id);
  }
}

function isJson(text: string): boolean {
  // Of a job that is gone but for its id there are no data at all, and BullMQ reads that as {}.
  if (!text) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
