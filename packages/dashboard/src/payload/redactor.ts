import { type RedactionRule, redactJson } from './redact-json.ts';
import { isSecretName } from './secret-names.ts';

/** The message and the place of a value. */
export interface RedactWhere {
  readonly task: string;
  readonly queue: string;
  /** Names and numbers from the list of arguments down to the value: `[0, 'customer', 'email']`. */
  readonly path: readonly (string | number)[];
}

/**
 * Hides further values from users without the right `payloads`. It is called with each string, number, boolean and
 * `null` of the arguments that is shown, unless the name of its field is secret already. Return `true` to hide it. If it
 * throws, the value is hidden.
 */
export type Redact = (value: unknown, where: RedactWhere) => boolean;

/** The message whose body is shown. */
export interface BodyOf {
  readonly task: string;
  readonly queue: string;
}

/** Text of a body as a user may see it. */
export interface SeenText {
  /** Left out if the body is hidden as a whole. */
  readonly text?: string;
  readonly redacted: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a body; `undefined` if it is not UTF-8. */
export function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

/** Decides what users see of the bodies of messages. */
export class Redactor {
  readonly #redact: Redact | undefined;

  constructor(redact: Redact | undefined) {
    this.#redact = redact;
  }

  /**
   * The text as this user may see it. Without the right `payloads`, text that is not JSON is hidden as a whole, because
   * its values cannot be told apart.
   *
   * @param limit of characters that are wanted: the rest is not looked at
   */
  seen(text: string, of: BodyOf, payloads: boolean, limit?: number): SeenText {
    if (payloads) return { text, redacted: 0 };
    const redacted = redactJson(text, this.#rule(of), limit);
    return redacted === undefined ? { redacted: 0 } : { text: redacted.text, redacted: redacted.count };
  }

  #rule({ task, queue }: BodyOf): RedactionRule {
    const redact = this.#redact;
    if (redact === undefined) return { hidesName: isSecretName };
    const hidesValue = (value: unknown, path: readonly (string | number)[]): boolean => {
      try {
        return Boolean(redact(value, { task, queue, path }));
      } catch {
        return true;
      }
    };
    return { hidesName: isSecretName, hidesValue };
  }
}
