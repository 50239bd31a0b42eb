/** Version of this package, for reports. A constant, because a bundled application has no package.json of ours. */
export const VERSION = '0.1.0';
