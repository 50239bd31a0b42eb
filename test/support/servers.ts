import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Checks, before the first test, that the servers and the browser are installed which the tests start. If one is
 * missing and may be installed (Debian or Ubuntu, as root), it is installed, without starting a service. Otherwise the
 * tests stop with the command to run. They are never skipped.
 */
export function setup(): void {
  if (process.env.BROKKR_TESTS === 'unit') return;
  ensure('redis-server', 'redis-server');
  ensure('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server');
  ensure('/usr/bin/chromium', 'chromium');
}

function ensure(program: string, debianPackage: string): void {
  if (isOnPath(program)) return;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`the tests need ${program}; install it: sudo apt-get install ${debianPackage}`);
  }
  console.log(`${program} is missing: installing Debian's package ${debianPackage}, without starting its service`);
  withoutServices(() => {
    const options = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    execFileSync('apt-get', ['update', '-q'], options);
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', debianPackage], options);
  });
}

/** Debian runs this file to decide whether a package may start its service; 101 means no. */
function withoutServices(install: () => void): void {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (isOurs) rmSync(POLICY);
  }
}

function isOnPath(program: string): boolean {
  if (isAbsolute(program)) return existsSync(program);
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
