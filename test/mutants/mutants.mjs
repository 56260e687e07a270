import { clientMutants } from './mutants.client.mjs';
import { credentialMutants } from './mutants.credentials.mjs';
import { deliveryMutants } from './mutants.delivery.mjs';
import { jobMutants } from './mutants.jobs.mjs';
import { leaseMutants } from './mutants.leases.mjs';
import { requestMutants } from './mutants.requests.mjs';
import { restartMutants } from './mutants.restart.mjs';
import { resumeMutants } from './mutants.resume.mjs';
import { sessionMutants } from './mutants.session.mjs';
import { watchingMutants } from './mutants.watching.mjs';

/**
 * Every way of breaking the runtime: its name, and the patches that do it. A patch replaces a text that stands exactly once
 * in its file.
 */
export const mutants = [
  ...resumeMutants,
  ...sessionMutants,
  ...deliveryMutants,
  ...jobMutants,
  ...leaseMutants,
  ...credentialMutants,
  ...restartMutants,
  ...requestMutants,
  ...watchingMutants,
  ...clientMutants,
].map(([name, ...patches]) => ({
  name,
  patches: patches.map(([file, find, replace]) => ({ file, find, replace })),
}));
