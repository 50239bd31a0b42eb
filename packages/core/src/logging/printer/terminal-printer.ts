import { cwd } from 'node:process';
import { printable } from '../printable.ts';
import { type Form, formOf } from './line-forms.ts';
import { type LoggedError, type LogRecord, parseRecord, summaryOf } from './log-record.ts';
import { PLAIN_MARKS, type Marks, UNICODE_MARKS } from './marks.ts';
import type { PrinterOptions } from './printer-options.ts';
import { RepeatedErrors } from './repeated-errors.ts';
import { allFrames, applicationFrames } from './stack-frames.ts';
import { cut, type Paint, paint, processStyle, visibleLength } from './style.ts';

const INDENT = ' '.repeat(15);
/** The line of a worker that has stopped: repeated errors are reported before it. */
const LAST_LINE = 'worker stopped';

/**
 * Turns JSON log lines into text for a terminal: one line for each, and the application's stack frames for an error.
 *
 * @returns converts a line; the result is empty if the line repeats an error too often
 */
export function terminalPrinter(options: PrinterOptions): (line: string) => string {
  const printer = new TerminalPrinter(options);
  return (line) => printer.print(line);
}

class TerminalPrinter {
  readonly #options: PrinterOptions;
  readonly #marks: Marks;
  readonly #paint: Paint;
  readonly #folder = cwd();
  readonly #repeated = new RepeatedErrors();

  constructor(options: PrinterOptions) {
    this.#options = options;
    this.#marks = options.unicode ? UNICODE_MARKS : PLAIN_MARKS;
    this.#paint = paint(options.colors);
  }

  print(line: string): string {
    const record = parseRecord(line);
    if (record === undefined) return `${printable(line.trimEnd())}\n`;
    const time = Number(record.time) || 0;
    const form = formOf(record, this.#marks, this.#paint);
    const hidden = this.#repeated
      .takeHidden(time, record.msg === LAST_LINE)
      .map(({ text, count }) =>
        this.#first(record, { mark: this.#marks.more, style: 'dim', parts: [`${count} more of ${text}`] }),
      );
    const isPrinted = form.repeats === undefined || this.#repeated.isPrinted(form.repeats, time);
    const lines = [...hidden, ...(isPrinted ? this.#lines(record, form) : [])];
    return lines.map((each) => `${each}\n`).join('');
  }

  #lines(record: LogRecord, form: Form): readonly string[] {
    const { error, after = [] } = form;
    const first = this.#first(record, form);
    const commands = after.map((text) => `${INDENT}${this.#paint('cyan', text)}`);
    if (error === undefined) return [cut(first, this.#options.width(), this.#marks.more), ...commands];
    const [summary = '', ...frames] = this.#error(error, form.style === 'red' ? 'red' : 'yellow');
    const isShort = visibleLength(first) + visibleLength(summary) + 2 <= this.#options.width();
    const head = isShort ? [`${first}  ${summary}`] : [first, `${INDENT}${summary}`];
    return [...head, ...frames, ...commands];
  }

  #first(record: LogRecord, { mark, style, parts }: Form): string {
    const { process: number } = this.#options;
    const prefix = number === undefined ? '' : `${this.#paint(processStyle(number), `#${number}`)} `;
    const text = parts.filter((part) => part !== '').join('  ');
    const painted = style === 'dim' ? this.#paint('dim', text) : text;
    const sign = style === undefined ? mark : this.#paint(style, mark);
    return `${prefix}${this.#paint('dim', this.#time(record.time))} ${sign} ${painted}`;
  }

  /** The summary of an error, then indented lines: its stack frames and its causes. */
  #error(error: LoggedError, style: 'red' | 'yellow'): readonly string[] {
    const { stack, cause } = error;
    const lines = [this.#paint(style, printable(summaryOf(error)))];
    if (this.#options.stack === 'full') {
      lines.push(...allFrames(stack).map((frame) => `${INDENT}  ${this.#paint('dim', printable(frame))}`));
    } else {
      const { own, hidden } = applicationFrames(stack, this.#folder);
      const note = hidden === 0 ? '' : `  (+${hidden} of brokkr and node)`;
      lines.push(
        ...own.map(
          (frame, index) => `${INDENT}  ${this.#paint('dim', `${frame}${index === own.length - 1 ? note : ''}`)}`,
        ),
      );
    }
    if (cause !== undefined) {
      const [summary = '', ...rest] = this.#error(cause, style);
      lines.push(`${INDENT}${this.#paint('dim', 'cause: ')}${summary}`, ...rest);
    }
    return lines;
  }

  #time(time: unknown): string {
    const date = new Date(typeof time === 'number' ? time : Number.NaN);
    if (Number.isNaN(date.getTime())) return '--:--:--.---';
    if (this.#options.time === 'iso') return date.toISOString();
    if (this.#options.time === 'utc') return date.toISOString().slice(11, 23);
    const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
    const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((value) => pad(value)).join(':');
    return `${clock}.${pad(date.getMilliseconds(), 3)}`;
  }
}
