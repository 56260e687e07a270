// The client against a scripted runtime, in memory: what its application is told, and what goes over the wire. That it keeps its
// promise in every state, whatever happens, is walked in test/conformance/client.test.ts.
import './opening.ts';
import './coming-back.ts';
import './expiry.ts';
import './events.ts';
import './requests.ts';
