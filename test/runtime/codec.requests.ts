/** The payloads of cancelling, listing and subscribing, with every field they may have. */
export const goodRequests = {
  'job.cancel': { job_id: 'job_1', reason: 'enough' },
  'session.list_jobs': {
    filter: { status: ['running', 'timed_out'], agent: 'echo@2', created_after: 'now', created_before: 'then' },
    limit: 10,
    cursor: 'c.s',
  },
  'job.subscribe': { job_id: 'job_1', from_event_seq: 7, history: true },
  'job.unsubscribe': { job_id: 'job_1' },
};

/** The same with one field wrong each, and the field that the problem has to name. */
export const badRequests: [type: string, payload: unknown, field: string][] = [
  ['job.cancel', { job_id: 5 }, 'payload.job_id'],
  ['job.cancel', { job_id: '' }, 'payload.job_id'],
  ['job.cancel', { reason: [] }, 'payload.reason'],
  ['session.list_jobs', { filter: [] }, 'payload.filter'],
  ['session.list_jobs', { filter: { status: 'running' } }, 'payload.filter.status'],
  ['session.list_jobs', { filter: { status: ['done'] } }, 'payload.filter.status.0'],
  ['session.list_jobs', { filter: { agent: 5 } }, 'payload.filter.agent'],
  ['session.list_jobs', { filter: { created_after: 5 } }, 'payload.filter.created_after'],
  ['session.list_jobs', { filter: { created_before: {} } }, 'payload.filter.created_before'],
  ['session.list_jobs', { limit: 0 }, 'payload.limit'],
  ['session.list_jobs', { limit: -1 }, 'payload.limit'],
  ['session.list_jobs', { limit: 1.5 }, 'payload.limit'],
  ['session.list_jobs', { limit: '5' }, 'payload.limit'],
  ['session.list_jobs', { cursor: 5 }, 'payload.cursor'],
  ['job.subscribe', { job_id: 5 }, 'payload.job_id'],
  ['job.subscribe', { job_id: 'j', from_event_seq: -1 }, 'payload.from_event_seq'],
  ['job.subscribe', { job_id: 'j', from_event_seq: 1.5 }, 'payload.from_event_seq'],
  ['job.subscribe', { job_id: 'j', history: 'yes' }, 'payload.history'],
  ['job.unsubscribe', { job_id: [] }, 'payload.job_id'],
];
