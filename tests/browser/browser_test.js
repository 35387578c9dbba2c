// The dashboard in a real browser: every page, live, large, narrow, dark, by keyboard, and by the rules of axe-core.
//   node browser_test.js WORLD CHROMIUM [SCREENSHOTS]
// WORLD is dash_world, which prints its address and does what it is told on standard input. Modules are found by NODE_PATH.
'use strict';
const {spawn} = require('child_process');
const path = require('path');
const {chromium} = require('playwright-core');
let axe = null;
try {
  axe = require.resolve('axe-core/axe.min.js');
} catch (e) {
  console.log('axe-core is not here: accessibility is left out');
}

const [world, executablePath, pictures] = process.argv.slice(2);
const command = process.env.GROVE_COMMAND, data = process.env.GROVE_DATA;
let failed = 0, checks = 0;

function check(good, text) {
  checks++;
  if (!good) {
    failed++;
    console.log('FAILED: ' + text);
  }
}

// What was started and has not ended: a test that fails, or is ended, leaves nothing running.
const started = new Set();
function start(...args) {
  const process_ = spawn(...args);
  started.add(process_);
  process_.on('exit', () => started.delete(process_));
  return process_;
}
process.on('exit', () => started.forEach((p) => p.kill('SIGKILL')));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => process.exit(1));
}

// A runtime to look at.
async function begin(...args) {
  const process_ = start(world, args, {stdio: ['pipe', 'pipe', 'inherit']});
  const lines = [], waiting = [];
  let rest = '';
  process_.stdout.on('data', (bytes) => {
    rest += bytes;
    for (let n; (n = rest.indexOf('\n')) >= 0; rest = rest.slice(n + 1)) {
      const line = rest.slice(0, n);
      waiting.length ? waiting.shift()(line) : lines.push(line);
    }
  });
  const next = () => (lines.length ? Promise.resolve(lines.shift()) : new Promise((done) => waiting.push(done)));
  const url = await next();
  return {
    url,
    async tell(text) { // gives its answer
      process_.stdin.write(text + '\n');
      return next();
    },
    async end() {
      const gone = new Promise((done) => process_.on('exit', done));
      process_.stdin.end();
      return gone;
    },
  };
}

async function open(browser, url, options) {
  const context = await browser.newContext({viewport: {width: 1360, height: 900}, ...options});
  const page = await context.newPage();
  const problems = [];
  page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
  page.on('pageerror', (e) => problems.push(e.message));
  page.on('request', (r) => r.url().startsWith(url) || r.url().startsWith('data:') || problems.push('asks elsewhere: ' + r.url()));
  page.problems = problems;
  await page.goto(url);
  await page.waitForSelector('#live.on');
  return page;
}

// Goes by the address bar; the page's own elements are awaited by who looks.
const go = (page, where) => page.evaluate((to) => { location.hash = '#/' + to; }, where);

const PAGES = [['overview', 'table'], ['actors', 'tbody tr'], ['actors?tree=1', '.tree li'], ['supervision', 'tbody tr'], ['jobs', 'h1'], ['timeline', '.timeline'], ['logs', 'tbody tr']];

