import type { Requirement } from '../requirement.ts';
import { envelopeRequirements } from './envelope.ts';
import { errorRequirements, eventRequirements } from './events.ts';
import { ackRequirements, dropRequirements, goodbyeRequirements, heartbeatRequirements } from './goodbye.ts';
import { featureRequirements, handshakeRequirements } from './handshake.ts';
import { cancelRequirements, jobRequirements } from './jobs.ts';
import { listingRequirements, subscribingRequirements } from './listing.ts';
import { resumeRequirements } from './resume.ts';
import { tokenRequirements } from './tokens.ts';

/** Everything that is asked of a runtime, in the protocol's order. */
export const allRequirements: readonly Requirement[] = [
  ...envelopeRequirements,
  ...handshakeRequirements,
  ...featureRequirements,
  ...resumeRequirements,
  ...tokenRequirements,
  ...dropRequirements,
  ...heartbeatRequirements,
  ...ackRequirements,
  ...goodbyeRequirements,
  ...listingRequirements,
  ...jobRequirements,
  ...cancelRequirements,
  ...subscribingRequirements,
  ...eventRequirements,
  ...errorRequirements,
];

/** Their ids. */
export const allRequirementIds: readonly string[] = allRequirements.map(({ id }) => id);
