// Supervision: who restarts whom, what is used up of the limits, and who failed lately.
import {ago, ask, duration, el, empty, fillRows, number, phaseBadge, setText, table, title} from './common.js';

let root, parts, timer;

function link(id, text) {
  return el('a', {href: '#/actors/' + id}, text);
}

function drawRestarted(list) {
  fillRows(parts.restarted, list, (a) => a.id,
    (a) => el('tr', {}, el('th', {scope: 'row'}, link(a.id, title(a))), el('td', {}), el('td', {}, phaseBadge(a.phase)), el('td', {}), el('td', {class: 'wide'},
      el('meter', {min: 0, max: 1, high: 0.7, 'aria-label': 'restarts used up'})), el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {class: 'n'}), el('td', {class: 'text'})),
    (row, a) => {
      const cells = row.cells, unlimited = a.max_restarts > 4096;
      setText(cells[1], a.class);
      cells[2].firstChild.className = 'phase ' + a.phase;
      setText(cells[2].firstChild, a.phase);
      setText(cells[3], a.restart);
      row.querySelector('meter').value = unlimited ? 0 : a.recent_restarts / Math.max(1, a.max_restarts);
      setText(cells[5], number(a.recent_restarts) + (unlimited ? ', no limit' : ' of ' + number(a.max_restarts)) + ' in ' + duration(a.window_ms * 1e6));
      setText(cells[6], number(a.restarts));
      setText(cells[7], a.restart_in_ns ? duration(a.restart_in_ns) : '–');
      setText(cells[8], a.last_error);
    });
}

function drawDeaths(d) {
  setText(parts.count, 'the last ' + number(d.rows.length) + ' of ' + number(d.total));
  fillRows(parts.deaths, d.rows, (x) => x.id + '/' + x.restarts + '/' + x.again,
    (x) => el('tr', {class: x.again || x.status ? 'bad' : ''}, el('td', {}), el('th', {scope: 'row'}, link(x.id, title(x))), el('td', {}, x.class),
      el('td', {}, x.again ? 'failed, starts again' : x.status ? 'gone' : 'ended in order'), el('td', {}, x.method), el('td', {class: 'n'}, number(x.restarts)),
      el('td', {class: 'text'}, x.text || x.status_text)),
    (row, x) => setText(row.cells[0], ago(x.ago_ns)));
}

async function load() {
  const [restarted, deaths, parents] = await Promise.all([ask('actors?sort=restarts&rows=50'), ask('deaths'), ask('actors?children=1&rows=100')]);
  if (!root) {
    return;
  }
  const some = restarted.actors.rows.filter((a) => a.restarts > 0);
  parts.none.hidden = some.length > 0;
  parts.restartedTable.hidden = some.length === 0;
  drawRestarted(some);
  drawDeaths(deaths.deaths);
  setText(parts.parentCount, 'showing ' + number(parents.actors.rows.length) + ' of ' + number(parents.actors.total) + ' with children');
  fillRows(parts.parents, parents.actors.rows, (a) => a.id,
    (a) => el('tr', {}, el('th', {scope: 'row'}, link(a.id, title(a))), el('td', {}, a.class), el('td', {}, a.strategy), el('td', {class: 'n'}), el('td', {class: 'n'}),
      el('td', {}, phaseBadge(a.phase))),
    (row, a) => {
      setText(row.cells[3], number(a.children));
      setText(row.cells[4], number(a.restarts));
      row.cells[5].firstChild.className = 'phase ' + a.phase;
      setText(row.cells[5].firstChild, a.phase);
    });
}

export function open(main) {
  root = main;
  parts = {count: el('span', {class: 'count'}), parentCount: el('span', {class: 'count'})};
  let parents, deaths;
  [parts.restartedTable, parts.restarted] = table('Restarted, the most often first', ['actor', 'class', 'phase', 'restart', 'limit', '>used up', '>restarts', '>starts again in', 'last failure']);
  [parents, parts.parents] = table('Parents and their strategies', ['actor', 'class', 'strategy', '>children', '>restarts', 'phase']);
  [deaths, parts.deaths] = table('Failures and ends', ['when', 'actor', 'class', 'what', 'method', '>restarts', 'why']);
  parts.none = empty('Nobody alive was ever restarted.');
  main.append(el('h1', {}, 'Supervision'), parts.none, parts.restartedTable, parents, parts.parentCount, deaths, parts.count);
  timer = setInterval(() => document.hidden || load(), 3000);
  return load();
}

export function close() {
  root = null;
  clearInterval(timer);
}

export function log(events) {
  if (root && events.some((e) => e.kind === 'failed' || e.kind === 'ended' || e.kind === 'restarted')) {
    load();
  }
}
