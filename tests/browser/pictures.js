// The pictures of the guide, made of a training: GROVE_COMMAND and GROVE_DATA say by what and of what.
//   sh tests/browser/run.sh WORLD tests/browser/pictures.js docs/guide/images
'use strict';
const {spawn, spawnSync} = require('child_process');
const fs = require('fs'), os = require('os'), path = require('path');
const {chromium} = require('playwright-core');

const [, executablePath, folder] = process.argv.slice(2);
const command = process.env.GROVE_COMMAND, table = path.join(process.env.GROVE_DATA || '', 'california_housing.csv');

// A training that goes on for as long as it is looked at.
async function train() {
  const process_ = spawn(command, ['train', '--data', table, '--set', 'gradient_boosting.n_estimators=1000000', '--set', 'random_forest.n_estimators=5000',
    '--threads', '2', '--dashboard', '127.0.0.1:0'], {stdio: ['ignore', 'ignore', 'pipe']});
  let said = '';
  const url = await new Promise((done) => process_.stderr.on('data', (bytes) => {
    said += bytes;
    const found = /dashboard: (http:\/\/\S+)/.exec(said);
    found && done(found[1]);
  }));
  return {url, end: () => process_.kill('SIGKILL')};
}

async function open(browser, url, width, height, colorScheme) {
  const page = await (await browser.newContext({viewport: {width, height}, colorScheme})).newPage();
  await page.goto(url);
  return page;
}

const go = (page, where) => page.evaluate((to) => { location.hash = '#/' + to; }, where);

async function pages(browser) {
  const c = await train(), page = await open(browser, c.url, 1200, 1000, 'light');
  const take = (name, options) => page.screenshot({path: path.join(folder, `dashboard-${name}.png`), ...options});
  await page.waitForFunction(() => /last 1\d\.\d s/.test(document.querySelector('.chart .range')?.textContent)); // a line to be seen
  await page.setViewportSize({width: 1200, height: 860});
  await take('overview');
  await page.setViewportSize({width: 1200, height: 1000});
  await go(page, 'actors?q=trainer');
  await page.click('main tbody th a');
  await page.waitForFunction(() => [...document.querySelectorAll('main caption')].some((x) => /^Recent/.test(x.textContent)));
  await take('actor');
  await go(page, 'timeline');
  await page.click('button:has-text("Record")');
  await page.waitForFunction(() => /spans in/.test(document.querySelector('.count').textContent));
  await take('timeline');
  await go(page, 'actors');
  await page.waitForFunction(() => /\d %/.test(document.querySelector('main tbody')?.textContent) && document.querySelectorAll('main tbody progress').length === 4);
  await page.setViewportSize({width: 1360, height: 600});
  await take('actors');
  await go(page, 'jobs');
  await page.waitForFunction(() => /0\.\d{6}/.test(document.querySelector('section tbody')?.textContent));
  await take('jobs', {fullPage: true});
  const narrow = await open(browser, c.url, 360, 760, 'dark');
  await narrow.waitForFunction(() => document.querySelectorAll('.chart .line[d^=M]').length >= 6);
  await narrow.screenshot({path: path.join(folder, 'dashboard-narrow.png')});
  c.end();
}

async function report(browser) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'grove-pictures-')), file = path.join(scratch, 'report.html');
  spawnSync(command, ['train', '--data', table, '--quiet', '--report', file], {stdio: 'ignore'});
  const page = await open(browser, 'file://' + file, 1180, 1180, 'light');
  await page.screenshot({path: path.join(folder, 'training-report.png')});
  fs.rmSync(scratch, {recursive: true});
}

(async () => {
  if (!folder || !command) {
    throw new Error('a folder is wanted, and GROVE_COMMAND and GROVE_DATA in the environment');
  }
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']});
  await pages(browser);
  await report(browser);
  await browser.close();
})().catch((e) => {
  console.log('FAILED: ' + (e.stack || e));
  process.exit(1);
});
