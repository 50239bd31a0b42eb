import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { route } from '../route/route.ts';
import { Button } from './button.tsx';
import { Text } from './text.tsx';

/** A question that needs an answer before something is changed. */
export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly facts?: readonly (readonly [name: string, value: string])[];
  /** A name that must be typed. */
  readonly typed?: { readonly label: string; readonly name: string } | undefined;
  /** A value that is asked for, such as a queue: `value` at first. `suggestions` are offered while typing. */
  readonly input?:
    | {
        readonly label: string;
        readonly value?: string | undefined;
        readonly suggestions: () => Promise<readonly string[]>;
      }
    | undefined;
  readonly note?: string;
  readonly cancel?: string;
  /** Left out: there is nothing to confirm, the dialog only shows something. */
  readonly confirm?: string;
  readonly look?: 'go' | 'kill';
  /** Runs while the dialog waits. If it rejects, the reason is shown and the dialog stays. It may ask another question. */
  readonly run?: (answer: { readonly typed: string; readonly input: string }) => Promise<void>;
}

const asked = signal<Question | undefined>(undefined);

/** Opens the dialog. */
export function ask(question: Question): void {
  asked.value = question;
}

/** The one dialog of the page. It is about the page that is open, and closes with it. */
export function Dialog() {
  const question = asked.value;
  const place = route.value.path.join('/');
  useEffect(() => close, [place]);
  return question === undefined ? null : <Open key={question.title} question={question} />;
}

function close(): void {
  asked.value = undefined;
}

function Open({ question }: { question: Question }) {
  const { title, text, facts = [], typed, input, note, cancel = 'Cancel', confirm, look = 'go', run } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useSignal('');
  const value = useSignal(input?.value ?? '');
  const busy = useSignal(false);
  const failure = useSignal('');
  const suggestions = useSignal<readonly string[]>([]);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    void input?.suggestions().then((values) => {
      suggestions.value = values;
    });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const isReady =
    (typed === undefined || name.value === typed.name) && (input === undefined || value.value.trim() !== '');
  const submit = async () => {
    if (!isReady || busy.value || run === undefined) return;
    busy.value = true;
    failure.value = '';
    try {
      await run({ typed: name.value, input: value.value.trim() });
      if (asked.value === question) close();
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error);
      busy.value = false;
    }
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="asked" onClose={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="in">
          <h2 id="asked">
            <Text value={title} />
          </h2>
          <p class="soft">{text}</p>
          {facts.length === 0 ? null : (
            <dl class="facts tight">
              {facts.map(([fact, content]) => (
                <>
                  <dt>{fact}</dt>
                  <dd>
                    <Text value={content} />
                  </dd>
                </>
              ))}
            </dl>
          )}
          {input === undefined ? null : (
            <label>
              <span>{input.label}</span>
              <span class="field">
                <input
                  list="suggestions"
                  value={value.value}
                  autocomplete="off"
                  spellcheck={false}
                  onInput={(event) => {
                    value.value = event.currentTarget.value;
                  }}
                />
              </span>
              <datalist id="suggestions">
                {suggestions.value.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            </label>
          )}
          {typed === undefined ? null : (
            <label>
              <span>
                {typed.label} <b>{typed.name}</b>
              </span>
              <span class="field">
                <input
                  autocomplete="off"
                  spellcheck={false}
                  onInput={(event) => {
                    name.value = event.currentTarget.value;
                  }}
                />
              </span>
            </label>
          )}
          {note === undefined ? null : <p class="muted">{note}</p>}
          {failure.value === '' ? null : (
            <p class="errline" role="alert">
              <Text value={failure.value} />
            </p>
          )}
        </div>
        <footer>
          <Button onClick={close}>{cancel}</Button>
          {confirm === undefined ? null : (
            <button type="submit" class={`btn ${isReady && !busy.value ? look : ''}`} disabled={!isReady || busy.value}>
              {confirm}
            </button>
          )}
        </footer>
      </form>
    </dialog>
  );
}
