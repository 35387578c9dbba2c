// Which page is shown, and the stream that all of them listen to.
import {setText} from './common.js';
import * as overview from './overview.js';
import * as actors from './actors.js';
import * as supervision from './supervision.js';
import * as jobs from './jobs.js';
import * as timeline from './timeline.js';
import * as logs from './logs.js';

// A page: open(root, rest, query) shows it; tick(document) and log(events) tell it what is new; again() is called when the
// stream is there again after it was not; close() ends it.
const pages = {overview, actors, supervision, jobs, timeline, logs};
const main = document.getElementById('main');
const live = document.getElementById('live');
const fault = document.getElementById('fault');
let shown = null, broken = false, stream = null, process = '', quiet = 0;

// What went wrong, for a while; pages are drawn anew below it.
function say(error) {
  setText(fault, String(error && error.message || error));
  fault.hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { fault.hidden = true; }, 10000);
}

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
  broken = false;
  Promise.resolve(page.open(main, rest.join('/'), new URLSearchParams(query || ''))).catch((error) => {
    broken = shown === page;
    say(error);
  });
}

// What is said each second, for the page in sight. Another process at this address, which begins anew, has nothing to do
// with what is shown.
function hear(d) {
  if (process && d.root !== process) {
    location.reload();
    return;
  }
  process = d.root;
  if (broken) {
    show(); // what failed may go well now
  }
  if (shown && shown.tick) {
    shown.tick(d);
  }
}

// A page out of sight lets its stream go: a browser keeps six connections to an address for all of its tabs, and a stream is
// one, so that six forgotten tabs would leave none to ask by.
function listen() {
  if (stream || document.hidden) {
    return;
  }
  const mine = stream = new EventSource('/api/1/stream');
  let lost = process !== '';
  mine.addEventListener('open', () => {
    setText(live, 'live');
    live.className = 'on';
    if (lost && shown && shown.again) {
      shown.again();
    }
    lost = true;
  });
  mine.addEventListener('error', () => {
    setText(live, 'not connected');
    live.className = 'off';
    if (mine.readyState === EventSource.CLOSED && mine === stream) { // refused: the browser does not try again by itself
      stream = null;
      setTimeout(listen, 3000);
    }
  });
  mine.addEventListener('tick', (e) => hear(JSON.parse(e.data)));
  mine.addEventListener('log', (e) => {
    const d = JSON.parse(e.data);
    if (shown && shown.log) {
      shown.log(d.events, d.lost);
    }
  });
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) {
    listen();
  } else if (stream) {
    stream.close();
    stream = null;
    setText(live, 'paused');
    live.className = '';
  }
});
addEventListener('hashchange', () => {
  show();
  main.focus({preventScroll: true});
});
addEventListener('unhandledrejection', (e) => {
  say(e.reason);
});
show();
listen();
