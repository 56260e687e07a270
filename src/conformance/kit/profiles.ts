/** How a runtime speaks, where runtimes differ and the protocol has been read in more than one way. */
export interface Profile {
  name: string;
  /** How a resume is spelled (§6.3). */
  resume: ResumeSpelling;
  /** Every spelling of a resume that it understands. */
  understands: readonly ResumeSpelling[];
  /** The frame that leaves a session for a while; null where there is none. */
  close: string | null;
  /** The frame that ends it for good. */
  bye: string | null;
  /** The field in which an answer names its request: `order` where it names none. */
  correlation: 'request_id' | 'reply_to' | 'id' | 'order';
}

export const resumeSpellings = ['session.resume', 'hello with a resume block', 'hello with flat fields'] as const;
export type ResumeSpelling = (typeof resumeSpellings)[number];

/** Verbs that runtimes have been seen to use. */
export const closeVerbs = ['session.close', 'session.detach'] as const;
export const byeVerbs = ['session.bye', 'session.end'] as const;

const plain: Profile = {
  name: 'plain',
  resume: 'session.resume',
  understands: resumeSpellings,
  close: 'session.close',
  bye: 'session.bye',
  correlation: 'request_id',
};

/** The profiles that can be named instead of probed for. */
export const profiles: readonly Profile[] = [
  plain,
  { ...plain, name: 'hello-block', ...only('hello with a resume block') },
  { ...plain, name: 'hello-flat', ...only('hello with flat fields') },
  { ...plain, name: 'bye-only', ...only('hello with a resume block'), close: null },
];

function only(resume: ResumeSpelling) {
  return { resume, understands: [resume] };
}

export interface ResumeWish {
  token: string;
  cursor?: unknown;
  sessionId?: string | undefined;
  /** What every first frame says of who asks. */
  greeting: object;
}

/** A resume as this spelling writes it. */
export function resumeFrame(
  spelling: ResumeSpelling,
  { token, cursor, sessionId, greeting }: ResumeWish,
): { type: string; payload: object } {
  const at = cursor === undefined ? {} : { last_event_seq: cursor };
  const named = sessionId === undefined ? {} : { session_id: sessionId };
  const wish = { ...named, resume_token: token, ...at };
  switch (spelling) {
    case 'session.resume':
      return { type: 'session.resume', payload: { ...greeting, ...wish } };
    case 'hello with a resume block':
      return { type: 'session.hello', payload: { ...greeting, resume: wish } };
    case 'hello with flat fields':
      return { type: 'session.hello', payload: { ...greeting, ...wish } };
  }
}
