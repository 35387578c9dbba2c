// Timeline: a recording of spans, by worker or by actor; zoomed by buttons, wheel and keys.
import {ask, duration, el, moment, number, setText, table} from './common.js';

const LANE = 26, LEFT = 110, AXIS = 20, MOST_LANES = 40;
const PAUSES = new Set(['wait', 'yield']); // within a method: its worker does something else
let names = {}, root, canvas, tip, left, status, by, longest, spans = [], from = 0, to = 1, all = 1, begun = 0, ended = 1, lanes = [], dragged = null;

// By worker each actor has its colour, by actor each method.
function color(span) {
  let hash = 0;
  for (const c of by.value === 'worker' ? span.id + span.name : span.class + '.' + span.name) {
    hash = (hash * 31 + c.charCodeAt(0)) % 360;
  }
  return 'hsl(' + hash + ' 55% ' + (matchMedia('(prefers-color-scheme: dark)').matches ? '45%' : '62%') + ')';
}

// What a worker ran of a method: what is left of it when its pauses are cut out, each piece where it was run.
export function pieces(s, pauses) {
  const own = pauses.get(s.id + s.name) || [], end = s.begin + s.length, made = [];
  let low = 0, high = own.length, begin = s.begin, thread = 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    own[middle].begin < begin ? low = middle + 1 : high = middle;
  }
  for (const p of own.slice(low)) {
    if (p.begin >= end) {
      break;
    }
    if (p.begin >= begin && p.begin + p.length <= end) {
      made.push({...s, begin, length: p.begin - begin, thread: thread || p.thread});
      begin = p.begin + p.length;
      thread = p.thread;
    }
  }
  made.push({...s, begin, length: end - begin, thread: s.open ? thread : s.thread}); // where one that goes on is, only its pauses tell
  return made;
}

// What the actor of a span is called: its name or label, else its class and number.
function calledOf(s) {
  return names[s.id] || (s.id ? s.class + ' #' + s.id.split('-')[1] : s.class || 'outside');
}

function ofWorkers() {
  const pauses = new Map();
  for (const s of [...spans].filter((p) => PAUSES.has(p.kind)).sort((a, b) => a.begin - b.begin)) {
    const key = s.id + s.name, own = pauses.get(key);
    own ? own.push(s) : pauses.set(key, [s]);
  }
  return spans.flatMap((s) => (s.kind === 'method' && s.open !== 2 ? pieces(s, pauses) : s.kind === 'user' ? [s] : []));
}

// One lane for each worker or actor, those with most to do first; spans within it by their beginning.
function arrange() {
  const map = new Map(), workers = by.value === 'worker';
  for (const s of workers ? ofWorkers() : spans) {
    if (s.kind === 'send') {
      continue;
    }
    const key = workers ? (s.thread ? 'worker ' + (s.thread - 1) : s.open ? 'running' : 'other threads') : s.id || s.class;
    const lane = map.get(key) || {name: workers ? key : calledOf(s), spans: [], busy: 0};
    lane.spans.push(s);
    lane.busy += s.kind === 'method' ? s.length : 0;
    map.set(key, lane);
  }
  lanes = [...map.values()].sort((a, b) => (workers ? a.name.localeCompare(b.name, 'en', {numeric: true}) : b.busy - a.busy)).slice(0, MOST_LANES);
  setText(left, map.size > MOST_LANES ? 'The ' + MOST_LANES + ' busiest of ' + number(map.size) + (workers ? ' workers' : ' actors') + ' are shown.' : '');
  for (const lane of lanes) {
    lane.spans.sort((a, b) => a.begin - b.begin || b.length - a.length);
  }
}

