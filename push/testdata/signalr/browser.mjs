// Tells the stories in Chromium, on pages of another origin than the servers': node browser.mjs PLAYWRIGHT CHROMIUM, and for each transport
// its name and the server's and the control door's URL.
import { createRequire } from 'node:module';

const [playwright = '', executablePath = '', ...stages] = process.argv.slice(2);
const browser = await createRequire(import.meta.url)(playwright).chromium.launch({ executablePath, args: ['--no-sandbox'] });

async function tell(/** @type {string[]} */ [transport = '', url = '', control = '']) {
  const page = await browser.newPage();
  await page.goto(`${control}/page`);
  return [transport, await page.evaluate((/** @type {any} */ stage) => /** @type {any} */ (window).tell(stage),
    { url, control, transport, stateful: transport === 'WebSockets' })];
}

try {
  console.log(await Promise.all([0, 3, 6].map((i) => tell(stages.slice(i, i + 3)))));
} finally {
  await browser.close();
}
