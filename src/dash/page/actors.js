// Actors: a table or a tree, and a page for each.
import {ago, ask, bytes, duration, el, empty, eventWords, fillRows, number, percent, phaseBadge, rates, redraw, setText, short, table, title} from './common.js';

const ROWS = 50;
const COLUMNS = [['actor', 'name'], ['class'], ['phase'], ['state'], ['parent'], ['up', 'spawned'], ['mailbox', 'depth'], ['oldest', 'oldest'],
  ['handled', 'handled'], ['busy', 'busy'], ['wait p50 / p99'], ['run p50 / p99'], ['failed', 'failed'], ['restarts', 'restarts'], ['memory', 'bytes']];
let root, parts, want, rate, timer, id, open_nodes, serial = 0, actions = false, top = '', asked = null, stale = false, remembering = 0;

function actorLink(a) {
  return el('a', {href: '#/actors/' + a.id}, title(a));
}

function stateText(a) {
  const doing = a.method && a.phase !== 'idle' ? a.method + (a.turn_ns > 1e9 ? ' for ' + duration(a.turn_ns) : '') : '';
  return (a.phase === 'ended' || a.phase === 'restarting' ? a.last_error : '') || a.state || doing; // of one that is gone the state is its status
}

function fillState(cell, a) {
  let bar = cell.querySelector('progress');
  if (a.progress !== null && a.phase !== 'ended') {
    if (!bar) {
      bar = el('progress', {max: 1});
      cell.prepend(bar);
    }
    bar.value = a.progress;
    bar.setAttribute('aria-label', 'progress of ' + title(a));
  } else if (bar) {
    bar.remove();
  }
  setText(cell.querySelector('span'), stateText(a));
  setText(cell.querySelector('small'), a.waits && a.waits.total ? 'waits for ' + a.waits.rows[0].text + (a.waits.total > 1 ? ', and ' + number(a.waits.total - 1) + ' more' : '') : '');
  if (cell.title !== (a.last_error || a.state)) {
    cell.title = a.last_error || a.state;
  }
}

function busyOf(a, seconds) {
  const busy = rate(a.id, a.busy_ns, seconds) / 1e9;
  return a.phase === 'ended' ? '–' : percent(busy);
}

// ---- the table -------------------------------------------------------------------------------------------
function makeRow(a) {
  return el('tr', {}, el('th', {scope: 'row'}, actorLink(a)), el('td', {}), el('td', {}, phaseBadge(a.phase)), el('td', {class: 'text'}, el('span', {}), el('small', {class: 'waits'})),
    el('td', {}), ...Array.from({length: 10}, () => el('td', {class: 'n'})));
}

function updateRow(row, a, seconds) {
  const cells = row.cells;
  const link = cells[0].firstChild, to = '#/actors/' + a.id;
  if (link.getAttribute('href') !== to) {
    link.setAttribute('href', to);
  }
  setText(link, title(a));
  setText(cells[1], a.class);
  const badge = cells[2].firstChild;
  setText(badge, a.phase);
  if (badge.className !== 'phase ' + a.phase) {
    badge.className = 'phase ' + a.phase;
  }
  fillState(cells[3], a);
  const parent = a.parent === top || !a.parent ? '' : a.parent_name || '#' + a.parent.split('-')[1];
  if (cells[4].dataset.id !== a.parent || cells[4].textContent !== parent) {
    cells[4].dataset.id = a.parent;
    cells[4].replaceChildren(parent && el('a', {href: '#/actors/' + a.parent}, parent));
  }
  [duration(a.up_ns), number(a.depth), duration(a.oldest_ns), short(a.handled), busyOf(a, seconds), percentiles(a.times, 'wait'), percentiles(a.times, 'run'), short(a.failed), number(a.restarts), bytes(a.bytes)]
    .forEach((text, i) => setText(cells[i + 5], text));
  row.classList.toggle('gone', a.phase === 'ended' || a.phase === 'stuck');
}

function search() {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(want)) {
    if (value && key !== 'tree') {
      query.set(key, value);
    }
  }
  return query;
}

