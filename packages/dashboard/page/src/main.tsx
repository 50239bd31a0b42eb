import './style/tokens.css';
import './style/base.css';
import './style/bar.css';
import './style/controls.css';
import './style/totals.css';
import './style/charts.css';
import './style/tables.css';
import './style/lists.css';
import './style/message.css';
import './style/dialogs.css';
import './style/tablet.css';
import './style/phone.css';
import './style/preferences.css';
import { render } from 'preact';
import { listenForShortcuts } from './actions/shortcuts.ts';
import { login } from './api/login.ts';
import { startLive } from './api/live.ts';
import { loadSession, session, sessionFailure } from './api/session.ts';
import { App } from './shell/app.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no element with the id app');
const refused = await login();
void loadSession().then(() => {
  if (refused !== undefined && session.value === undefined) sessionFailure.value = refused;
});
startLive();
listenForShortcuts();
render(<App />, root);
