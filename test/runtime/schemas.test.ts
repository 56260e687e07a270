import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { envelopeSchema, payloadSchemas } from '../../src/wire/schemas.ts';

// The codec takes them as they are: to have them checked there would cost every process a moment of its start.
test.each(Object.entries({ envelope: envelopeSchema, ...payloadSchemas }))('the schema of %s is one', (_, schema) => {
  const ajv = new Ajv2020();
  expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
});
