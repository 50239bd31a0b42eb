import { loadSession, sessionFailure } from '../api/session.ts';
import { Button } from '../parts/button.tsx';
import { Empty } from '../parts/empty.tsx';
import { Loading } from '../parts/failure.tsx';
import { Text } from '../parts/text.tsx';
import { Brand } from './brand.tsx';

/** Shown until the server says who the user is, or why it does not. */
export function SignIn() {
  const failure = sessionFailure.value;
  return (
    <>
      <header class="top">
        <div class="bar">
          <Brand href="#/" />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <section class="panel">
          {failure === undefined ? (
            <Loading />
          ) : (
            <Empty
              icon={failure.status === 401 || failure.status === 403 ? 'lock' : 'plug'}
              title={
                failure.status === 401 ? 'Not signed in' : failure.status === 403 ? 'No access' : 'No dashboard here'
              }
            >
              <p>
                <Text value={failure.message} />
              </p>
              {failure.status === 401 ? (
                <p>
                  If <code>brokkr dashboard</code> runs here, open the address that it printed: it carries a token.
                </p>
              ) : null}
              <Button onClick={() => void loadSession()}>Try again</Button>
            </Empty>
          )}
        </section>
      </main>
    </>
  );
}