async function looks(browser, w) {
  for (const [scheme, width] of [['light', 1360], ['dark', 1360], ['light', 360], ['dark', 360]]) {
    const page = await open(browser, w.url, {colorScheme: scheme, viewport: {width, height: 900}});
    for (const [where, sign] of PAGES) {
      await go(page, where);
      await page.waitForSelector('main ' + sign);
      if (where === 'overview') {
        await page.waitForFunction(() => document.querySelectorAll('.chart .line[d^=M]').length >= 6);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      check(wide <= width, `${where} is ${wide} wide on a screen of ${width}`);
      if (axe) {
        await page.evaluate(require('fs').readFileSync(axe, 'utf8')); // by the debugger: the page's policy lets no script in
        const found = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
        check(found.violations.length === 0, `${where} ${scheme} ${width}: ` + found.violations.map((v) => v.id + ' ' + v.nodes[0].html.slice(0, 100)).join('; '));
      }
      if (pictures) {
        await page.screenshot({path: path.join(pictures, `${where.replace(/\W.*/, where.includes('tree') ? '-tree' : '')}-${scheme}-${width}.png`)});
      }
    }
    if (width > 1000) {
      await page.setViewportSize({width: 2560, height: 1300});
      check(await page.evaluate(() => document.querySelector('main').clientWidth) > 2000, 'a wide screen is made use of');
    }
    check(page.problems.length === 0, `${scheme} ${width}: ` + page.problems.join('; '));
    await page.context().close();
  }
}

// Numbers move without a reload, and an actor dies on the screen.
async function lives(browser, w) {
  const page = await open(browser, w.url);
  await page.waitForSelector('.tile b');
  const messages = () => page.evaluate(() => [...document.querySelectorAll('.tile')].find((t) => t.firstChild.textContent === 'Messages').lastChild.textContent);
  await page.waitForFunction(() => [...document.querySelectorAll('.tile')].some((t) => t.firstChild.textContent === 'Messages'));
  const before = await messages();
  await w.tell('work 500');
  await page.waitForFunction((b) => [...document.querySelectorAll('.tile')].find((t) => t.firstChild.textContent === 'Messages').lastChild.textContent !== b, before);
  check((await page.$$('#live.on')).length === 1, 'the stream is open');

  const id = await w.tell('spawn mortal');
  await go(page, 'actors/' + id);
  await page.waitForFunction(() => document.querySelector('h1 .phase')?.textContent === 'idle');
  await w.tell('crash mortal');
  await page.waitForFunction(() => document.querySelector('h1 .phase')?.textContent === 'ended');
  const why = await page.textContent('.problem');
  check(/^Ended \S.*: leaf\.crash: it was told to <b>crash<\/b>$/.test(why) && !why.includes(' in '), 'the cause of death stands there, as text: ' + why);
  check(await page.$('.problem b') === null, 'and is no HTML');
  check(!(await page.textContent('.facts')).includes('mailbox'), 'who is gone has no mailbox');
  await go(page, 'actors?ended=1&q=mortal');
  await page.waitForFunction(() => document.querySelector('main tbody tr.gone td.text span')?.textContent === 'leaf.crash: it was told to <b>crash</b>');
  await go(page, 'logs');
  await page.waitForFunction(() => document.querySelector('main tbody')?.textContent.includes('it was told to <b>crash</b>'));
  await page.fill('input[type=search]', 'nothing has this');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 0);

  // What an actor waits for, with a link to whom; percentiles of its own.
  const trunk = await w.tell('await');
  await go(page, 'actors/' + trunk);
  await page.waitForFunction(() => document.querySelector('.waits')?.textContent.includes('await waits for stay of leaf'));
  if (axe) {
    await judge(page, 'actor that waits', 1360);
  }
  check((await page.textContent('main')).includes('Methods') && (await page.$$eval('main table', (all) => all.find((t) => t.caption.textContent === 'Methods')
    .tBodies[0].textContent)) === 'worklonglong0await–long1', 'its methods, and which is at work');
  await go(page, 'actors?q=trunk');
  await page.waitForFunction(() => document.querySelector('main tbody small.waits')?.textContent.startsWith('waits for stay of leaf'));
  await go(page, 'actors/' + trunk);
  await page.click('.waits a');
  await page.waitForFunction(() => document.querySelector('.waits')?.textContent.includes('stay waits for an answer that nobody owes yet'));
  check(await w.tell('wake') === 'ok', 'it goes on');
  await page.waitForFunction(() => !document.querySelector('.waits'));

  // A recording, and its longest spans; zoomed by the keyboard.
  await go(page, 'timeline');
  await page.click('button:has-text("Record")');
  await page.waitForFunction(() => document.querySelector('.count').textContent.startsWith('recording'));
  await w.tell('work 50');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 20);
  check((await page.textContent('main tbody')).includes('leaf 0'), 'spans of the leaves, by their labels');
  const whole = await page.getAttribute('.timeline', 'aria-label');
  await page.focus('.timeline');
  await page.keyboard.press('+');
  check(await page.getAttribute('.timeline', 'aria-label') !== whole, 'zoomed');
  await page.selectOption('select[aria-label=Lanes]', 'actor');
  check((await page.getAttribute('.timeline', 'aria-label')).includes('actors'), 'lanes of actors');
  if (pictures) {
    await page.keyboard.press('Escape');
    await page.screenshot({path: path.join(pictures, 'timeline-recorded.png')});
  }
  const axis = await page.evaluate(async () => {
    const proto = CanvasRenderingContext2D.prototype, real = proto.fillText, words = [];
    proto.fillText = function (text, x, y) {
      const width = this.measureText(text).width;
      y === 10 && words.push([this.textAlign === 'right' ? x - width : x, this.textAlign === 'right' ? x : x + width, text]);
      return real.call(this, text, x, y);
    };
    document.querySelector('.timeline').style.width = '330px';
    dispatchEvent(new Event('resize'));
    proto.fillText = real;
    document.querySelector('.timeline').style.width = '';
    dispatchEvent(new Event('resize'));
    return words;
  });
  check(axis.length >= 2 && axis.every((w, i) => !i || w[0] > axis[i - 1][1]), 'the words of a narrow axis have room: ' + JSON.stringify(axis));

  // Actions are not allowed here, so there is no button; a program that asks all the same is refused.
  check((await page.$$('button.danger')).length === 0, 'no button to end an actor');
  check(page.problems.length === 0, page.problems.join('; '));
  await page.context().close();
}

