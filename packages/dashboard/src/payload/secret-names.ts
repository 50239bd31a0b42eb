/** Parts of names: a name that contains one of them is the name of a secret. */
const ANYWHERE =
  /pass(?!enger|ive|ing|age)|passwd|pwd|secret|token|auth(?!or(?!i))|cookie|credential|iban|api_?key|private_?key|access_?key|bearer|session_?id/i;
/** Words that are secret only as a whole: `cardNumber`, `key`, but not `keyboard`. */
const WORDS: ReadonlySet<string> = new Set(['key', 'keys', 'card', 'cards', 'cvv', 'cvc', 'pin', 'ssn', 'pan', 'otp']);

/** Whether the value of a field or header with this name is hidden from users without the right `payloads`. */
export function isSecretName(name: string): boolean {
  return ANYWHERE.test(name) || wordsOf(name).some((word) => WORDS.has(word));
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