function draw() {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = AXIS + lanes.length * LANE;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = height + 'px';
  const g = canvas.getContext('2d'), style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--ink'), soft = style.getPropertyValue('--soft'), line = style.getPropertyValue('--line');
  g.scale(ratio, ratio);
  g.font = '11px system-ui, sans-serif';
  g.textBaseline = 'middle';
  const x = (ns) => LEFT + (ns - from) / (to - from) * (width - LEFT);
  const ticks = lanes.length ? Math.max(1, Math.min(5, Math.floor((width - LEFT) / 130))) : -1; // as many as have room for their words
  for (let i = 0; i <= ticks; i++) {
    const ns = from + (to - from) * i / ticks;
    g.fillStyle = line;
    g.fillRect(x(ns), AXIS, 1, height);
    g.fillStyle = soft;
    g.textAlign = i === ticks ? 'right' : 'left';
    g.fillText(i ? '+' + duration(Math.round(ns - from)) : moment(ns), x(ns) + (i === ticks ? -2 : 2), AXIS / 2);
  }
  g.textAlign = 'left';
  lanes.forEach((lane, i) => {
    const top = AXIS + i * LANE;
    g.save();
    g.beginPath();
    g.rect(LEFT, top, width - LEFT, LANE);
    g.clip();
    let end = -1;
    for (const s of lane.spans) {
      const a = x(s.begin), b = Math.max(a + 1, x(s.begin + s.length));
      if (b < LEFT || a > width || (b - a <= 1 && Math.floor(a) === end)) {
        continue; // out of sight, or on a pixel that is taken
      }
      end = Math.floor(a);
      g.fillStyle = s.kind === 'queue' || PAUSES.has(s.kind) ? soft : color(s);
      g.globalAlpha = s.kind === 'queue' ? 0.25 : PAUSES.has(s.kind) ? 0.45 : 1;
      const thin = s.kind === 'queue' ? 16 : PAUSES.has(s.kind) ? 8 : 2;
      g.fillRect(a, top + thin, b - a, LANE - 4 - thin);
      g.globalAlpha = 1;
      if (b - a > 60 && s.kind === 'method') {
        g.fillStyle = '#000';
        g.fillText((by.value === 'worker' ? calledOf(s) + ': ' : '').concat(s.name).slice(0, Math.floor((b - a) / 7)), a + 4, top + LANE / 2);
      }
    }
    g.restore();
    g.fillStyle = ink;
    g.fillText(lane.name.slice(0, 18), 2, top + LANE / 2);
  });
  canvas.setAttribute('aria-label', 'Spans of ' + lanes.length + ' ' + by.value + 's, from ' + moment(from) + ' on for ' + duration(Math.round(to - from))
    + ' of the recording; the longest are in the table below');
}

function zoom(factor, at) {
  const middle = at === undefined ? (from + to) / 2 : at, length = Math.min(all, Math.max(2000, (to - from) * factor));
  from = Math.max(0, Math.min(all - length, middle - (middle - from) / (to - from) * length));
  to = from + length;
  draw();
}

// All that happened, with a little room.
function whole() {
  const margin = Math.max(1000, (ended - begun) * 0.02);
  from = Math.max(0, begun - margin);
  to = Math.max(from + 2000, Math.min(all, ended + margin));
}

function pan(part) {
  const length = to - from, by_ = Math.max(-from, Math.min(all - to, length * part));
  from += by_;
  to += by_;
  draw();
}

function timeAt(e) {
  return from + (e.offsetX - LEFT) / (canvas.clientWidth - LEFT) * (to - from);
}

function point(e) {
  if (dragged !== null) {
    pan((dragged - e.offsetX) / (canvas.clientWidth - LEFT));
    dragged = e.offsetX;
    return;
  }
  const lane = lanes[Math.floor((e.offsetY - AXIS) / LANE)], at = timeAt(e), slack = (to - from) / canvas.clientWidth;
  const found = lane && lane.spans.filter((s) => s.begin - slack <= at && s.begin + s.length + slack >= at).sort((a, b) => a.length - b.length)[0];
  setText(tip, found ? found.kind + ' ' + calledOf(found) + ' ' + found.class + (found.name ? '.' + found.name : '') + ', ' + duration(found.length) + ', from ' + moment(found.begin) : ' ');
}

function key(e) {
  const what = {ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), '+': () => zoom(0.6), '-': () => zoom(1.7), '0': () => {
    whole();
    draw();
  }}[e.key];
  if (what) {
    e.preventDefault();
    what();
  }
}