async function acts(browser) {
  const w = await begin('0', 'actions');
  const page = await open(browser, w.url);
  // A leaf that its trunk starts again.
  await go(page, 'actors?q=leaf%203');
  await page.click('main tbody th a');
  await page.waitForSelector('button:has-text("Restart it")');
  page.once('dialog', (d) => d.dismiss());
  await page.click('button:has-text("Restart it")');
  page.once('dialog', (d) => d.accept());
  await page.click('button:has-text("Restart it")');
  await page.waitForFunction(() => document.querySelector('.problem')?.textContent.includes('restarted from the dashboard'));
  if (pictures) {
    await page.screenshot({path: path.join(pictures, 'actor-restarted.png')});
  }
  const id = await w.tell('spawn doomed');
  await go(page, 'actors/' + id);
  await page.waitForFunction(() => document.querySelectorAll('button.danger').length === 1); // it is temporary: no restart
  page.once('dialog', (d) => d.dismiss());
  await page.click('button.danger');
  page.once('dialog', (d) => d.accept());
  await page.click('button.danger');
  await page.waitForFunction(() => document.querySelector('h1 .phase')?.textContent === 'ended');
  check(page.problems.length === 0, page.problems.join('; '));
  check(await w.end() === 0, 'its runtime ends while a page is open');
  await page.waitForSelector('#live.off');
  await page.context().close();
}

