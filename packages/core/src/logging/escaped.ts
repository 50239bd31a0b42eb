/** A character as JSON writes one that must not be printed raw: `\u009b`. */
export function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
