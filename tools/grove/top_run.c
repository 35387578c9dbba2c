// The loop of `grove top`: answers, keys and signals as they come. It waits for all of them at once, so that keys are
// obeyed while a process that is stopped does not answer.
#include "top_command.h"
#include "top_screen.h"
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { ESCAPE = 27, INTERVAL_LEAST = 250, INTERVAL_MOST = 60000 };

// ---- signals --------------------------------------------------------------------------------------------------------

static int wake_pipe[2] = {-1, -1};
static volatile sig_atomic_t ending, resized; // a signal's number; that the window has another size

static void remember(int number)
{
  int before = errno;
  if (number == SIGWINCH) {
    resized = 1;
  } else {
    ending = number;
  }
  (void)!write(wake_pipe[1], "", 1); // a full pipe wakes, too
  errno = before;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
enum { SIGNALS = sizeof signals / sizeof *signals };

static int catch_signals(struct sigaction before[SIGNALS])
{
  struct sigaction a = {.sa_handler = remember};
  sigemptyset(&a.sa_mask);
  if (pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) != 0) {
    return cli_fail(EXIT_RUN, "no pipe for signals: %s", strerror(errno));
  }
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(signals[i], &a, &before[i]);
  }
  return EXIT_GOOD;
}

static void leave_signals(const struct sigaction before[SIGNALS])
{
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(signals[i], &before[i], NULL);
  }
  close(wake_pipe[0]);
  close(wake_pipe[1]);
}

static void drain_wake(void)
{
  char bytes[64];
  while (read(wake_pipe[0], bytes, sizeof bytes) > 0) {}
}

// ---- keys ------------------------------------------------------------------------------------------------------------

typedef struct top_loop {
  top_view *view;
  top_screen screen;
  bool quit;
} top_loop;

static void ask_whether(top_loop *t, bool restart)
{
  top_view *v = t->view;
  const json_t *a = top_view_marked(v);
  if (!json_is_true(json_object_get(v->overview, "actions"))) {
    snprintf(v->message, sizeof v->message,
        "this process lets actors be looked at, no more (--dashboard-actions, or .actions = 1)");
  } else if (a && strcmp(cli_words_text(a, "phase"), "ended") != 0) {
    snprintf(t->screen.ask_id, sizeof t->screen.ask_id, "%s", cli_words_text(a, "id"));
    t->screen.ask_restart = restart;
    snprintf(t->screen.question, sizeof t->screen.question,
        restart ? "Restart %.64s (%.40s)? What it does is lost. [y/N]"
                : "End %.64s (%.40s) and all below it? It is not restarted. [y/N]",
        cli_words_title(a), cli_words_text(a, "class"));
    t->screen.mode = TOP_ASKING;
  }
}

static void open_one(top_loop *t)
{
  top_view *v = t->view;
  const json_t *a = top_view_marked(v);
  if (a) {
    snprintf(v->one, sizeof v->one, "%s", cli_words_text(a, "id"));
    actors_text_drop(&v->text);
    v->want_one = true;
    t->screen.mode = TOP_ONE;
    t->screen.scroll = 0;
  }
}

static void change_order(top_view *v, bool next)
{
  size_t orders = 0;
  while (actors_orders[orders]) {
    orders++;
  }
  v->order = (v->order + (next ? 1 : orders - 1)) % orders;
  v->tree = false;
  v->first = v->cursor = 0;
  top_view_again(v);
}

static void change_interval(top_view *v, bool more_often)
{
  int64_t ms = more_often ? v->interval_ms / 2 : v->interval_ms * 2;
  v->interval_ms = ms < INTERVAL_LEAST ? INTERVAL_LEAST : ms > INTERVAL_MOST ? INTERVAL_MOST : ms;
  snprintf(v->message, sizeof v->message, "looks each %.2f s", (double)v->interval_ms / 1000);
}

static bool move_key(top_view *v, wint_t key)
{
  int64_t all = (int64_t)top_view_lines(v);
  switch (key) {
  case KEY_DOWN: top_view_move(v, 1); return true;
  case KEY_UP: top_view_move(v, -1); return true;
  case KEY_NPAGE: top_view_page(v, true); return true;
  case KEY_PPAGE: top_view_page(v, false); return true;
  case KEY_END: top_view_move(v, all); return true;
  case KEY_HOME: top_view_move(v, -all); return true;
  default: return false;
  }
}

static void list_key(top_loop *t, wint_t key)
{
  top_view *v = t->view;
  const json_t *a = top_view_marked(v);
  v->message[0] = '\0';
  if (move_key(v, key)) {
    return;
  }
  switch (key) {
  case 'q':
  case KEY_F(10): t->quit = true; break;
  case '/':
  case KEY_F(4): t->screen.mode = TOP_TYPING; break;
  case 't':
  case KEY_F(5):
    v->tree = !v->tree;
    v->first = v->cursor = 0;
    v->line_count = 0; // those of the other kind
    top_view_again(v);
    break;
  case ' ':
    if (v->tree && a) {
      top_view_fold(v, cli_words_text(a, "id"));
    }
    break;
  case 's':
  case KEY_F(6): change_order(v, true); break;
  case 'S': change_order(v, false); break;
  case 'e':
    v->ended = !v->ended;
    top_view_again(v);
    break;
  case 'p': top_view_pause(v); break;
  case 'k':
  case KEY_F(9): ask_whether(t, false); break;
  case 'r': ask_whether(t, true); break;
  case '+': change_interval(v, true); break;
  case '-': change_interval(v, false); break;
  case '\r':
  case '\n':
  case KEY_ENTER: open_one(t); break;
  case '?':
  case 'h':
  case KEY_F(1):
    t->screen.mode = TOP_HELP;
    t->screen.scroll = 0;
    break;
  case ESCAPE:
    if (v->filter[0]) {
      v->filter[0] = '\0';
      top_view_again(v);
    }
    break;
  default: break;
  }
}

