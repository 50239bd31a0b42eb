/** Whether a text can be the name of a queue: it may come from a path, or from another program. */
export function isQueueName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,120}$/.test(text);
}
