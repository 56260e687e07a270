/** This package's version, as told to peers; a test compares it to package.json. */
export const packageVersion = '0.1.0';
