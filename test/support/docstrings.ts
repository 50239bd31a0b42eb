import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'vite';
import { root } from './sources.ts';

/** The parts of a syntax tree that this file reads: nodes have a type, and an interval of the text. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A declaration, with the docstring before it. Overloads are one declaration with the docstring of the first. */
export interface Documented {
  readonly name: string;
  /** Text of the docstring without its stars; empty if it is missing. */
  readonly docstring: string;
  /** Members of a class or interface by name; a call signature has the name `()`. */
  readonly members: ReadonlyMap<string, Documented>;
  /** The class that it extends; left out if it extends none. */
  readonly parent?: string;
}

/** The docstring that ends right before `position`: nothing but white space is in between. */
function docstringBefore(text: string, position: number): string {
  const before = text.slice(0, position).trimEnd();
  if (!before.endsWith('*/')) return '';
  const start = before.lastIndexOf('/*');
  if (!before.startsWith('/**', start)) return '';
  return before
    .slice(start + 3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

function nameOf(node: Node): string {
  if (node.type === 'TSCallSignatureDeclaration') return '()';
  const key = (node.key ?? node.id) as { readonly name?: string; readonly value?: string } | undefined;
  return key?.name ?? key?.value ?? '';
}

function membersOf(text: string, declaration: Node): ReadonlyMap<string, Documented> {
  const { body } = (declaration.body ?? {}) as { readonly body?: readonly Node[] };
  const members = new Map<string, Documented>();
  for (const member of body ?? []) {
    const name = nameOf(member);
    const isHidden =
      member.accessibility === 'private' ||
      member.accessibility === 'protected' ||
      (member.key as Node | undefined)?.type === 'PrivateIdentifier';
    if (name === '' || isHidden || members.has(name)) continue;
    members.set(name, { name, docstring: docstringBefore(text, member.start), members: new Map() });
  }
  return members;
}

/** Returns the declarations of a source file by name: exported ones, and those that a later `export` may name. */
export function declarationsIn(text: string): ReadonlyMap<string, Documented> {
  const { program } = parseSync('source.ts', text);
  const found = new Map<string, Documented>();
  for (const statement of program.body as unknown as readonly Node[]) {
    const declaration = (statement.declaration ?? statement) as Node;
    const ids = (declaration.declarations as readonly Node[] | undefined) ?? [declaration];
    for (const name of ids.map(nameOf)) {
      if (name === '' || found.has(name)) continue;
      const parent = (declaration.superClass as { readonly name?: string } | null | undefined)?.name;
      found.set(name, {
        name,
        docstring: docstringBefore(text, statement.start),
        members: membersOf(text, declaration),
        ...(parent !== undefined && { parent }),
      });
    }
  }
  return found;
}

const parsed = new Map<string, ReadonlyMap<string, Documented>>();

/**
 * Returns the names that an entry of a package exports, with their docstrings.
 * @param entry path from the root, such as `packages/core/src/index.ts`; each line of it must re-export by name
 */
export function exportsOf(entry: string): readonly Documented[] {
  const { program } = parseSync(entry, readFileSync(join(root, entry), 'utf8'));
  return (program.body as unknown as readonly Node[]).flatMap((statement) => {
    const source = (statement.source as { readonly value: string } | null)?.value;
    if (source === undefined) throw new Error(`${entry}: every statement must be an export from a file`);
    const path = join(dirname(entry), source);
    return (statement.specifiers as readonly { readonly local: { readonly name: string } }[]).map(({ local }) =>
      declared(path, local.name),
    );
  });
}

/** A declaration of a file. A class has the members that it inherits from the classes of other files, too. */
function declared(path: string, name: string): Documented {
  const text = readFileSync(join(root, path), 'utf8');
  const declarations = parsed.get(path) ?? declarationsIn(text);
  parsed.set(path, declarations);
  const declaration = declarations.get(name);
  if (declaration === undefined) throw new Error(`${path} does not declare ${name}`);
  const { parent } = declaration;
  const [, from] = new RegExp(`import \\{[^}]*\\b${parent}\\b[^}]*\\} from '(\\.[^']+)'`).exec(text) ?? [];
  if (parent === undefined || from === undefined) return declaration;
  const inherited = declared(join(dirname(path), from), parent);
  return { ...declaration, members: new Map([...inherited.members, ...declaration.members]) };
}
