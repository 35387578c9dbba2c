#include "top_screen.h"
#include <curses.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { HEAD = 5, ACTOR_LEAST = 16, ACTOR_MOST = 40, STATE_LEAST = 18 };
enum { PLAIN, GREEN, CYAN, YELLOW, RED };

static SCREEN *screen;
static bool coloured;

int top_screen_open(bool colours)
{
  const char *term = getenv("TERM");
  setlocale(LC_CTYPE, "");
  screen = newterm(NULL, stdout, stdin);
  if (!screen) {
    return cli_fail(EXIT_USAGE,
        "this terminal (TERM is \"%.60s\") is not known, so nothing can be drawn: --once prints "
        "one snapshot",
        term ? term : "");
  }
  set_term(screen);
  atexit(top_screen_close);
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  set_escdelay(25);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  coloured = colours && has_colors() && start_color() == OK && use_default_colors() == OK;
  if (coloured) {
    init_pair(GREEN, COLOR_GREEN, -1);
    init_pair(CYAN, COLOR_CYAN, -1);
    init_pair(YELLOW, COLOR_YELLOW, -1);
    init_pair(RED, COLOR_RED, -1);
  }
  return EXIT_GOOD;
}

void top_screen_close(void)
{
  if (screen) {
    endwin();
    delscreen(screen);
    screen = NULL;
  }
}

size_t top_screen_height(void)
{
  return LINES > HEAD + 3 ? (size_t)(LINES - HEAD - 2) : 1;
}

void top_screen_resize(void)
{
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
    resizeterm(size.ws_row, size.ws_col);
    clearok(stdscr, TRUE);
  }
}

static attr_t look_of(int colour)
{
  return coloured ? (attr_t)COLOR_PAIR(colour) : A_NORMAL;
}

// ---- texts ----------------------------------------------------------------------------------------------------------

// As many characters as fit into `width` columns; what the terminal's character set has not is "?". Gives the columns used.
static int put_text(int y, int x, int width, const char *text)
{
  wchar_t wide[256];
  char *clean = cli_format("%s", text);
  cli_clean_text(clean);
  size_t n = mbstowcs(wide, clean, sizeof wide / sizeof *wide - 1);
  if (n == (size_t)-1) {
    for (n = 0; clean[n] && n < sizeof wide / sizeof *wide - 1; n++) {
      wide[n] = (unsigned char)clean[n] < 0x80 ? (wchar_t)clean[n] : L'?';
    }
  }
  free(clean);
  int used = 0;
  size_t fits = 0;
  for (; fits < n; fits++) {
    int w = wcwidth(wide[fits]);
    if (w < 0) {
      wide[fits] = L'?';
      w = 1;
    }
    if (used + w > width) {
      break;
    }
    used += w;
  }
  if (width > 0 && fits) {
    mvaddnwstr(y, x, wide, (int)fits);
  }
  return used;
}

static int measure(const char *text)
{
  int n = 0;
  for (; *text; text++) {
    n += ((unsigned char)*text & 0xc0) != 0x80;
  }
  return n;
}

static void put_cell(int y, int x, int width, const char *text, bool right)
{
  int n = measure(text);
  put_text(y, right && n < width ? x + width - n : x, width, text);
}

static void put_format(int y, int x, const char *format, ...) GROVE_PRINTF(3, 4);
static void put_format(int y, int x, const char *format, ...)
{
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_text(y, x, COLS - x, text);
}

// ---- the head -------------------------------------------------------------------------------------------------------

static void draw_bar(int y, int x, int width, double share)
{
  int full = (int)(share * width + 0.5);
  mvaddch(y, x, '[');
  attr_t look = look_of(GREEN);
  attron(look);
  for (int i = 0; i < width; i++) {
    addch(i < full ? '|' : ' ');
  }
  attroff(look);
  addch(']');
}

static void draw_head(const top_view *v)
{
  char a[CLI_WORD], b[CLI_WORD], c[CLI_WORD], workers[CLI_LONG_WORD];
  double busy, rate;
  const json_t *r = json_object_get(v->overview, "runtime");
  top_runtime_rates(r, json_object_get(v->overview_before, "runtime"), &busy, &rate);
  cli_words_duration(cli_words_number(r, "up_ns"), a);
  attron(A_BOLD);
  put_format(0, 0, "grove top: %s", cli_http_name(v->http));
  attroff(A_BOLD);
  cli_words_bytes(cli_words_number(r, "memory_bytes"), b);
  put_format(1, 0,
      "Up %s   Actors %" PRId64 ", %" PRId64 " suspended   Restarts %" PRId64 "   Failed %" PRId64
      "   Dead letters %" PRId64 "   Memory %s",
      a, cli_words_number(r, "actors"), cli_words_number(r, "suspended"),
      cli_words_number(r, "restarts"), cli_words_number(r, "failed"),
      cli_words_number(r, "dead_letters"), b);
  cli_words_count((int64_t)(rate + 0.5), a);
  cli_words_duration(cli_words_number(r, "wait_p50_ns"), b);
  cli_words_duration(cli_words_number(r, "wait_p99_ns"), c);
  put_format(2, 0, "Messages %s/s   Wait in mailboxes p50 %s, p99 %s", a, b, c);
  cli_words_share(busy, a);
  cli_words_workers(r, workers);
  put_format(3, 0, "Workers %s, %s", workers, a);
  int bar = (int)(strlen(workers) + strlen(a)) + 12;
  bar = bar > 32 ? bar : 32; // it stands still but for stand-ins
  if (COLS >= bar + 28) {
    draw_bar(3, bar, COLS - bar - 4 < 40 ? COLS - bar - 4 : 40, busy > 1 ? 1 : busy);
  }
}

