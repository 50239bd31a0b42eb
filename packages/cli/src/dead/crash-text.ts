/** How often a message crashed its workers: no attempt ended then. @returns `undefined` if it crashed none */
export function crashText(crashes = 0): string | undefined {
  if (crashes === 0) return undefined;
  return `crashed ${crashes === 1 ? 'once' : `${crashes} times`}`;
}