// What is looked for stands in the address, for who goes back or hands it on; not at each key, for browsers count how often.
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const query = search();
    if (want.tree) {
      query.set('tree', 1);
    }
    const to = '#/actors' + (String(query) ? '?' + query : '');
    if (location.hash !== to) {
      history.replaceState(null, '', to);
    }
  }, 300);
}

async function fillTable() {
  const mine = parts, query = search();
  query.set('rows', ROWS);
  for (const more of ['times', 'waits', 'parents']) {
    query.set(more, 1);
  }
  const d = await ask('actors?' + query);
  if (!root || mine !== parts || want.tree) {
    return; // another page is there meanwhile
  }
  const a = d.actors;
  if (!a.rows.length && a.total && want.offset) { // the page is gone
    want.offset = 0;
    stale = true;
    return;
  }
  fillRows(parts.body, a.rows, (x) => x.id, makeRow, (row, x) => updateRow(row, x, d.now_ns / 1e9), true);
  const from = a.total ? a.offset + 1 : 0;
  setText(parts.count, 'showing ' + number(from) + '–' + number(a.offset + a.rows.length) + ' of ' + number(a.total)
    + (a.dead ? ' (' + number(a.dead) + ' of them ended)' : ''));
  parts.before.disabled = a.offset === 0;
  parts.next.disabled = a.offset + a.rows.length >= a.total;
}

// One question at a time: what is wanted meanwhile is asked for when the answer is there, once, however many keys it were.
function loadTable() {
  stale = true;
  asked = asked || (async () => {
    try {
      while (stale && root && parts && !want.tree && !id) {
        stale = false;
        await fillTable();
      }
    } finally {
      asked = null;
    }
  })();
  return asked;
}

function go() {
  remember();
  if (want.tree) {
    return loadTree();
  }
  return loadTable();
}

function filterBar() {
  const changed = (key, value) => {
    want[key] = value;
    want.offset = 0;
    markSort();
    go();
  };
  parts.q = el('input', {type: 'search', placeholder: 'name or label', 'aria-label': 'Part of the name or the label', value: want.q || '',
    oninput: (e) => changed('q', e.target.value)});
  parts.class = el('input', {type: 'search', placeholder: 'class', 'aria-label': 'Class', list: 'classes', value: want.class || '',
    onchange: (e) => changed('class', e.target.value)});
  parts.phase = el('select', {'aria-label': 'Phase', onchange: (e) => changed('phase', e.target.value)}, el('option', {value: ''}, 'any phase'),
    ...['starting', 'idle', 'queued', 'running', 'waiting', 'restarting', 'ending', 'stuck', 'ended'].map((p) => el('option', {value: p}, p)));
  parts.phase.value = want.phase || '';
  const dead = el('input', {type: 'checkbox', checked: !!want.ended, onchange: (e) => changed('ended', e.target.checked ? 1 : 0)});
  const tree = el('input', {type: 'checkbox', checked: !!want.tree, onchange: (e) => {
    want.tree = e.target.checked ? 1 : 0;
    drawPage();
  }});
  return el('div', {class: 'bar'}, ...(want.tree ? [] : [parts.q, parts.class, parts.phase, el('label', {}, dead, ' ended, too')]),
    el('label', {}, tree, ' as a tree'), parts.count);
}

function markSort() {
  for (const th of parts.heads || []) {
    const here = th.dataset.sort && th.dataset.sort === (want.sort || 'spawned');
    th.setAttribute('aria-sort', here ? (th.dataset.sort === 'name' || th.dataset.sort === 'spawned' ? 'ascending' : 'descending') : 'none');
  }
}

