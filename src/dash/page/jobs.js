// Jobs: trainings with their learning curves and results by error, batch jobs with their shards, rates and failures.
import {ago, ask, bytes, duration, el, empty, fillRows, number, percent, rates, redraw, setText, short, table} from './common.js';

const ROWS = 50, DASHES = ['', '7 3', '2 3', '9 3 2 3', '4 2', '12 4'];
let root, parts, wanted, shown, told, rate, speed, offset, order, serial = 0;

// ---- words ----------------------------------------------------------------------------------------------
// How much is done, of 1.
function partOf(r) {
  const ended = r.done + r.failed + r.skipped + r.cancelled;
  return r.state !== 'running' ? 1 : r.all_bytes ? Math.min(1, r.bytes / r.all_bytes) : r.items ? ended / r.items : NaN;
}

function timeLeft(r, part) {
  return r.state === 'running' && part > 0 && part < 1 && r.took_ns > 1e9 ? r.took_ns / part - r.took_ns : NaN;
}

function fixed(x, digits) {
  return x === null ? '–' : Math.abs(x) >= 1e6 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(3) : x.toFixed(digits);
}

function badge(state) {
  const looks = {running: 'running', waiting: 'queued', done: 'idle', skipped: 'ended', failed: 'stuck', cancelled: 'ended'};
  return el('span', {class: 'phase ' + (looks[state] || '')}, state);
}

// ---- the list ---------------------------------------------------------------------------------------------
function drawList(runs) {
  parts.none.hidden = runs.length > 0;
  parts.list.hidden = runs.length === 0;
  fillRows(parts.runs, runs, (r) => String(r.id),
    (r) => el('tr', {}, el('th', {scope: 'row'}, el('a', {href: '#/jobs/' + r.id}, r.title || 'run ' + r.id)), el('td', {}, r.kind), el('td', {}),
      el('td', {class: 'wide'}, el('progress', {max: 1, 'aria-label': 'progress of ' + r.title})), el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {})),
    (row, r) => {
      const part = partOf(r), cells = row.cells, bar = cells[3].firstChild;
      if (cells[2].textContent !== r.state) {
        cells[2].replaceChildren(badge(r.state));
      }
      if (Number.isFinite(part)) {
        bar.value = part;
      } else {
        bar.removeAttribute('value');
      }
      row.toggleAttribute('data-here', r.id === shown);
      setText(cells[4], number(r.done + r.skipped) + ' of ' + number(r.items));
      setText(cells[5], number(r.failed));
      setText(cells[6], duration(r.took_ns));
      setText(cells[7], ago(r.ago_ns));
    });
}

// ---- learning curves ------------------------------------------------------------------------------------------
function lineOf(i, n, d) {
  return el('path', {svg: 1, class: 'curve c' + n % 6, 'stroke-dasharray': i.curve.length ? DASHES[n % 6] : '1 5', d});
}

// One chart for all models whose curves count the same: a line for each, and one straight across for each of `alone`.
function chart(items, steps, alone) {
  const lines = items.map((i, n) => [i, n]).filter(([i]) => (i.curve.length > 1 && i.steps === steps) || (i.curve.length === 0 && alone.includes(i)));
  const curved = lines.filter(([i]) => i.curve.length);
  if (!curved.length) {
    return '';
  }
  const width = Math.max(250, root.clientWidth - 60), height = 260, left = 52, right = 12, top = 8, bottom = 36;
  const ys = lines.flatMap(([i]) => (i.curve.length ? i.curve.map((p) => p[1]) : [i.result]));
  const most = Math.max(1, ...curved.flatMap(([i]) => i.curve.map((p) => p[0])));
  const low = Math.min(...ys), high = Math.max(...ys, low + 1e-12), floor = low - (high - low) * 0.06;
  const x = (v) => (left + v / most * (width - left - right)).toFixed(1), y = (v) => (top + (high - v) / (high - floor) * (height - top - bottom)).toFixed(1);
  const grid = [0, 1, 2, 3, 4].map((k) => floor + (high - floor) * k / 4);
  const words = lines.map(([i]) => i.name + (i.curve.length ? ' from ' + fixed(i.curve[0][1], 4) + ' to ' + fixed(i.curve[i.curve.length - 1][1], 4) : ' ' + fixed(i.result, 4)));
  const text = (at, across, anchor, what) => el('text', {svg: 1, x: at, y: across, 'text-anchor': anchor}, what);
  return el('figure', {class: 'chart curves'}, el('figcaption', {}, steps === 'depth' ? 'Mean squared error on the test part of a tree that is cut at a depth'
    : 'Learning curves: mean squared error on the test part, by ' + steps),
    el('svg', {svg: 1, width, height, viewBox: '0 0 ' + width + ' ' + height, role: 'img', 'aria-label': 'Error by ' + steps + ': ' + words.join(', ')},
      ...grid.flatMap((v) => [el('line', {svg: 1, class: 'grid', x1: left, x2: width - right, y1: y(v), y2: y(v)}), text(left - 6, Number(y(v)) + 4, 'end', String(Number(v.toPrecision(3))))]),
      ...[0, 0.5, 1].map((k) => text(x(most * k), height - bottom + 16, k === 1 ? 'end' : k ? 'middle' : 'start', number(most * k))),
      text((left + width) / 2, height - 3, 'middle', steps),
      ...lines.map(([i, n]) => lineOf(i, n, i.curve.length ? i.curve.map((p, k) => (k ? 'L' : 'M') + x(p[0]) + ' ' + y(p[1])).join('')
        : 'M' + left + ' ' + y(i.result) + 'L' + (width - right) + ' ' + y(i.result)))),
    el('ul', {class: 'legend'}, ...lines.map(([i, n]) => el('li', {}, el('svg', {svg: 1, width: 28, height: 10, viewBox: '0 0 28 10', 'aria-hidden': 'true'}, lineOf(i, n, 'M0 5L28 5')), ' ' + i.name))));
}

