/** The path of an SDK's checkout, from the environment; where it is not given, one line says how to give it. */
export function checkoutFrom(variable: string): string {
  const path = process.env[variable] ?? '';
  if (path === '') console.info(`Skipped: set ${variable} to the path of a checkout of the SDK (docs/interop.md).`);
  return path;
}