async function many(browser) {
  const w = await begin('10000');
  const page = await open(browser, w.url);
  await go(page, 'actors');
  await page.waitForFunction(() => document.querySelector('.count')?.textContent.includes('of 10,0'));
  const nodes = await page.evaluate(() => document.querySelector('main').getElementsByTagName('*').length);
  check(nodes < 2000, `the table has ${nodes} nodes with 10,000 actors`);
  await page.click('button:has-text("next")');
  await page.waitForFunction(() => document.querySelector('.count').textContent.startsWith('showing 51–100'));
  // From the key to the rows, several times: the best is what the page takes, the rest is the machine's. What its own thread
  // has to do for one is told by no other load. Each has another number of rows than the one before: else no count changes.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', {timeDomain: 'threadTicks'});
  const worked = async () => (await devtools.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000;
  const before = await worked();
  const took = [];
  for (const text of ['shard-00', 'shard-0012', 'shard-09', 'shard-07777', 'shard-03', 'shard-051', 'shard-08', 'shard-002', 'shard-0999', 'shard-044', 'shard-06', 'shard-0']) {
    took.push(await page.evaluate(async (wanted) => {
      const input = document.querySelector('input[type=search]'), count = document.querySelector('.count');
      const before = count.textContent, begun = performance.now();
      const changed = new Promise((done) => new MutationObserver((list, o) => (o.disconnect(), done())).observe(count, {childList: true, characterData: true, subtree: true}));
      input.value = wanted;
      input.dispatchEvent(new Event('input'));
      await changed;
      return count.textContent === before ? NaN : performance.now() - begun;
    }, text));
  }
  const least = Math.min(...took), work = (await worked() - before) / took.length;
  check(least <= 100, `a filter takes ${least.toFixed(0)} ms`);
  check(work <= 60, `a filter takes ${work.toFixed(0)} ms of the page's thread`);
  console.log(`10,000 actors: ${nodes} nodes; filters took ${took.map((t) => t.toFixed(0)).join(', ')} ms, ${work.toFixed(0)} of the page's thread`);
  // Many keys at once are few questions, and fewer addresses.
  const asked = [];
  page.on('request', (r) => /actors\?q=/.test(r.url()) && asked.push(r.url()));
  const changes = await page.evaluate(async () => {
    const input = document.querySelector('input[type=search]'), real = history.replaceState.bind(history);
    let n = 0;
    history.replaceState = (...a) => (n++, real(...a));
    for (const text of ['s', 'sh', 'sha', 'shar', 'shard', 'shard-', 'shard-0', 'shard-00', 'shard-001', 'shard-0012', 'shard-00123']) {
      input.value = text;
      input.dispatchEvent(new Event('input'));
    }
    while (document.querySelector('main tbody th').textContent !== 'shard-00123') {
      await new Promise((done) => setTimeout(done, 5));
    }
    return n;
  });
  check(asked.length <= 5 && changes <= 1, `eleven keys were ${asked.length} questions and ${changes} addresses`);
  await page.waitForFunction(() => location.hash.endsWith('q=shard-00123'));
  await page.fill('input[type=search]', 'shard-0');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 50);
  const rows = await page.$$eval('main tbody th', (list) => list.map((th) => th.textContent));
  check(rows.length === 50 && rows.every((t) => t.startsWith('shard-0')), 'the rows fit the filter: ' + rows.slice(0, 3));
  check(await page.evaluate(() => [...document.querySelectorAll('main tbody tr')].every((row) => row.querySelector('th a').getAttribute('href') === '#/actors/' + row.dataset.key)), 'rows that became others lead to them');
  await page.click('thead button:has-text("actor")');
  await page.waitForFunction(() => document.querySelector('th[aria-sort=ascending]')?.textContent === 'actor');
  await page.waitForFunction(() => document.querySelector('main tbody th').textContent === 'shard-00000');
  check(page.problems.length === 0, page.problems.join('; '));
  await page.context().close();
  check(await w.end() === 0, 'the runtime of many ends');
}

// Accessible, and no wider than the screen.
async function judge(page, name, width) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
  if (axe) {
    await page.evaluate(require('fs').readFileSync(axe, 'utf8')); // by the debugger: the page's policy lets no script in
    const found = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
    check(found.violations.length === 0, `${name}: ` + found.violations.map((v) => v.id + ' ' + v.nodes[0].html.slice(0, 100)).join('; '));
  }
  if (pictures) {
    await page.screenshot({path: path.join(pictures, name.replace(/ /g, '-') + '.png'), fullPage: true});
  }
}

// A command of grove with a dashboard, as long as it is looked at.
async function run(...args) {
  const process_ = start(command, [...args, '--dashboard', '127.0.0.1:0'], {stdio: ['ignore', 'ignore', 'pipe']});
  const gone = new Promise((done) => process_.on('exit', done));
  let said = '';
  const url = await new Promise((done, failed_) => {
    process_.stderr.on('data', (bytes) => {
      said += bytes;
      const found = /dashboard: (http:\/\/\S+)/.exec(said);
      found && done(found[1]);
    });
    gone.then(() => failed_(new Error('the command ended: ' + said)));
  });
  return {url, end: () => process_.kill('SIGINT') && gone};
}

