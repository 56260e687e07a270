// The script of the page that client.test.ts opens.
import { connect } from 'arcp-xstate/client';

const told = document.getElementById('told');
const tell = (line) => told.append(`${line}\n`);

const client = await connect(`ws://${location.host}/arcp`, { token: 'tok-alice' });
client.on('state', ({ state }) => tell(`state ${state}`));
const job = await client.submit('counter', { count: 40 });
for await (const event of job) tell(`event ${event.seq}: ${event.kind}`);
tell(`result ${JSON.stringify(await job.result())}`);
