import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printable } from '../printable.ts';

/** Frames that the author of an application cannot change: Node, installed packages, and this project's own sources. */
const FOREIGN =
  /\bnode:|[/\\]node_modules[/\\]|[/\\]packages[/\\](?:broker-\w+|cli|core|scheduler)[/\\](?:dist|src)[/\\]/;
const SHOWN = 5;

export interface Frames {
  /** Frames of the application, the innermost first: `at flaky (src/tasks.ts:5:30)`. */
  readonly own: readonly string[];
  /** Number of the other frames. */
  readonly hidden: number;
}

/** The frames of a stack that belong to the application in `folder`. */
export function applicationFrames(stack: string, folder: string): Frames {
  const frames = allFrames(stack);
  const own = frames.filter((frame) => !FOREIGN.test(frame)).slice(0, SHOWN);
  return { own: own.map((frame) => printable(shortened(frame, folder))), hidden: frames.length - own.length };
}

/** Every frame of a stack. */
export function allFrames(stack: string): readonly string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
}

/** A frame with the path of its file from `folder`. */
function shortened(frame: string, folder: string): string {
  return frame.replace(/(?:file:\/\/)?\/[^():]+(?=:\d+:\d+)/, (path) => {
    const file = path.startsWith('file:') ? fileOf(path) : path;
    const short = relative(folder, file);
    return short.startsWith(`..${sep}`) ? file : short;
  });
}

function fileOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