// A chart for each thing that curves count; and in words who has none, which is no fault of his.
function charts(d, items) {
  const kinds = [...new Set(items.filter((i) => i.curve.length > 1).map((i) => i.steps || 'trees'))].sort((a, b) => (b === 'trees') - (a === 'trees'));
  const alone = items.filter((i) => i.curve.length === 0 && i.result !== null), names = alone.map((i) => i.name).join(', ');
  return [...kinds.map((k, n) => chart(items, k, n ? [] : alone)),
    alone.length ? el('p', {class: 'empty'}, 'No learning curve: ' + names + '. ' + (kinds.length ? 'Such a model is solved at once; its error is the dotted line straight across.'
      : 'Such a model is solved at once, or the run does not ask for curves (with folds there are none).')) : ''];
}

// ---- one run ---------------------------------------------------------------------------------------------------
function progressOf(i) {
  return i.state === 'running' && i.progress !== null ? el('progress', {max: 1, value: i.progress, 'aria-label': 'progress of ' + i.name}) : '';
}

function training(d) {
  const items = [...d.items.rows].sort((a, b) => a.index - b.index);
  const rows = d.items.rows.map((i, n) => el('tr', {class: i.state === 'failed' ? 'bad' : ''}, el('td', {class: 'n'}, i.result === null ? '–' : String(n + 1)),
    el('th', {scope: 'row'}, i.actor ? el('a', {href: '#/actors/' + i.actor}, i.name) : i.name), el('td', {}, badge(i.state)),
    el('td', {class: 'text'}, progressOf(i), i.error || (i.state === 'running' ? i.text : '')),
    el('td', {class: 'n'}, fixed(i.result, 6)), el('td', {class: 'n'}, fixed(i.mae, 4)), el('td', {class: 'n'}, fixed(i.r2, 4)),
    el('td', {class: 'n'}, i.seconds === null ? '–' : duration(i.seconds * 1e9)), el('td', {class: 'text'}, i.parameters)));
  return [...charts(d, items), table('Models, the least error first', ['>place', 'model', 'state', 'doing', '>MSE', '>MAE', '>R²', '>time to train', 'parameters'], rows)[0]];
}

function fact(name, value) {
  return el('div', {}, el('dt', {}, name), el('dd', {}, value));
}

function batchFacts(r, items) {
  const seconds = r.took_ns / 1e9, rows = rate('rows' + r.id, r.rows, seconds), some = rate('bytes' + r.id, r.bytes, seconds);
  speed = Number.isFinite(rows) ? {rows, some} : speed;
  const under = items.rows.reduce((sum, i) => sum + (i.state === 'running' ? i.progress || 0 : 0), 0);
  const part = r.items && !r.all_bytes && r.state === 'running' ? (r.done + r.failed + r.skipped + r.cancelled + under) / r.items : partOf(r);
  const time = timeLeft(r, part), words = (n, b) => short(n) + ' rows/s, ' + bytes(b) + '/s';
  return el('dl', {class: 'facts'}, fact('shards', number(r.done + r.skipped) + ' of ' + number(r.items) + (r.skipped ? ', ' + number(r.skipped) + ' of them before' : '')),
    fact('failed', number(r.failed)), fact('rows', short(r.rows)), fact('bytes', bytes(r.bytes)),
    fact('now', r.state === 'running' && speed ? words(speed.rows, speed.some) : '–'), fact('on the whole', seconds > 0 ? words(r.rows / seconds, r.bytes / seconds) : '–'),
    fact('done', percent(part)), r.state === 'running' ? fact('ends in about', Number.isFinite(time) ? duration(Math.max(1, Math.round(time / 1e9)) * 1e9) : '–') : fact('took', duration(r.took_ns)));
}

