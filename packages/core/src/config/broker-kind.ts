/** `TaskConfig.brokerUrl` of a manager that was given a broker object. */
export const CUSTOM_BROKER_URL = 'custom:';

/** The scheme of a broker's URL, such as `redis`; `custom` for a broker object. */
export function brokerKind(url: string): string {
  return /^([a-z][a-z0-9+.-]{0,39}):/i.exec(url)?.[1]?.toLowerCase() ?? 'custom';
}