static void draw_place(const top_view *v)
{
  size_t n = top_view_lines(v), to = v->first + v->height < n ? v->first + v->height : n;
  char shown[120];
  snprintf(shown, sizeof shown, "%zu-%zu of %zu%s", n ? v->first + 1 : 0, to, n,
      v->tree && v->total > v->line_count && !json_object_size(v->folded) ? " (the oldest)" : "");
  put_format(4, 0, "%s   %s %s%s%s%s%s%s", v->actors ? shown : "...", v->tree ? "tree" : "by",
      v->tree ? "" : actors_orders[v->order], v->ended ? "   with those that have ended" : "",
      v->filter[0] ? "   filter \"" : "", v->filter, v->filter[0] ? "\"" : "",
      v->paused ? "   PAUSED" : "");
}

// ---- the table -------------------------------------------------------------------------------------------------------

typedef struct column {
  const char *head;
  int width;
  bool right;
} column;
enum { PHASE, DEPTH, BUSY, RATE, CLASS, MEMORY, TIME, RESTARTS, UP, COLUMNS };
// The first ones stay longest on a narrow terminal.
static const column columns[COLUMNS] = {[PHASE] = {"PHASE", 10, false},
    [DEPTH] = {"MAILBOX", 7, true},
    [BUSY] = {"BUSY", 6, true},
    [RATE] = {"MSG/S", 7, true},
    [TIME] = {"TIME", 10, true},
    [MEMORY] = {"MEMORY", 9, true},
    [RESTARTS] = {"RESTARTS", 8, true},
    [CLASS] = {"CLASS", 15, false},
    [UP] = {"UP", 10, true}};
static const int left_to_right[COLUMNS] = {
    CLASS, PHASE, UP, DEPTH, RATE, BUSY, TIME, RESTARTS, MEMORY};

typedef struct layout {
  int actor, state; // widths
  int shown;        // of the columns, by rank
} layout;

// The state comes behind the first three columns, and before the others: it is what an actor says of itself.
static layout lay_out(void)
{
  enum { FIRST = BUSY + 1 };
  int used = ACTOR_LEAST;
  layout l = {.shown = 0};
  for (; l.shown < COLUMNS && used + 1 + columns[l.shown].width <= COLS; l.shown++) {
    used += 1 + columns[l.shown].width;
    if (l.shown + 1 == FIRST && used + 1 + STATE_LEAST <= COLS) {
      l.state = STATE_LEAST;
      used += 1 + STATE_LEAST;
    }
  }
  int left = COLS > used ? COLS - used : 0;
  int more = !l.state                              ? left
             : left / 2 < ACTOR_MOST - ACTOR_LEAST ? left / 2
                                                   : ACTOR_MOST - ACTOR_LEAST;
  l.actor = (COLS < ACTOR_LEAST ? COLS : ACTOR_LEAST) + more;
  l.state += l.state ? left - more : 0;
  return l;
}

static void draw_columns(
    const layout *l, int y, const char *const cells[COLUMNS], const char *state)
{
  int x = l->actor;
  for (int i = 0; i < COLUMNS; i++) {
    int c = left_to_right[i];
    if (c < l->shown) {
      put_cell(y, x + 1, columns[c].width, cells[c], columns[c].right);
      x += 1 + columns[c].width;
    }
  }
  if (l->state) {
    put_text(y, x + 1, l->state, state);
  }
}

static int colour_of(const char *phase)
{
  return !strcmp(phase, "running")                                  ? GREEN
         : !strcmp(phase, "waiting")                                ? CYAN
         : !strcmp(phase, "restarting") || !strcmp(phase, "queued") ? YELLOW
         : !strcmp(phase, "ended") || !strcmp(phase, "stuck")       ? RED
                                                                    : PLAIN;
}

// The lines of a tree before a title. Gives the columns used.
static int draw_rails(const actors_line *l, int y, int most)
{
  int x = 0;
  for (unsigned i = 1; i < l->depth && i < 64 && x + 2 < most; i++, x += 2) {
    mvaddch(y, x, l->rails >> i & 1 ? ACS_VLINE : ' ');
  }
  if (l->depth && x + 2 < most) {
    mvaddch(y, x, l->last ? ACS_LLCORNER : ACS_LTEE);
    addch(l->folded ? '+' : ACS_HLINE);
    x += 2;
  } else if (l->folded && x + 2 < most) {
    mvaddch(y, x, '+');
    x += 2;
  }
  return x;
}

