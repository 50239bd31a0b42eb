import { readDeadLetter } from '@brokkr/core';
import { type Envelope, MAX_RETRIES_HEADER, readHistory, HISTORY_HEADER, TIMEOUT_HEADER } from '@brokkr/core/adapter';
import type { HeaderRow, MessageDetail } from '../api/types.ts';
import { messageRow, numberIn, type SeenMessage, type View } from './message-row.ts';
import { HIDDEN } from './redact-json.ts';
import { textOf } from './redactor.ts';
import { isSecretName } from './secret-names.ts';
import { sendCommand } from './send-command.ts';

/** Characters of a body that are shown. */
const LONGEST_BODY = 65_536;
const MOST_HEADERS = 100;
const LONGEST_HEADER = 4_096;

/** Everything that is known of a message, as a user may see it. */
export function messageDetail(message: SeenMessage, view: View, at: number): MessageDetail {
  const { envelope } = message;
  const { redriven: _redriven, args: _args, ...row } = messageRow(message, view);
  const { redriven } = readDeadLetter(envelope);
  const timeoutMs = numberIn(envelope, TIMEOUT_HEADER);
  const maxRetries = numberIn(envelope, MAX_RETRIES_HEADER);
  const { idempotencyKey, expiresAt } = envelope;
  const body = bodyOf(message, row.task, view);
  const command =
    view.payloads && body.form === 'json' && !body.truncated ? sendCommand(message, row.task, body.text) : undefined;
  return {
    ...row,
    at,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(maxRetries !== undefined && { maxAttempts: maxRetries + 1 }),
    ...(idempotencyKey !== undefined && { idempotencyKey: idempotencyKey.slice(0, LONGEST_HEADER) }),
    attempts: readHistory(envelope.headers[HISTORY_HEADER]),
    ...(redriven !== undefined && { redriven }),
    headers: headersOf(envelope, view),
    body,
    ...(command !== undefined && { command }),
  };
}

function headersOf({ headers }: Envelope, { payloads }: View): readonly HeaderRow[] {
  return Object.entries(headers)
    .slice(0, MOST_HEADERS)
    .map(([name, value]) => {
      const redacted = !payloads && !name.startsWith('brokkr-') && isSecretName(name);
      return { name: name.slice(0, 200), value: redacted ? HIDDEN : String(value).slice(0, LONGEST_HEADER), redacted };
    });
}

function bodyOf({ envelope, queue }: SeenMessage, task: string, { redactor, payloads }: View): MessageDetail['body'] {
  const { body } = envelope;
  const text = textOf(body);
  const bytes = body.byteLength;
  if (text === undefined) return { bytes, form: 'binary', truncated: false, redacted: 0 };
  const seen = redactor.seen(text, { task, queue }, payloads);
  if (seen.text === undefined) return { bytes, form: 'text', truncated: false, redacted: 0, hidden: true };
  const truncated = seen.text.length > LONGEST_BODY;
  return {
    text: truncated ? seen.text.slice(0, LONGEST_BODY) : seen.text,
    bytes,
    form: payloads && !isJson(text) ? 'text' : 'json',
    truncated,
    redacted: seen.redacted,
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
