// Which page is shown, and the stream that all of them listen to.
import {el, setText} from './common.js';
import * as overview from './overview.js';
import * as actors from './actors.js';
import * as supervision from './supervision.js';
import * as jobs from './jobs.js';
import * as timeline from './timeline.js';
import * as logs from './logs.js';

// A page: open(root, rest, query) shows it; tick(document) and log(events) tell it what is new; close() ends it.
const pages = {overview, actors, supervision, jobs, timeline, logs};
const main = document.getElementById('main');
const live = document.getElementById('live');
let shown = null;

function show() {
  const [path, query] = location.hash.replace(/^#\//, '').split('?');
  const [name, ...rest] = path.split('/');
  const page = pages[name] || overview;
  if (shown && shown.close) {
    shown.close();
  }
  for (const a of document.querySelectorAll('nav a')) {
    const here = a.getAttribute('href') === '#/' + (pages[name] ? name : 'overview');
    a.toggleAttribute('data-here', here);
    if (here) {
      a.setAttribute('aria-current', 'page');
      document.title = a.textContent + ' · grove';
    } else {
      a.removeAttribute('aria-current');
    }
  }
  main.replaceChildren();
  shown = page;
  page.open(main, rest.join('/'), new URLSearchParams(query || ''));
}

function listen() {
  const stream = new EventSource('/api/1/stream');
  stream.addEventListener('open', () => {
    setText(live, 'live');
    live.className = 'on';
  });
  stream.addEventListener('error', () => {
    setText(live, 'not connected');
    live.className = 'off';
    if (stream.readyState === EventSource.CLOSED) { // refused: the browser does not try again by itself
      setTimeout(listen, 3000);
    }
  });
  stream.addEventListener('tick', (e) => shown && shown.tick && shown.tick(JSON.parse(e.data)));
  stream.addEventListener('log', (e) => {
    const d = JSON.parse(e.data);
    if (shown && shown.log) {
      shown.log(d.events, d.lost);
    }
  });
}

addEventListener('hashchange', () => {
  show();
  main.focus({preventScroll: true});
});
addEventListener('unhandledrejection', (e) => {
  main.querySelector('.problem')?.remove();
  main.prepend(el('p', {class: 'problem', role: 'alert'}, String(e.reason && e.reason.message || e.reason)));
});
show();
listen();