function drawTable() {
  parts.body = el('tbody', {});
  parts.heads = COLUMNS.map(([name, sort], i) => el('th', {scope: 'col', class: i > 4 ? 'n' : null, 'data-sort': sort}, sort ? el('button', {type: 'button', onclick: () => {
    want.sort = sort;
    want.offset = 0;
    markSort();
    go();
  }}, name) : name));
  markSort();
  const turn = (by) => () => {
    want.offset = Math.max(0, Number(want.offset || 0) + by);
    go();
  };
  parts.before = el('button', {type: 'button', onclick: turn(-ROWS)}, '← before');
  parts.next = el('button', {type: 'button', onclick: turn(ROWS)}, 'next →');
  root.append(el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Actors'},
    el('table', {class: 'actors'}, el('thead', {}, el('tr', {}, ...parts.heads)), parts.body)), el('div', {class: 'bar'}, parts.before, parts.next));
}

// ---- the tree: children are asked for when they are shown -------------------------------------------------------
function treeLine(a) {
  return [phaseBadge(a.phase), actorLink(a), el('small', {}, a.class), el('span', {class: 'text'}, stateText(a)),
    el('small', {class: 'n'}, a.depth ? number(a.depth) + ' waiting' : '')];
}

async function branch(parent, list, depth) {
  const d = await ask('actors?rows=200&parent=' + parent);
  if (!root || !want.tree) {
    return;
  }
  const made = await Promise.all(d.actors.rows.map(async (a) => {
    if (!a.children) {
      return el('li', {}, el('div', {class: 'node'}, ...treeLine(a)));
    }
    const below = el('ul', {});
    const opened = open_nodes.has(a.id);
    const button = el('button', {type: 'button', class: 'twist', 'aria-expanded': String(opened), 'aria-label': 'what is below ' + title(a), onclick: () => {
      const open = open_nodes.delete(a.id) ? false : !!open_nodes.add(a.id);
      button.setAttribute('aria-expanded', String(open));
      return open ? branch(a.id, below, depth + 1) : below.replaceChildren();
    }});
    if (opened) {
      await branch(a.id, below, depth + 1);
    }
    return el('li', {}, el('div', {class: 'node'}, button, ...treeLine(a), el('small', {}, number(a.children) + ' below')), below);
  }));
  if (d.actors.total > d.actors.rows.length) {
    made.push(el('li', {}, el('a', {href: '#/actors?parent=' + parent}, 'all ' + number(d.actors.total) + ' as a table')));
  }
  const draw = () => list.replaceChildren(...made);
  depth ? draw() : redraw(parts.tree, draw);
  if (!depth) {
    setText(parts.count, number(d.actors.total) + ' at the top');
  }
}

async function loadTree() {
  await branch(top, parts.tree, 0);
}

function drawPage() {
  parts = {count: el('span', {class: 'count', role: 'status'})};
  const under = want.parent ? el('p', {}, 'Children of ', el('a', {href: '#/actors/' + want.parent}, '#' + want.parent.split('-')[1]), '. ',
    el('a', {href: '#/actors'}, 'All actors')) : null;
  root.replaceChildren(el('h1', {}, 'Actors'), ...(under ? [under] : []), filterBar());
  if (want.tree) {
    parts.tree = el('ul', {class: 'tree'});
    root.append(parts.tree);
  } else {
    drawTable();
  }
  return go();
}