// Example 1 trains: curves grow on the screen, the models stand by their error.
async function trains(browser) {
  if (!command || !data) {
    console.log('the command or its data is not here: jobs are left out');
    return;
  }
  const c = await run('train', '--data', data + '/california_housing.csv', '--no-progress', '--threads', '1', '--set', 'gradient_boosting.n_estimators=1000000',
    '--set', 'random_forest.n_estimators=20');
  const page = await open(browser, c.url);
  await go(page, 'jobs');
  const line = () => page.evaluate(() => [...document.querySelectorAll('figure.curves > svg .curve')].map((l) => l.getAttribute('d').length).reduce((a, b) => a + b, 0));
  await page.waitForFunction(() => document.querySelectorAll('figure.curves > svg .curve').length >= 2);
  const before = await line();
  await page.waitForFunction((b) => [...document.querySelectorAll('figure.curves > svg .curve')].map((l) => l.getAttribute('d').length).reduce((x, y) => x + y, 0) !== b, before);
  await page.waitForFunction(() => document.querySelectorAll('section tbody tr').length === 4
    && [...document.querySelectorAll('section tbody tr')].filter((r) => r.cells[2].textContent === 'done').length === 3);
  const errors = await page.$$eval('section tbody tr', (rows) => rows.map((r) => r.cells[4].textContent));
  const known = errors.filter((e) => e !== '–').map(Number);
  check(known.length === 3 && known.every((e, i) => !i || known[i - 1] <= e) && errors[3] === '–', 'sorted by MSE: ' + errors);
  check((await page.textContent('section tbody')).includes('n_estimators=20'), 'with their parameters');
  check((await page.$$eval('figure.curves figcaption', (all) => all.map((c) => c.textContent).join(' '))).includes('a tree that is cut at a depth'), 'the tree has its errors by depth');
  check((await page.textContent('section')).includes('No learning curve: linear.'), 'what has none is named');
  await go(page, 'actors?q=gradient_boosting');
  await page.waitForFunction(() => /mse/.test(document.querySelector('main tbody td.text span')?.textContent));
  check(await page.evaluate(() => document.querySelector('main tbody td.text span').getClientRects().length) <= 2, 'the state of a model has room');
  check(await page.evaluate(() => { const box = document.querySelector('main .scroll'); return box.scrollWidth <= box.clientWidth; }), 'the table of actors fits on the screen');
  check(await page.evaluate(() => document.querySelector('main tbody').rows[0].cells[4].textContent) === 'trainer', 'its parent is called by name');
  await page.click('main tbody th a');
  await page.waitForFunction(() => [...document.querySelectorAll('main table')].some((t) => /^Recent events/.test(t.caption.textContent) && t.tBodies[0].rows.length));
  await go(page, 'jobs');
  await page.waitForSelector('figure.curves > svg');
  check(/gradient_boosting/.test(await page.getAttribute('figure.curves > svg', 'aria-label')), 'the chart says in words what it shows');
  for (const [scheme, width] of [['light', 1360], ['dark', 1360], ['light', 360], ['dark', 360]]) {
    await page.setViewportSize({width, height: 900});
    await page.emulateMedia({colorScheme: scheme});
    await judge(page, `jobs training ${scheme} ${width}`, width);
  }
  check(page.problems.length === 0, page.problems.join('; '));
  await page.context().close();
  await c.end();
}

// A batch job with a shard that fails: rates, the failure first.
async function scores(browser) {
  const fs = require('fs'), os = require('os');
  const taxi = command && data && fs.existsSync(data + '/taxi') ? fs.readdirSync(data + '/taxi').filter((n) => /^green.*parquet$/.test(n)) : [];
  if (!taxi.length) {
    console.log('the taxi data is not here: batch jobs are left out');
    return;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'grove-jobs-'));
  const shards = Array.from({length: 100000}, (_, i) => path.join(folder, `shard-${String(i).padStart(5, '0')}.parquet`));
  shards.forEach((s, i) => i === 1 ? fs.writeFileSync(s, 'no Parquet file') : fs.symlinkSync(path.join(data, 'taxi', taxi[0]), s));
  const c = await run('predict', '--rule', 'passenger_count >= 2', '--actors', '1', '--threads', '1', '--no-progress', folder);
  const page = await open(browser, c.url);
  await go(page, 'jobs');
  const facts = () => page.$$eval('.facts div', (list) => Object.fromEntries(list.map((f) => [f.firstChild.textContent, f.lastChild.textContent])));
  await page.waitForFunction(() => /rows\/s/.test([...document.querySelectorAll('.facts div')].find((f) => f.firstChild.textContent === 'now')?.lastChild.textContent));
  await page.waitForFunction(() => /\d s/.test([...document.querySelectorAll('.facts div')].find((f) => f.firstChild.textContent === 'ends in about')?.lastChild.textContent));
  const f = await facts();
  check(/of 100,000$/.test(f.shards) && f.failed === '1', 'shards and failures: ' + JSON.stringify(f));
  check((await page.textContent('section tbody tr')).includes('it does not start with PAR1'), 'the one that failed stands first, with its reason');
  await page.click('section button:has-text("next")');
  await page.waitForFunction(() => /showing 51–100/.test(document.querySelector('section .count').textContent));
  await judge(page, 'jobs batch light 1360', 1360);
  await page.setViewportSize({width: 360, height: 900});
  await page.emulateMedia({colorScheme: 'dark'});
  await judge(page, 'jobs batch dark 360', 360);
  const now = (await facts()).now;
  check(!now.startsWith('0 rows'), 'what is drawn twice within a moment keeps its rate: ' + now);
  check(page.problems.length === 0, page.problems.join('; '));
  await page.context().close();
  await c.end();
  fs.rmSync(folder, {recursive: true});
}

