// The clients of the official SDKs, as far as it matters to a runtime. What each reads was taken from its source.
import type { Transport } from '../../../src/transports/transport.ts';
import { CSharpClient } from './csharp.ts';
import { FSharpClient } from './fsharp.ts';
import { GoClient } from './go.ts';
import { JavaClient } from './java.ts';
import { PythonClient } from './python.ts';
import { RubyClient } from './ruby.ts';
import type { SdkClient } from './sdk-client.ts';
import { TypeScriptClient } from './typescript.ts';

export const sdks: Readonly<Record<string, new (transport: Transport) => SdkClient>> = {
  typescript: TypeScriptClient,
  go: GoClient,
  java: JavaClient,
  fsharp: FSharpClient,
  python: PythonClient,
  ruby: RubyClient,
  csharp: CSharpClient,
};
