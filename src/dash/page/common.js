// What the pages share: asking, elements, numbers in words, charts.

/** The document of a path under /api/1/; throws an Error with the server's words. */
export async function ask(path, options) {
  const answer = await fetch('/api/1/' + path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(body.error || answer.status + ' ' + answer.statusText);
  }
  return body;
}

/** An element: el('td', {class: 'n'}, 'text', child). Texts are set as texts, never as HTML. */
export function el(name, attributes, ...children) {
  const svg = ['svg', 'path', 'line', 'text', 'g', 'title'].includes(name) && attributes && attributes.svg;
  const e = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'svg' || value === undefined || value === null || value === false) {
      continue;
    } else if (key.startsWith('on')) {
      e.addEventListener(key.slice(2), value);
    } else {
      e.setAttribute(key, value === true ? '' : value);
    }
  }
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
}

/** Sets a text only if it differs, so that screen readers and selections are left alone. */
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

// ---- words ----------------------------------------------------------------------------------------------
const grouped = new Intl.NumberFormat('en-US'); // made once: making it takes longer than all that a table shows
export function number(n) {
  const whole = Math.round(n);
  return whole >= 0 && whole < 1000 ? String(whole) : grouped.format(whole);
}
export function short(n) {
  const size = Math.abs(n);
  return size >= 1e9 ? (n / 1e9).toFixed(1) + ' G' : size >= 1e6 ? (n / 1e6).toFixed(1) + ' M'
    : size >= 1e4 ? (n / 1e3).toFixed(1) + ' k' : size >= 100 || Number.isInteger(n) ? number(n) : n.toFixed(1);
}
export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) {
    n /= 1024;
  }
  return (i && n < 100 ? n.toFixed(1) : Math.round(n)) + ' ' + units[i];
}
export function duration(ns) {
  return ns <= 0 ? '–' : ns < 1e3 ? ns + ' ns' : ns < 1e6 ? (ns / 1e3).toFixed(1) + ' µs' : ns < 1e9 ? (ns / 1e6).toFixed(1) + ' ms'
    : ns < 60e9 ? (ns / 1e9).toFixed(1) + ' s' : ns < 3600e9 ? Math.floor(ns / 60e9) + ' min ' + Math.floor(ns / 1e9 % 60) + ' s'
      : Math.floor(ns / 3600e9) + ' h ' + Math.floor(ns / 60e9 % 60) + ' min';
}
/** A moment of a recording. */
export function moment(ns) {
  return ns > 0 ? duration(Math.round(ns)) : '0';
}
export function ago(ns) {
  return ns < 1.5e9 ? 'just now' : duration(Math.round(ns / 1e9) * 1e9).replace('.0 s', ' s') + ' ago';
}
export function percent(x) {
  return Number.isFinite(x) ? (100 * Math.max(0, Math.min(1, x))).toFixed(x < 0.0995 ? 1 : 0) + ' %' : '–';
}
/** What an actor is called: its name, else its label, else the end of its id. */
export function title(a) {
  return a.name || a.label || '#' + a.id.split('-')[1];
}

// ---- what happened between two looks -----------------------------------------------------------------------
/** Rates by key: rate('x', counter, seconds) is per second since a look half a second ago or more, NaN at first. What is asked
 * for sooner (a filter is typed, a page turned) has the rate from before: counters move in jumps. */
export function rates() {
  const LEAST = 0.5, last = new Map();
  return (key, value, seconds) => {
    const before = last.get(key);
    if (before && seconds - before.seconds < LEAST && value >= before.value) {
      return before.rate;
    }
    const rate = before && value >= before.value ? (value - before.value) / (seconds - before.seconds) : NaN;
    last.delete(key); // the latest stand last
    last.set(key, {value, seconds, rate});
    if (last.size > 4000) {
      last.delete(last.keys().next().value);
    }
    return rate;
  };
}

// ---- events ------------------------------------------------------------------------------------------------
/** What an event says, beside its kind. */
export function eventWords(e) {
  const what = e.kind === 'restarted' ? (e.value < 0 ? 'starts again with its group' : e.value ? 'starts again in ' + duration(e.value * 1e6) : 'starts again at once') : e.kind === 'slow' ? 'holds its worker for ' + duration(e.value * 1e6)
    : e.kind === 'full' ? number(e.value) + ' messages in it' : '';
  const why = e.status && !e.text ? e.status_text : '';
  if (e.kind === 'log') {
    return (['debug', 'info', 'warning', 'error'][e.value] || '') + ': ' + e.text;
  }
  return [what, e.text || why].filter(Boolean).join(': ');
}

