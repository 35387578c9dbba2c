// Overview: rates, workers, memory, classes; the last hour.
import {ask, bytes, chart, duration, el, fillRows, number, percent, rates, setText, short, table} from './common.js';

let root, columns, rows, parts, rate, classTimer;

const MOST = 400;

function column(row, name) {
  return row[columns.indexOf(name)];
}

// Points of a rate of a counter, or of the values themselves.
function points(name, perSecond) {
  return rows.map((row, i) => {
    const at = column(row, 'at_ms');
    if (!perSecond) {
      return [at, column(row, name)];
    }
    const before = rows[i - 1];
    return [at, before ? (column(row, name) - column(before, name)) / ((at - column(before, 'at_ms')) / 1000) * perSecond : NaN];
  });
}

function drawCharts(workers) {
  parts.charts.replaceChildren(
    chart('Messages handled per second', points('handled', 1), short),
    chart('Busy workers', points('busy_ns', 1e-9), (n) => n.toFixed(2) + ' of ' + workers + (n > workers + 0.005 ? ' and stand-ins' : '')),
    chart('Messages waiting', points('queued'), short),
    chart('Wait in mailboxes, p99', points('wait_p99_ns'), duration),
    chart('Memory', points('memory_bytes'), bytes),
    chart('Actors', points('actors'), number),
    chart('Restarts per second', points('restarts', 1), short),
    chart('Failed calls per second', points('failed', 1), short));
}

function tile(name) {
  const value = el('b', {}, '–');
  parts.tiles.append(el('div', {class: 'tile'}, el('span', {}, name), value));
  return value;
}

function drawTiles(r) {
  const lost = r.dropped + r.refused;
  const values = {
    'Up': duration(r.up_ns), 'Actors': number(r.actors), 'Waiting': number(r.suspended), 'Messages': short(r.messages),
    'Failed': short(r.failed), 'Lost': short(lost), 'Dead letters': short(r.dead_letters), 'Restarts': number(r.restarts), 'Memory': bytes(r.memory_bytes),
  };
  for (const [name, text] of Object.entries(values)) {
    parts.tile[name] = parts.tile[name] || tile(name);
    setText(parts.tile[name], text);
  }
  parts.tile.Lost.parentNode.title = 'dropped ' + r.dropped + ', refused ' + r.refused;
  const most = Math.max(1, r.memory_bytes);
  fillRows(parts.memory, Object.entries(r.memory_of), (m) => m[0],
    (m) => el('tr', {}, el('th', {scope: 'row'}, m[0]), el('td', {class: 'n'}), el('td', {class: 'wide'}, el('meter', {min: 0, max: 1, 'aria-label': m[0]}))),
    (row, m) => {
      setText(row.cells[1], bytes(m[1]));
      row.querySelector('meter').value = m[1] / most;
    });
}

function drawWorkers(workers, seconds, own) {
  fillRows(parts.workers, workers, (w) => String(w.index),
    (w) => el('tr', {}, el('th', {scope: 'row'}, w.index + (w.index < own ? '' : ', stands in')), el('td', {class: 'wide'}, el('meter', {min: 0, max: 1, 'aria-label': 'worker ' + w.index})),
      el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {class: 'n'})),
    (row, w) => {
      const busy = rate('w' + w.index, w.busy_ns, seconds) / 1e9;
      row.querySelector('meter').value = Number.isFinite(busy) ? busy : 0;
      setText(row.cells[2], percent(busy));
      setText(row.cells[3], number(w.queued));
      setText(row.cells[4], short(w.turns));
      setText(row.cells[5], short(w.steals));
    });
}

function drawClasses(classes, seconds) {
  fillRows(parts.classes, classes, (c) => c.class,
    (c) => el('tr', {}, el('th', {scope: 'row'}, el('a', {href: '#/actors?class=' + encodeURIComponent(c.class)}, c.class)),
      ...Array.from({length: 9}, () => el('td', {class: 'n'}))),
    (row, c) => {
      const handled = rate('c' + c.class, c.handled, seconds);
      const busy = rate('b' + c.class, c.busy_ns, seconds) / 1e9;
      [number(c.actors), Number.isFinite(handled) ? short(handled) : '–', Number.isFinite(busy) ? busy.toFixed(2) : '–', short(c.failed),
        short(c.dropped_dead + c.dropped_full + c.dropped_expired + c.dropped_canceled + c.refused), number(c.restarts),
        duration(c.wait_p50_ns) + ' / ' + duration(c.wait_p99_ns), duration(c.run_p50_ns) + ' / ' + duration(c.run_p99_ns),
        number(c.ended)].forEach((text, i) => setText(row.cells[i + 1], text));
    });
}

async function load() {
  const d = await ask('overview');
  if (!root) {
    return;
  }
  columns = d.history.columns;
  rows = d.history.rows;
  drawTiles(d.runtime);
  drawWorkers(d.workers, d.now_ns / 1e9, d.runtime.workers);
  drawClasses(d.classes, d.now_ns / 1e9);
  drawCharts(d.runtime.workers);
}

async function loadClasses() {
  const d = await ask('overview');
  if (root) {
    drawClasses(d.classes, d.now_ns / 1e9);
  }
}

export function open(main) {
  root = main;
  rate = rates();
  rows = [];
  parts = {tile: {}};
  let workers, memory, classes;
  [workers, parts.workers] = table('Workers', ['worker', 'share of the time', '>busy', '>queued', '>turns', '>steals']);
  [memory, parts.memory] = table('Memory by part', ['part', '>bytes', 'share of all']);
  [classes, parts.classes] = table('Classes', ['class', '>actors', '>handled/s', '>workers busy', '>failed', '>lost', '>restarts', '>wait p50 / p99', '>run p50 / p99', '>ended']);
  parts.tiles = el('div', {class: 'tiles'});
  parts.charts = el('div', {class: 'charts'});
  main.append(el('h1', {}, 'Overview'), parts.tiles, parts.charts, el('div', {class: 'pair'}, workers, memory), classes);
  classTimer = setInterval(loadClasses, 3000);
  return load();
}

export function close() {
  root = null;
  clearInterval(classTimer);
}

// What came meanwhile is in the history.
export function again() {
  return load();
}

export function tick(d) {
  if (!columns || !rows) {
    return;
  }
  if (d.sample && (!rows.length || column(d.sample, 'at_ms') > column(rows[rows.length - 1], 'at_ms'))) {
    rows.push(d.sample);
    if (rows.length > MOST) {
      rows = rows.filter((row, i) => i % 2 === rows.length % 2 || i > rows.length - 60);
    }
  }
  drawTiles(d.runtime);
  drawWorkers(d.workers, d.now_ns / 1e9, d.runtime.workers);
  drawCharts(d.runtime.workers);
}
