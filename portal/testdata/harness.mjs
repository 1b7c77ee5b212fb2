// Runs dashboard.test.mjs against the mock engine, playing the part that the Go test plays against the real one:
//   PLAYWRIGHT=/tmp/pw/node_modules/playwright-core node portal/testdata/harness.mjs

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const PORT = process.env.PORT ?? '8098';
const url = `http://127.0.0.1:${PORT}`;
const here = (/** @type {string} */ name) => new URL(name, import.meta.url).pathname;

const mock = spawn(process.execPath, [here('mock.mjs'), PORT], { stdio: ['ignore', 'pipe', 'inherit'] });
await new Promise((r) => mock.stdout.once('data', r));
const tell = (/** @type {string} */ verb, /** @type {object} */ body = {}) => fetch(`${url}/mock/${verb}`, { method: 'POST', body: JSON.stringify(body) }).then((r) => r.json());

const script = spawn(process.execPath, [here('dashboard.test.mjs')], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: {
    ...process.env, RXVIGIL_URL: url, TENANT: 'testpharmacy', SUBJECT: 'm-1',
    SQL_LOW: "UPDATE lots SET on_hand = 3 WHERE medicine = 'm-1'", SQL_RESTOCK: "UPDATE lots SET on_hand = 90 WHERE medicine = 'm-1'",
  },
});
createInterface({ input: script.stdout }).on('line', async (line) => {
  console.log(line);
  const { want, sql } = JSON.parse(line);
  if (want) script.stdin.write(`${JSON.stringify(want === 'sql' ? await tell('sql', { sql }) : await tell(want))}\n`);
});
script.on('exit', (code) => {
  mock.kill();
  process.exitCode = code ?? 1;
});
