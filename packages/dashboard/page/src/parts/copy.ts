import { notify } from './notices.tsx';

/** Copies a text. Pages on plain HTTP have no `navigator.clipboard`: there a selected field is copied. */
export async function copy(text: string, what: string): Promise<void> {
  const copied = (await viaClipboard(text)) || viaField(text);
  notify(copied ? `Copied ${what}.` : `The browser did not allow to copy ${what}.`, copied ? {} : { tone: 'failed' });
}

async function viaClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function viaField(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'sr';
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  return copied;
}