// The page of grove train --report: a file, in both themes, narrow, wide and on paper.
async function reports(browser) {
  const fs = require('fs'), os = require('os'), {spawnSync} = require('child_process');
  if (!command || !data) {
    console.log('the command or its data is not here: reports are left out');
    return;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'grove-report-')), file = path.join(folder, 'report.html');
  const ran = spawnSync(command, ['train', '--data', data + '/california_housing.csv', '--quiet', '--set', 'random_forest.n_estimators=20',
    '--set', 'gradient_boosting.n_estimators=40', '--report', file]);
  check(ran.status === 0, 'the report is written: ' + ran.stderr);
  for (const [scheme, width] of [['light', 1240], ['dark', 1240], ['light', 360], ['dark', 360]]) {
    const context = await browser.newContext({colorScheme: scheme, viewport: {width, height: 900}});
    const page = await context.newPage(), problems = [];
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('request', (r) => /^(file|data):/.test(r.url()) || problems.push('asks elsewhere: ' + r.url()));
    await page.goto('file://' + file);
    const errors = await page.$$eval('main > .scroll tbody tr', (rows) => rows.map((r) => Number(r.cells[3].textContent)));
    check(errors.length === 4 && errors.every((e, i) => !i || errors[i - 1] <= e), 'sorted by MSE: ' + errors);
    check((await page.$$('svg[role=img]')).length === 19, 'curves, the tree by depth, four charts of each model, and a map');
    await judge(page, `report ${scheme} ${width}`, width);
    if (scheme === 'light' && width === 1240) {
      const pdf = await page.pdf({path: path.join(folder, 'report.pdf')});
      check(pdf.length > 20000, 'it prints');
    }
    check(problems.length === 0, 'report: ' + problems.join('; '));
    await context.close();
  }
  fs.rmSync(folder, {recursive: true});
}

