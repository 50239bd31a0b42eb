import type { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { Text } from './text.tsx';

/** Why a list could not be loaded. What was loaded before stays on the page. */
export function Failure({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  return (
    <div class="failure" role="alert">
      <Icon name="failed" size="normal" tone="failed" />
      <p>
        <Text value={error.message} />
        <span class="muted"> {error.code}</span>
      </p>
      <Button small onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}

/** Shown until the first answer arrives. */
export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="sr">Loading</span>
      <i />
      <i />
      <i />
    </div>
  );
}