// ---- charts ----------------------------------------------------------------------------------------------------
/** A line chart of [x, y] points, as an SVG with its range in words. */
export function chart(name, points, format) {
  const width = 320, height = 84;
  const good = points.filter((p) => Number.isFinite(p[1]));
  const last = good.length ? good[good.length - 1][1] : NaN;
  const highest = good.reduce((m, p) => Math.max(m, p[1]), 0), most = highest || 1;
  const from = good.length ? good[0][0] : 0, to = good.length ? good[good.length - 1][0] : 1;
  const x = (v) => (to > from ? (v - from) / (to - from) * width : width), y = (v) => height - 2 - v / most * (height - 8);
  const line = good.map((p, i) => (i ? 'L' : 'M') + x(p[0]).toFixed(1) + ' ' + y(p[1]).toFixed(1)).join('');
  const words = name + ': now ' + (Number.isFinite(last) ? format(last) : 'unknown') + ', highest ' + format(highest)
    + ' in the last ' + duration((to - from) * 1e6);
  return el('figure', {class: 'chart'},
    el('figcaption', {}, name, el('b', {}, Number.isFinite(last) ? format(last) : '–')),
    el('svg', {svg: 1, viewBox: '0 0 ' + width + ' ' + height, role: 'img', 'aria-label': words, preserveAspectRatio: 'none'},
      el('path', {svg: 1, class: 'area', d: line ? line + 'L' + x(to).toFixed(1) + ' ' + height + 'L' + x(from).toFixed(1) + ' ' + height + 'Z' : ''}),
      el('path', {svg: 1, class: 'line', d: line})),
    el('span', {class: 'range'}, 'up to ' + format(highest) + ', last ' + duration((to - from) * 1e6)));
}

// ---- tables --------------------------------------------------------------------------------------------------------
/** Replaces the rows of a tbody by those made of `items`; those with the same key keep their elements. `recycle`: `update` sets all
 * that a row shows, so that a row of somebody who is gone may become another's, which is much less work than a new one; not the
 * one that has the focus, for a link must not lead elsewhere under somebody's finger. */
export function fillRows(body, items, key, make, update, recycle) {
  const old = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const focused = body.contains(document.activeElement) ? document.activeElement : null; // a row that moves loses it
  const wanted = recycle ? new Set(items.map(key)) : null;
  const spare = recycle ? [...body.children].filter((row) => !wanted.has(row.dataset.key) && !row.contains(focused)) : [];
  let at = body.firstChild, used = 0;
  for (const item of items) {
    const k = key(item);
    let row = old.get(k);
    if (!row && used < spare.length) {
      row = spare[used++];
      old.delete(row.dataset.key);
    }
    old.delete(k);
    row = row || make(item);
    if (row.dataset.key !== k) {
      row.dataset.key = k;
    }
    update(row, item);
    if (row !== at) {
      body.insertBefore(row, at);
    } else {
      at = at.nextSibling;
    }
  }
  for (const row of old.values()) {
    row.remove();
  }
  if (focused && focused.isConnected && document.activeElement !== focused) {
    focused.focus({preventScroll: true});
  }
}

/** A head of a table; '>name' stands over numbers. */
export function head(name) {
  return name[0] === '>' ? el('th', {scope: 'col', class: 'n'}, name.slice(1)) : el('th', {scope: 'col'}, name);
}

/** A table with its caption, in a box that scrolls by itself: [the box, its tbody]. */
export function table(caption, heads, rows) {
  const body = el('tbody', {}, ...(rows || []));
  return [el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
    el('table', {}, el('caption', {}, caption), el('thead', {}, el('tr', {}, ...heads.map(head))), body)), body];
}

/** Draws anew without taking from the reader what is in hand: the focus comes back to the link or button of the same
 * name, and while text is marked nothing is drawn. */
export function redraw(root, draw) {
  const marked = getSelection();
  if (!marked.isCollapsed && root.contains(marked.anchorNode)) {
    return;
  }
  const before = root.contains(document.activeElement) ? document.activeElement : null;
  const name = (e) => e.tagName + (e.getAttribute('href') || '') + (e.getAttribute('aria-label') || e.textContent);
  draw();
  if (before && !before.isConnected) {
    [...root.querySelectorAll('a, button, [tabindex]')].find((e) => name(e) === name(before))?.focus({preventScroll: true});
  }
}

export function phaseBadge(phase) {
  return el('span', {class: 'phase ' + phase}, phase);
}

export function empty(text) {
  return el('p', {class: 'empty'}, text);
}
