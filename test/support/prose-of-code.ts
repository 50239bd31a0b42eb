import { parseSync } from 'vite';

/** A piece of prose in code, with the line on which it begins. */
export interface Prose {
  readonly line: number;
  readonly text: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const each of value) yield* nodesIn(each);
  if (!isNode(value)) return;
  yield value;
  for (const [key, child] of Object.entries(value)) if (key !== 'type') yield* nodesIn(child);
}

/** Code in comments: between backticks, after `@example`, and the `@ts-expect-error` before a reason. */
function withoutCode(comment: string): string {
  return comment
    .replaceAll(/^\s*\*+ ?/gm, '')
    .replaceAll(/@example[\s\S]*?(?=\n@|$)/g, '')
    .replaceAll(/`[^`]*`/g, '')
    .replaceAll(/https?:\S+/g, '')
    .replaceAll(/\s+/g, ' ');
}

/** Returns the comments and docstrings of a source. Adjacent line comments are one text. */
export function commentsOf(path: string, text: string): readonly Prose[] {
  const comments: { type: string; start: number; end: number; value: string }[] = [];
  for (const { type, start, end, value } of parseSync(path, text).comments) {
    const last = comments.at(-1);
    if (type === 'Line' && last?.type === 'Line' && /^\s*$/.test(text.slice(last.end, start))) {
      last.end = end;
      last.value += `\n${value}`;
    } else comments.push({ type, start, end, value });
  }
  return comments.map(({ start, value }) => ({ line: lineAt(text, start), text: withoutCode(value) }));
}

/** The names of the functions whose first argument is the name of a test, a group or a case. */
const NAMING = new Set(['it', 'test', 'describe']);

/** The identifier that a call begins with: `it` in `it.each(table)(name, body)`. */
function beginningOf(callee: unknown): string | undefined {
  let node = callee;
  while (isNode(node)) {
    if (node.type === 'Identifier') return node.name as string;
    node = node.type === 'CallExpression' ? node.callee : node.object;
  }
  return undefined;
}

/** Returns the names of tests and of their groups. */
export function testNamesOf(path: string, text: string): readonly Prose[] {
  return [...nodesIn(parseSync(path, text).program)].flatMap((node) => {
    if (node.type !== 'CallExpression' || !NAMING.has(beginningOf(node.callee) ?? '')) return [];
    const [name] = node.arguments as readonly unknown[];
    if (!isNode(name)) return [];
    const quasis = (name.quasis ?? []) as readonly { readonly value: { readonly cooked: string } }[];
    const value = typeof name.value === 'string' ? name.value : quasis.map((quasi) => quasi.value.cooked).join('…');
    return value === '' ? [] : [{ line: lineAt(text, name.start), text: value }];
  });
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
