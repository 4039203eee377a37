import type { Fault as Answer, FaultScript, ReceivedEvent } from '../../src/demo/receiver-contract.js';

/** One call in one request that was taken. */
export interface Delivery {
  readonly messageId: string;
  /** The call's own time, as it was sent: rows that imply the same call differ in it. */
  readonly timestamp: string;
  readonly requestNo: number;
  readonly atMs: number;
}

/** What Segment took, request by request, and which of its answers left the sender in doubt. */
export class Deliveries {
  /** In order of arrival. */
  readonly all: Delivery[] = [];
  /** Requests that may have been taken, and whose sender was not told so in time. */
  readonly doubtful = new Set<number>();

  taken({ messageId, requestNo, arrivedAtMs: atMs, call }: ReceivedEvent): void {
    this.all.push({ messageId, timestamp: String(call['timestamp']), requestNo, atMs });
  }

  /** One line of JSON for each, for whoever looks into a finding. */
  lines(): string {
    return this.all.map((each) => `${JSON.stringify(each)}\n`).join('');
  }

  /** The script, with a note of what its answers leave in doubt. */
  noting(script: FaultScript): FaultScript {
    return (request, calls) => {
      const answer = script(request, calls);
      if (answer !== null && leavesDoubt(answer)) this.doubtful.add(request.no);
      return answer;
    };
  }
}

function leavesDoubt(answer: Answer): boolean {
  switch (answer.tag) {
    case 'delay':
    case 'slow_body':
      return true;
    case 'status':
    case 'truncate':
    case 'reset':
    case 'hang':
      return answer.accept === true;
    default:
      return answer satisfies never;
  }
}