static void draw_line(
    const top_view *v, const layout *l, const actors_line *line, int y, bool marked)
{
  char depth[CLI_WORD], busy[CLI_WORD], rate[CLI_WORD], time[CLI_WORD], memory[CLI_WORD],
      restarts[CLI_WORD], up[CLI_WORD], doing[CLI_LONG_WORD];
  const json_t *a = line->row;
  const char *phase = cli_words_text(a, "phase");
  double share, per_second;
  top_view_rates(v, a, &share, &per_second);
  cli_words_count(cli_words_number(a, "depth"), depth);
  cli_words_share(share, busy);
  cli_words_count((int64_t)(per_second + 0.5), rate);
  cli_words_duration(cli_words_number(a, "busy_ns"), time);
  cli_words_bytes(cli_words_number(a, "bytes"), memory);
  cli_words_count(cli_words_number(a, "restarts"), restarts);
  cli_words_duration(cli_words_number(a, "up_ns"), up);
  cli_words_doing(a, doing);
  attr_t look = marked ? A_REVERSE : look_of(colour_of(phase));
  attron(look);
  if (marked) {
    mvhline(y, 0, ' ', COLS);
  }
  int x = v->tree ? draw_rails(line, y, l->actor) : 0;
  put_text(y, x, l->actor - x, cli_words_title(a));
  draw_columns(l, y,
      (const char *const[COLUMNS]){[CLASS] = cli_words_text(a, "class"),
          [PHASE] = phase,
          [UP] = up,
          [DEPTH] = depth,
          [RATE] = rate,
          [BUSY] = busy,
          [TIME] = time,
          [RESTARTS] = restarts,
          [MEMORY] = memory},
      doing);
  attroff(look);
}

static void draw_table(const top_view *v)
{
  layout l = lay_out();
  const char *heads[COLUMNS];
  for (int i = 0; i < COLUMNS; i++) {
    heads[i] = columns[i].head;
  }
  int y = HEAD;
  attron(A_REVERSE);
  mvhline(y, 0, ' ', COLS);
  put_text(y, 0, l.actor, "ACTOR");
  draw_columns(&l, y, heads, "STATE");
  attroff(A_REVERSE);
  for (size_t i = 0; i < v->height && v->first + i < top_view_lines(v); i++) {
    const actors_line *line = top_view_line(v, v->first + i);
    if (line && HEAD + 1 + (int)i < LINES - 1) {
      draw_line(v, &l, line, HEAD + 1 + (int)i, v->first + i == v->cursor);
    }
  }
}

// ---- texts that fill the screen ----------------------------------------------------------------------------------------

static const char *const help[] = {"grove top", "", "  Up, Down, PgUp, PgDn, Home, End   move",
    "  Enter          the page of the marked actor",
    "  /              filter by a part of the name or label; Enter keeps it, Esc clears it",
    "  t              table or tree",
    "  Space          folds and unfolds what is below, in the tree",
    "  s, S           the next order, the one before: spawned, depth, bytes, oldest,",
    "                 handled, failed, busy (lately), time (busy in all), restarts, name",
    "  e              those that have ended, too", "  p              pause",
    "  k              ends the marked actor, if the process allows it; asks first",
    "  r              has its parent start it again, likewise",
    "  + -            look more, or less often", "  q, Ctrl-C      the end", "",
    "  BUSY and MSG/S are since the last look; TIME is all that it ran."};

static void draw_text(top_screen *s, const char *const *lines, size_t n)
{
  size_t height = LINES > 1 ? (size_t)LINES - 1 : 1;
  s->scroll = s->scroll + height > n ? (n > height ? n - height : 0) : s->scroll;
  for (size_t i = 0; i < height && s->scroll + i < n; i++) {
    put_text((int)i, 0, COLS, lines[s->scroll + i]);
  }
}

static void draw_foot(const top_screen *s, const top_view *v)
{
  int y = LINES - 1;
  switch (s->mode) {
  case TOP_TYPING:
    put_format(y, 0, "Filter: %s", v->filter);
    attron(A_REVERSE);
    mvaddch(y, 8 + measure(v->filter) < COLS ? 8 + measure(v->filter) : COLS - 1, ' ');
    attroff(A_REVERSE);
    break;
  case TOP_ASKING:
    attron(A_BOLD);
    put_text(y, 0, COLS, s->question);
    attroff(A_BOLD);
    break;
  case TOP_ONE:
  case TOP_HELP: put_text(y, 0, COLS, "q, Esc: back   Up, Down, PgUp, PgDn: move"); break;
  default:
    put_text(y, 0, COLS,
        v->message[0]
            ? v->message
            : "?: help  /: filter  t: tree  s: order  Enter: one  k: end  r: restart  q: quit");
  }
}

void top_screen_draw(top_screen *s, top_view *v)
{
  erase();
  if (s->mode == TOP_HELP) {
    draw_text(s, help, sizeof help / sizeof *help);
  } else if (s->mode == TOP_ONE) {
    draw_text(s, (const char *const *)v->text.line, v->text.count);
  } else {
    draw_head(v);
    draw_place(v);
    draw_table(v);
  }
  draw_foot(s, v);
  refresh();
}