// More tabs than a browser has connections: those out of sight leave them to the others.
async function tabs(browser, w) {
  const context = await browser.newContext({viewport: {width: 1360, height: 900}});
  const turn = (page, hidden) => page.evaluate((h) => {
    Object.defineProperty(document, 'hidden', {value: h, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  const pages = [];
  for (let i = 0; i < 9; i++) {
    const page = await context.newPage();
    await page.goto(w.url);
    await page.waitForSelector('#live.on');
    await go(page, 'actors');
    await page.waitForSelector('main tbody tr');
    await turn(page, true);
    await page.waitForFunction(() => document.querySelector('#live').textContent === 'paused');
    pages.push(page);
  }
  await turn(pages[0], false);
  await pages[0].waitForSelector('#live.on');
  await context.close();
}

// Another process at the same address: nothing of the one before stays on the page.
async function begins_anew(browser) {
  const first = await begin('30');
  const page = await open(browser, first.url);
  await go(page, 'logs');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length > 50);
  await first.end();
  await page.waitForSelector('#live.off');
  const second = await begin('1', 'reads', first.url.replace(/^http:\/\//, '').replace('/', ''));
  check(second.url === first.url, 'it serves where the other did');
  await second.tell('spawn reborn');
  await page.waitForFunction(() => document.querySelector('main tbody')?.textContent.includes('reborn'));
  check(!(await page.textContent('main tbody')).includes('shard-00029'), 'what the other told is gone');
  await page.context().close();
  check(await second.end() === 0, 'the second ends');
}

// Of a method that waited on one worker and went on upon another, each piece stands where it ran.
async function cuts(browser, w) {
  const page = await open(browser, w.url);
  const got = await page.evaluate(async () => {
    const {pieces} = await import('/timeline.js');
    const span = {kind: 'method', begin: 100, length: 100, thread: 3, id: '1-1', name: 'm'};
    const own = [{begin: 20, length: 10, thread: 9}, {begin: 120, length: 20, thread: 2}, {begin: 150, length: 10, thread: 3}, {begin: 190, length: 40, thread: 9}];
    return pieces(span, new Map([['1-1m', own]])).map((p) => [p.begin, p.length, p.thread].join());
  });
  check(got.join(' ') === '100,20,2 140,10,2 160,40,3', 'pieces: ' + got.join(' '));
  // A table that is sorted anew each second leaves the focus where it is.
  const focused = await page.evaluate(async () => {
    const {el, fillRows} = await import('/common.js');
    const body = el('tbody', {}), fill = (keys) => fillRows(body, keys, (k) => k, (k) => el('tr', {}, el('td', {}, el('a', {href: '#/logs'}, k))), () => {});
    document.getElementById('main').append(el('table', {}, body));
    fill(['a', 'b', 'c']);
    body.rows[2].querySelector('a').focus();
    fill(['c', 'a', 'b']);
    return body.contains(document.activeElement) && document.activeElement.textContent;
  });
  check(focused === 'c', 'the focus stays with its row: ' + focused);
  // Rows of those who are gone become others', but for the one that has the focus.
  const became = await page.evaluate(async () => {
    const {el, fillRows} = await import('/common.js');
    const body = el('tbody', {}), fill = (keys) => fillRows(body, keys, (k) => k, () => el('tr', {}, el('td', {}, el('a', {href: '#/logs'}))), (row, k) => { row.querySelector('a').textContent = k; }, true);
    document.getElementById('main').append(el('table', {}, body));
    fill(['a', 'b', 'c']);
    const before = [...body.rows];
    before[1].querySelector('a').focus();
    fill(['d', 'c', 'e', 'f']);
    return [...body.rows].map((row) => row.textContent + (before.includes(row) ? before.indexOf(row) : '')).join(' ') + (before[1].isConnected ? ' stays' : '');
  });
  check(became === 'd0 c2 e f', 'rows: ' + became);
  const speeds = await page.evaluate(async () => {
    const {rates} = await import('/common.js');
    const rate = rates();
    return [rate('a', 0, 10), rate('a', 100, 11), rate('a', 100, 11.01), rate('a', 300, 12), rate('a', 5, 12.1), rate('b', 5, 12.1)].join(' ');
  });
  check(speeds === 'NaN 100 100 200 NaN NaN', 'rates: ' + speeds);
  await page.context().close();
}

// By keyboard alone: to the pages, into the tree.
async function keys(browser, w) {
  const page = await open(browser, w.url);
  await page.keyboard.press('Tab');
  check(await page.evaluate(() => document.activeElement.className) === 'skip', 'the first stop is the way past the head');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Actors');
  check(await page.evaluate(() => document.activeElement.id) === 'main', 'the new page has the focus');
  await go(page, 'actors?tree=1');
  await page.waitForSelector('.twist');
  await page.focus('.twist');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.tree li li');
  await page.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 2500))); // it is drawn anew meanwhile
  check(await page.evaluate(() => document.activeElement.matches('.twist[aria-expanded=true]')), 'the focus stays in the tree');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.querySelector('.tree li li'));
  await page.context().close();
}

(async () => {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']});
  const w = await begin('20');
  for (const part of [looks, lives, keys, tabs, cuts]) {
    await part(browser, w);
    console.log(part.name + ' done');
  }
  check(await w.end() === 0, 'the runtime ends');
  for (const part of [trains, scores, reports]) {
    await part(browser);
    console.log(part.name + ' done');
  }
  await begins_anew(browser);
  await acts(browser);
  await many(browser);
  await browser.close();
  console.log(`${checks} checks, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})().catch((e) => {
  console.log('FAILED: ' + (e.stack || e));
  process.exit(1);
});