// ---- one actor --------------------------------------------------------------------------------------------------------
function facts(list) {
  return el('dl', {class: 'facts'}, ...list.filter((f) => f[1] !== '' && f[1] !== null && f[1] !== false).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

function stopButton(a) {
  if (!actions || a.phase === 'ended' || a.phase === 'stuck') {
    return null;
  }
  return el('button', {type: 'button', class: 'danger', onclick: async () => {
    if (confirm('End ' + title(a) + ' (' + a.class + ') and all below it? It is not restarted.')) {
      await ask('actors/' + a.id + '/stop', {method: 'POST', headers: {'X-Grove-Action': '1'}});
      await loadActor();
    }
  }}, 'End it');
}

function restartButton(a) {
  if (!actions || a.restart === 'temporary' || !a.parent || ['ended', 'stuck', 'restarting', 'ending'].includes(a.phase)) {
    return null;
  }
  return el('button', {type: 'button', class: 'danger', onclick: async () => {
    if (confirm('Restart ' + title(a) + ' (' + a.class + ')? It fails, and its parent starts it again by its policy; what it is doing is lost.')) {
      await ask('actors/' + a.id + '/restart', {method: 'POST', headers: {'X-Grove-Action': '1'}});
      await loadActor();
    }
  }}, 'Restart it');
}

// What each of its methods that is suspended waits for, with a link to whom.
function waitsOf(d) {
  return (d.waits ? d.waits.rows : []).map((w) => el('p', {class: 'waits'}, el('b', {}, w.method), ' waits for ' + (w.futures > 1 ? (w.wanted === w.futures ? 'all' : number(w.wanted)) + ' of ' + number(w.futures) + ' answers; the first that has not come: ' : ''),
    w.actor ? el('a', {href: '#/actors/' + w.actor}, w.text) : w.text,
    w.until_ns >= 0 ? '; gives up in ' + duration(w.until_ns) : ''));
}

// Of an actor's own messages; of those that were timed since somebody looked.
function percentiles(t, what) {
  return t && t.timed ? duration(t[what + '_p50_ns']) + ' / ' + duration(t[what + '_p99_ns']) : '–';
}

function small(caption, heads, rows) {
  return rows.length ? table(caption, heads, rows)[0] : '';
}

async function loadActor() {
  const mine = ++serial;
  let d;
  try {
    d = await ask('actors/' + id);
  } catch (e) {
    if (root && mine === serial) {
      root.replaceChildren(el('h1', {}, 'Actor'), empty(e.message), el('p', {}, el('a', {href: '#/actors'}, 'All actors')));
    }
    return;
  }
  if (root && mine === serial) {
    redraw(root, () => drawActor(d));
  }
}

// How it ended or failed last; words that begin with the method don't need it said before.
function deathLine(x) {
  const words = x.text || x.status_text, where = x.method && !words.startsWith(x.method + ':') ? ' in ' + x.method : '';
  return el('p', {class: x.again || x.status ? 'problem' : ''}, (x.again ? 'Failed ' : 'Ended ') + ago(x.ago_ns) + where + ': ' + words);
}

function drawActor(d) {
  const a = d.actor, c = d.classes[0] || {}, lives = a.phase !== 'ended';
  const died = d.deaths.rows.find((x) => x.id === a.id);
  root.replaceChildren(
    el('p', {}, el('a', {href: '#/actors'}, 'Actors'), ...(a.parent && a.parent !== top ? [' / ', el('a', {href: '#/actors/' + a.parent}, d.parent ? title(d.parent) : '#' + a.parent.split('-')[1])] : [])),
    el('h1', {}, title(a), ' ', phaseBadge(a.phase)), el('div', {class: 'bar'}, el('span', {class: 'text'}, stateText(a)), el('span', {class: 'acts'}, restartButton(a), stopButton(a))), ...waitsOf(d),
    died ? deathLine(died) : a.last_error ? el('p', {class: 'problem'}, 'Last failure: ' + a.last_error) : '',
    facts([['class', el('a', {href: '#/actors?class=' + encodeURIComponent(a.class)}, a.class)], ['label', a.name ? a.label : ''], ['method', a.method],
      ['for', a.turn_ns ? duration(a.turn_ns) : ''], ['progress', a.progress === null ? '' : percent(a.progress)], ['up', a.up_ns ? duration(a.up_ns) : ''],
      ['mailbox', lives ? number(a.depth) + ' messages, ' + bytes(a.mailbox_bytes) : ''], ['oldest message', a.oldest_ns ? duration(a.oldest_ns) : ''],
      ['handled', number(a.handled)], ['failed', number(a.failed)], ['busy', lives ? busyOf(a, d.now_ns / 1e9) : ''], ['restart', lives ? a.restart : ''],
      ['restarts', number(a.restarts) + (lives ? ', ' + a.recent_restarts + ' of ' + number(a.max_restarts) + ' within ' + duration(a.window_ms * 1e6) : '')],
      ['starts again in', a.restart_in_ns ? duration(a.restart_in_ns) : ''], ['children', lives ? number(a.children) + (a.children ? ', ' + a.strategy : '') : ''],
      ['futures', lives ? number(a.futures) : ''], ['memory', lives ? bytes(a.bytes) + (a.memory_limit ? ' of ' + bytes(a.memory_limit) : '') : ''],
      ['its parts', lives && 'state ' + bytes(a.state_bytes) + ', own ' + bytes(a.own_bytes) + ', futures ' + bytes(a.future_bytes)],
      ['stack', a.stack_bytes ? bytes(a.stack_used_bytes) + ' of ' + bytes(a.stack_bytes) : ''],
      ['wait of its messages, p50 / p99', d.times ? percentiles(d.times, 'wait') : ''], ['run of its methods, p50 / p99', d.times ? percentiles(d.times, 'run') : ''],
      ['timed', d.times && d.times.timed ? number(d.times.timed) + ' messages in ' + duration(d.times.for_ns) : ''],
      ['its class: wait', c.timed ? duration(c.wait_p50_ns) + ' / ' + duration(c.wait_p99_ns) + ' (p50 / p99)' : ''],
      ['its class: run', c.timed ? duration(c.run_p50_ns) + ' / ' + duration(c.run_p99_ns) + ' (p50 / p99)' : ''], ['id', a.id]]),
    small('Methods', ['method', 'takes', 'gives', '>at work', 'of note'], (d.methods || []).map((m) => el('tr', {}, el('th', {scope: 'row'}, m.name), el('td', {}, m.argument || '–'),
      el('td', {}, m.reply || '–'), el('td', {class: 'n'}, number(m.at_work)), el('td', {class: 'text'}, [m.high && 'goes before others', m.leaf && 'never waits', m.finish && 'does not see that its caller gave up']
        .filter(Boolean).join(', '))))),
    small('Children (' + number(d.actors.total) + ')', ['actor', 'class', 'phase', 'state', '>mailbox', '>restarts'], d.actors.rows.map((x) => el('tr', {},
      el('th', {scope: 'row'}, actorLink(x)), el('td', {}, x.class), el('td', {}, phaseBadge(x.phase)), el('td', {class: 'text'}, stateText(x)),
      el('td', {class: 'n'}, number(x.depth)), el('td', {class: 'n'}, number(x.restarts))))),
    d.actors.total > d.actors.rows.length ? el('p', {}, el('a', {href: '#/actors?parent=' + a.id}, 'all ' + number(d.actors.total) + ' children')) : '',
    small('Recent events of it and its children', ['when', 'event', 'actor', 'method', 'what'], d.events.slice(-50).reverse().map((e) => el('tr', {},
      el('td', {}, ago(e.ago_ns)), el('td', {}, e.kind), el('td', {}, e.id === a.id ? 'itself' : el('a', {href: '#/actors/' + e.id}, e.name || '#' + e.id.split('-')[1])),
      el('td', {}, e.method), el('td', {class: 'text'}, eventWords(e))))));
}

// ---- the page ------------------------------------------------------------------------------------------------------------
export async function open(main, rest, query) {
  root = main;
  id = rest;
  rate = rates();
  open_nodes = open_nodes || new Set();
  const o = await ask('overview');
  if (root !== main || id !== rest) {
    return;
  }
  actions = o.actions;
  top = o.root;
  document.getElementById('classes')?.remove();
  document.body.append(el('datalist', {id: 'classes'}, ...o.classes.map((c) => el('option', {value: c.class}))));
  want = Object.fromEntries(query);
  clearInterval(timer);
  timer = setInterval(() => document.hidden || (id ? loadActor() : go()), 2000);
  await (id ? loadActor() : drawPage());
}

export function close() {
  root = null;
  clearInterval(timer);
  clearTimeout(remembering);
}

// An actor that ends is to be seen at once.
export function log(events) {
  if (root && (id || (parts && !want?.tree)) && events.some((e) => e.kind === 'ended' || e.kind === 'failed' || e.kind === 'restarted')) {
    if (id) {
      loadActor();
    } else {
      loadTable();
    }
  }
}
