const ID = /(?<![\w-])[\w-]{22}(?![\w-])/g;

/** Parts of an output that differ from run to run, and their replacements for the comparison. */
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  [ID, 'ID'],
  [/(?<![\w-])[\w-]{4}…[\w-]{2}(?![\w-])/g, 'ID'],
  [/\b\d\d:\d\d:\d\d\.\d{3}\b/g, 'TIME'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT'],
  [/[\w.-]+:\d+:[\w-]{8}(?![\w-])/g, 'WORKER'],
  [/\+\d+ of brokkr/g, '+N of brokkr'],
  [/\d+(\.\d+)? ?m?s\b/g, 'DURATION'],
  [/v\d+\.\d+\.\d+/g, 'VERSION'],
];

/** Replaces everything in an output that differs from run to run. */
export function steady(output: string): string {
  const lines = output.split('\n').map((line) => line.trimEnd());
  return VARIABLE.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), lines.join('\n').trim());
}

/** Whether an output is as a page prints it; a line `…` of the page matches any number of lines. */
export function isAsPrinted(output: string, printed: string): boolean {
  return new RegExp(`^${patternOf(printed)}$`).test(`${steady(output)}\n`);
}

/** Whether an output contains the lines that a page prints. */
export function includesPrinted(output: string, printed: string): boolean {
  return printed === '' || new RegExp(`^${patternOf(printed)}`, 'm').test(`${steady(output)}\n`);
}

/** Ids in the order of their appearance. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(ID)].map(([id]) => id);
}

function patternOf(printed: string): string {
  const lines = steady(printed).split('\n');
  return lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${escaped(line)}\\n`)).join('');
}

function escaped(line: string): string {
  return line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