// A character more, in UTF-8 as documents have it, whatever the terminal's character set is.
static void type_character(char filter[TOP_FILTER], wint_t c)
{
  char bytes[4];
  size_t used = strlen(filter), n;
  if (c < 0x80) {
    bytes[0] = (char)c;
    n = 1;
  } else if (c < 0x800) {
    bytes[0] = (char)(0xc0 | c >> 6);
    bytes[1] = (char)(0x80 | (c & 0x3f));
    n = 2;
  } else if (c < 0x10000) {
    bytes[0] = (char)(0xe0 | c >> 12);
    bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
    bytes[2] = (char)(0x80 | (c & 0x3f));
    n = 3;
  } else {
    bytes[0] = (char)(0xf0 | c >> 18);
    bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (c & 0x3f));
    n = 4;
  }
  if (used + n < TOP_FILTER) {
    memcpy(filter + used, bytes, n);
    filter[used + n] = '\0';
  }
}

static void typing_key(top_loop *t, wint_t key, bool is_function)
{
  top_view *v = t->view;
  size_t n = strlen(v->filter);
  if (key == '\r' || key == '\n' || (is_function && key == KEY_ENTER)) {
    t->screen.mode = TOP_LIST;
    return;
  }
  if (key == ESCAPE) {
    v->filter[0] = '\0';
    t->screen.mode = TOP_LIST;
  } else if (key == 127 || key == 8 || (is_function && key == KEY_BACKSPACE)) {
    while (n && ((unsigned char)v->filter[--n] & 0xc0) == 0x80) {}
    v->filter[n] = '\0';
  } else if (!is_function && key >= ' ') {
    type_character(v->filter, key);
  } else {
    return;
  }
  v->first = v->cursor = 0;
  top_view_again(v);
}

static void asking_key(top_loop *t, wint_t key)
{
  top_view *v = t->view;
  if (key == 'y' || key == 'Y') {
    snprintf(v->stop, sizeof v->stop, "%s", t->screen.ask_id);
    v->restart = t->screen.ask_restart;
    v->message[0] = '\0';
  }
  t->screen.mode = TOP_LIST;
}

static void text_key(top_loop *t, wint_t key)
{
  size_t page = LINES > 2 ? (size_t)LINES - 2 : 1;
  size_t *at = &t->screen.scroll;
  switch (key) {
  case KEY_DOWN: ++*at; break;
  case KEY_UP: *at -= *at > 0; break;
  case KEY_NPAGE: *at += page; break;
  case KEY_PPAGE: *at = *at > page ? *at - page : 0; break;
  case KEY_HOME: *at = 0; break;
  case 'q':
  case ESCAPE:
  case '\r':
  case KEY_F(1):
  case KEY_F(10):
    t->screen.mode = TOP_LIST;
    t->view->one[0] = '\0';
    break;
  default: break;
  }
}

static void take_size(top_loop *t)
{
  t->view->height = top_screen_height();
  top_view_move(t->view, 0);
  t->view->want_actors = true;
}

static void obey(top_loop *t, wint_t key, bool is_function)
{
  if (is_function && key == KEY_RESIZE) {
    take_size(t);
    return;
  }
  switch (t->screen.mode) {
  case TOP_TYPING: typing_key(t, key, is_function); break;
  case TOP_ASKING: asking_key(t, key); break;
  case TOP_LIST: list_key(t, key); break;
  default: text_key(t, key); break;
  }
}

// True: there was one.
static bool take_keys(top_loop *t)
{
  wint_t key;
  bool any = false;
  for (int got; (got = get_wch(&key)) != ERR; any = true) {
    obey(t, key, got == KEY_CODE_YES);
  }
  return any;
}

static bool is_gone(int fd)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

// ---- the loop ------------------------------------------------------------------------------------------------------------

static void look(top_loop *t)
{
  const int fds[] = {STDIN_FILENO, wake_pipe[0]};
  top_view *v = t->view;
  int ms = top_view_begin(v);
  if (cli_http_work(v->http, fds, 2, ms)) {
    top_view_take(v);
  }
  drain_wake();
  if (resized) {
    resized = 0;
    top_screen_resize();
    take_size(t);
  }
  if (!take_keys(t) && is_gone(STDIN_FILENO)) {
    ending = SIGHUP; // of a terminal that is not this program's own nobody tells
  }
  if (t->screen.mode == TOP_ONE && !v->one[0]) {
    t->screen.mode = TOP_LIST; // it is gone, and forgotten
  }
}

int top_run(top_view *v, bool colours)
{
  struct sigaction before[SIGNALS];
  top_loop t = {.view = v};
  int code = catch_signals(before);
  if (code) {
    return code;
  }
  code = top_screen_open(colours);
  if (!code) {
    v->height = top_screen_height();
  }
  while (!code && !t.quit && !ending && !v->over) {
    top_screen_draw(&t.screen, v);
    look(&t);
  }
  top_screen_close();
  leave_signals(before);
  if (code) {
    return code;
  }
  return v->over ? cli_fail(v->code, "%s", v->words) : ending ? 128 + ending : EXIT_GOOD;
}