function batch(d) {
  const r = d.run, items = d.items;
  const turn = (by) => () => {
    offset = Math.max(0, offset + by);
    load();
  };
  const rows = items.rows.map((i) => el('tr', {class: i.state === 'failed' ? 'bad' : ''}, el('th', {scope: 'row', class: 'name'}, i.name), el('td', {}, badge(i.state)),
    el('td', {class: 'text'}, progressOf(i), i.error), el('td', {class: 'n'}, number(i.attempts)), el('td', {class: 'n'}, i.state === 'running' ? '–' : number(i.rows)),
    el('td', {class: 'n'}, fixed(i.result, 3)), el('td', {class: 'n'}, bytes(i.bytes)), el('td', {class: 'n'}, i.seconds === null ? '–' : duration(i.seconds * 1e9)),
    el('td', {class: 'n'}, i.seconds ? short(i.rows / i.seconds) : '–')));
  const sorts = el('select', {'aria-label': 'Order', onchange: (e) => {
    order = e.target.value;
    offset = 0;
    load();
  }}, ...[['state', 'failed first'], ['index', 'as given'], ['result', 'by score']].map(([v, t]) => el('option', {value: v, selected: v === order}, t)));
  const to = items.offset + items.rows.length;
  return [batchFacts(r, items), el('div', {class: 'bar'}, sorts, el('span', {class: 'count'}, 'showing ' + number(items.total ? items.offset + 1 : 0) + '–' + number(to) + ' of ' + number(items.total)
    + (items.total < r.items ? ', of ' + number(r.items) + ' in all' : ''))),
  table('Shards', ['shard', 'state', 'doing', '>attempts', '>rows', '>score', '>bytes', '>took', '>rows/s'], rows)[0],
  el('div', {class: 'bar'}, el('button', {type: 'button', disabled: items.offset === 0, onclick: turn(-ROWS)}, '← before'),
    el('button', {type: 'button', disabled: to >= items.total, onclick: turn(ROWS)}, 'next →'))];
}

async function load() {
  const mine = ++serial;
  if (!shown) {
    return;
  }
  const kind = told.find((r) => r.id === shown)?.kind;
  let d;
  try {
    d = await ask('runs/' + shown + '?order=' + (kind === 'batch' ? order : 'result') + '&offset=' + offset + '&rows=' + ROWS);
  } catch (e) {
    if (root && mine === serial) {
      parts.one.replaceChildren(empty(e.message));
    }
    return;
  }
  if (root && mine === serial) {
    const r = d.run;
    redraw(parts.one, () => parts.one.replaceChildren(el('h2', {}, r.title || 'run ' + r.id, ' ', badge(r.state)),
      r.text ? el('p', {class: r.state === 'done' ? '' : 'problem'}, r.text) : '', ...(r.kind === 'batch' ? batch(d) : training(d))));
  }
}

// The list is told each second; a run is asked for when something of it has changed.
function hear(runs) {
  const before = told.find((r) => r.id === shown);
  const runs_on = runs.find((r) => r.state === 'running');
  told = runs;
  shown = wanted || (shown && (!runs_on || runs.some((r) => r.id === shown && r.state === 'running')) ? shown : (runs_on || runs[0])?.id || 0);
  drawList(runs);
  const now = runs.find((r) => r.id === shown);
  if (now && (!before || before.id !== now.id || before.changes !== now.changes)) {
    load();
  }
}

export async function open(main, rest) {
  root = main;
  wanted = Number(rest) || 0;
  shown = offset = 0;
  told = [];
  order = 'state';
  speed = null;
  rate = rates();
  parts = {none: empty('No training and no batch job has begun yet.'), one: el('section', {'aria-label': 'The run'})};
  [parts.list, parts.runs] = table('Runs, the newest first', ['run', 'kind', 'state', 'progress', '>done', '>failed', '>took', 'began']);
  parts.list.hidden = true;
  main.append(el('h1', {}, 'Jobs'), parts.none, parts.list, parts.one);
  addEventListener('resize', load);
  const d = await ask('runs');
  if (root === main && !told.length) {
    hear(d.runs);
    if (wanted && !d.runs.some((r) => r.id === wanted)) {
      shown = wanted;
      await load();
    }
  }
}

export function close() {
  root = null;
  removeEventListener('resize', load);
}

export function tick(d) {
  if (root) {
    hear(d.runs);
  }
}
