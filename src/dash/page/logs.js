// Logs: events as they happen, the newest first, by kind and text.
import {ago, ask, el, eventWords, fillRows, number, setText} from './common.js';

const KEPT = 1000, SHOWN = 200;
const bad = new Set(['failed', 'dead letter', 'dropped', 'full', 'slow', 'deadlock', 'limit']);
let lost = 0;
let root, list, count, events, filter, kinds, paused, timer;

function isBad(e) {
  return bad.has(e.kind) || (e.kind === 'log' && e.value >= 2);
}

function fits(e) {
  const text = filter.value.toLowerCase();
  return (kinds.value === 'all' || (kinds.value === 'bad' ? isBad(e) : e.kind === kinds.value)) &&
    (!text || [e.kind, e.class, e.name, e.method, e.text].some((t) => t.toLowerCase().includes(text)));
}

function draw() {
  if (!root || paused.checked) {
    return;
  }
  const now = performance.now() * 1e6;
  const good = events.filter(fits);
  fillRows(list, good.slice(-SHOWN).reverse(), (e) => String(e.serial), (e) => el('tr', {class: isBad(e) ? 'bad' : ''},
    el('td', {}), el('td', {}, e.kind), el('td', {},
      e.id ? el('a', {href: '#/actors/' + e.id}, (e.name || '#' + e.id.split('-')[1])) : '', e.class ? el('small', {}, ' ' + e.class) : null),
    el('td', {}, e.method), el('td', {class: 'text'}, eventWords(e))), (row, e) => setText(row.cells[0], ago(e.ago_ns + now - e.seen)));
  setText(count, 'showing ' + number(Math.min(SHOWN, good.length)) + ' of ' + number(good.length) + ' that fit, of ' + number(events.length)
    + (lost ? '; ' + number(lost) + ' came too fast and were missed' : ''));
}

function add(more) {
  const now = performance.now() * 1e6, last = events.length ? events[events.length - 1].serial : 0;
  for (const e of more) {
    if (e.serial > last) {
      e.seen = now;
      events.push(e);
    }
  }
  events.splice(0, Math.max(0, events.length - KEPT));
}

export async function open(main) {
  root = main;
  events = [];
  filter = el('input', {type: 'search', placeholder: 'text', 'aria-label': 'Part of the text', oninput: draw});
  kinds = el('select', {'aria-label': 'Kind', onchange: draw}, el('option', {value: 'all'}, 'all events'), el('option', {value: 'bad'}, 'problems'),
    ...['spawned', 'started', 'failed', 'restarted', 'ended', 'dead letter', 'dropped', 'full', 'slow', 'deadlock', 'limit', 'log'].map((k) => el('option', {value: k}, k)));
  paused = el('input', {type: 'checkbox', onchange: draw});
  count = el('span', {class: 'count', role: 'status'});
  list = el('tbody', {});
  main.append(el('h1', {}, 'Logs'), el('div', {class: 'bar'}, filter, kinds, el('label', {}, paused, ' hold still'), count),
    el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Events'}, el('table', {class: 'logs'}, el('thead', {}, el('tr', {},
      ...['when', 'event', 'actor', 'method', 'what'].map((h) => el('th', {scope: 'col'}, h)))), list)));
  timer = setInterval(draw, 5000);
  return load();
}

async function load() {
  const d = await ask('logs');
  if (root) {
    lost = d.lost;
    add(d.events);
    draw();
  }
}

export function again() {
  return load();
}

export function close() {
  root = null;
  clearInterval(timer);
}

export function log(more, missed) {
  lost = missed;
  add(more);
  draw();
}
