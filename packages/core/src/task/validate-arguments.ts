import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ValidationError, type ValidationIssue } from '../errors/errors.ts';
import type { TaskDefinition } from './task-definition.ts';

/**
 * Returns the arguments as the schema of the task converts them; unchanged if it has no schema.
 * @throws ValidationError (`ARGUMENTS_INVALID`) with every issue and its path
 */
export async function validateArguments(task: TaskDefinition, args: readonly unknown[]): Promise<readonly unknown[]> {
  if (task.schema === undefined) return args;
  const { each } = task.schema;
  const issues: ValidationIssue[] = [];
  if (args.length > each.length) {
    issues.push({
      path: `args[${each.length}]`,
      message: `${each.length} argument${each.length === 1 ? '' : 's'} expected, got ${args.length}`,
    });
  }
  const outputs: unknown[] = [];
  for (const [index, schema] of each.entries()) {
    const outcome = await schema['~standard'].validate(args[index]);
    if (outcome.issues === undefined) outputs.push(outcome.value);
    else
      issues.push(
        ...outcome.issues.map((issue) => ({ path: `args[${index}]${pathOf(issue)}`, message: issue.message })),
      );
  }
  if (issues.length === 0) return outputs;
  const told = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new ValidationError(`task ${task.name}: ${told}`, { issues });
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  return (issue.path ?? []).map((part) => segment(typeof part === 'object' ? part.key : part)).join('');
}

function segment(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}