function show(d) {
  const at = Object.fromEntries(d.columns.map((c, i) => [c, i]));
  spans = d.spans.map((s) => ({kind: s[at.kind], begin: s[at.begin_ns], length: s[at.length_ns], thread: s[at.thread], id: s[at.id], class: s[at.class], name: s[at.name], open: s[at.open] || 0}));
  names = d.names || {};
  all = Math.max(1, d.recorded_ns);
  begun = spans.reduce((n, s) => Math.min(n, Math.max(0, s.begin)), all);
  ended = spans.reduce((n, s) => Math.max(n, Math.min(all, s.begin + s.length)), 0);
  arrange();
  whole();
  draw();
  setText(status, number(spans.length) + ' spans in ' + (d.lost ? 'the last ' + duration(d.recorded_ns - d.from_ns) + ' of ' : '') + duration(d.recorded_ns)
    + (d.lost ? ': more happened than is kept; record for a shorter time' : ''));
  const rows = [...spans].filter((s) => s.kind !== 'send').sort((a, b) => b.length - a.length).slice(0, 20).map((s) => el('tr', {}, el('td', {}, s.kind + (s.open ? ', goes on' : '')),
    el('th', {scope: 'row'}, s.id ? el('a', {href: '#/actors/' + s.id}, calledOf(s)) : calledOf(s)), el('td', {}, s.name),
    el('td', {class: 'n'}, s.thread ? String(s.thread - 1) : '–'), el('td', {class: 'n'}, moment(s.begin)), el('td', {class: 'n'}, duration(s.length))));
  longest.replaceChildren(table('The longest', ['span', 'actor', 'method', '>worker', '>from', '>length'], rows)[0]);
}

async function record(ms, button) {
  button.disabled = true;
  setText(status, 'recording …');
  try {
    const d = await ask('timeline?ms=' + ms);
    if (!d.spans) {
      throw new Error('the recording was too large for the memory there is: record for a shorter time');
    }
    if (root) {
      show(d);
    }
  } catch (e) {
    setText(status, e.message);
  } finally {
    button.disabled = false;
  }
}

export function open(main) {
  root = main;
  spans = [];
  lanes = [];
  const ms = el('select', {'aria-label': 'How long'}, ...[[100, '0.1 s'], [1000, '1 s'], [5000, '5 s']].map(([v, t]) => el('option', {value: v, selected: v === 1000}, t)));
  by = el('select', {'aria-label': 'Lanes', onchange: () => {
    arrange();
    draw();
  }}, el('option', {value: 'worker'}, 'by worker'), el('option', {value: 'actor'}, 'by actor'));
  const go = el('button', {type: 'button', onclick: () => record(ms.value, go)}, 'Record');
  status = el('span', {class: 'count', role: 'status'}, 'While it records, messages cost a little more.');
  canvas = el('canvas', {class: 'timeline', role: 'img', tabindex: 0, 'aria-label': 'Nothing is recorded yet', onkeydown: key, onpointermove: point,
    onpointerdown: (e) => { dragged = e.offsetX; }, onpointerup: () => { dragged = null; }, onpointerleave: () => { dragged = null; }});
  canvas.addEventListener('wheel', (e) => {
    if (lanes.length) {
      e.preventDefault();
      zoom(e.deltaY < 0 ? 0.7 : 1.4, timeAt(e));
    }
  }, {passive: false});
  tip = el('p', {class: 'tip'}, ' ');
  left = el('p', {class: 'empty'});
  longest = el('div', {});
  const button = (text, label, act) => el('button', {type: 'button', 'aria-label': label, onclick: act}, text);
  main.append(el('h1', {}, 'Timeline'), el('div', {class: 'bar'}, ms, go, by, button('+', 'zoom in', () => zoom(0.6)), button('−', 'zoom out', () => zoom(1.7)),
    button('←', 'earlier', () => pan(-0.3)), button('→', 'later', () => pan(0.3)), status), canvas, left, tip, longest);
  addEventListener('resize', draw);
  draw();
}

export function close() {
  root = null;
  removeEventListener('resize', draw);
}
