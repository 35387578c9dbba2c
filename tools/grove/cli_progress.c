#include "cli_progress.h"
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_ACTORS = 256, MOST_LINES = 60 };

// What was last said of an actor, off a terminal.
struct said {
  grove_ref who;
  char word[64]; // the first word of its state
  double progress;
  int64_t at_ns;
};

struct cli_progress {
  grove *g;
  bool draw, plain, colour;
  int lines; // on the screen now
  size_t said_count;
  struct said said[MOST_ACTORS];
  grove_info actors[MOST_ACTORS];
  size_t count;
};

bool cli_progress_read(const char *text, cli_progress_mode *out)
{
  static const char *const names[] = {"auto", "bar", "lines", "none"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!strcmp(text, names[i])) {
      *out = (cli_progress_mode)i;
      return true;
    }
  }
  (void)cli_fail(EXIT_USAGE, "--progress is \"%.60s\"; it can be auto, bar, lines or none", text);
  return false;
}

static bool may_draw(cli_progress_mode mode)
{
  const char *term = getenv("TERM");
  return mode == CLI_PROGRESS_BAR ||
         (mode == CLI_PROGRESS_AUTO && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0);
}

cli_progress *cli_progress_create(grove *g, cli_progress_mode mode, bool plain_actors)
{
  cli_progress *p = cli_alloc(1, sizeof *p);
  const char *no_colour = getenv("NO_COLOR");
  p->g = g;
  p->draw = may_draw(mode);
  p->colour = p->draw && !(no_colour && *no_colour);
  p->plain = mode != CLI_PROGRESS_NONE && !p->draw && plain_actors;
  return p;
}

bool cli_progress_drawn(const cli_progress *p)
{
  return p->draw;
}

static void take_snapshot(cli_progress *p, grove_ref under)
{
  size_t total = 0, n = 0;
  grove_snapshot_options o = {GROVE_SNAPSHOT, .under = under};
  memset(p->actors, 0, sizeof p->actors);
  p->actors[0].struct_size = sizeof *p->actors;
  if (!grove_inspect(p->g, under, &p->actors[0])) {
    n = 1;
  }
  if (!grove_snapshot(p->g, &o, p->actors + n, sizeof *p->actors, MOST_ACTORS - n, &total)) {
    n += total < MOST_ACTORS - n ? total : MOST_ACTORS - n;
  }
  p->count = n;
}

static const char *name_of(const grove_info *a)
{
  return a->label[0] ? a->label : a->name[0] ? a->name : a->class_name;
}

// ---- on a terminal --------------------------------------------------------------------------------

static void take_off(cli_progress *p)
{
  if (p->lines) {
    fprintf(stderr, "\033[%dA\r\033[J", p->lines);
    p->lines = 0;
  }
}

static void find_room(int *columns, int *rows)
{
  struct winsize size;
  *columns = 80;
  *rows = 24;
  if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
    *columns = size.ws_col;
    *rows = size.ws_row;
  }
}

static const char *colour_of(const cli_progress *p, const char *state)
{
  if (!p->colour) {
    return "";
  }
  return !strncmp(state, "DONE", 4)                                    ? "\033[32m"
         : !strncmp(state, "FAILED", 6)                                ? "\033[31m"
         : !strncmp(state, "PENDING", 7) || !strncmp(state, "IDLE", 4) ? "\033[2m"
                                                                       : "\033[36m";
}

void cli_progress_bar(double done, char *out, size_t room)
{
  enum { WIDTH = 20 };
  char bar[3 * WIDTH + 1] = "";
  int full = (int)(done * WIDTH);
  for (int i = 0; i < WIDTH; i++) {
    strcat(bar, i < full ? "█" : "░");
  }
  snprintf(out, room, "%s %3.0f %%", bar, 100 * done);
}

static void draw_actor(cli_progress *p, const grove_info *a, const char *branch, int columns)
{
  char bar[96] = "";
  bool running = a->progress > 0 && a->progress < 1;
  if (running && columns >= 78) {
    cli_progress_bar(a->progress, bar, sizeof bar);
  }
  int name = columns >= 60 ? 23 : 16;
  int state = columns - name - 6 - (bar[0] ? 28 : 0);
  state = state < 4 ? 4 : state > 28 && bar[0] ? 28 : state;
  fprintf(stderr, "\033[2K%s%-*.*s %s%-*.*s%s %s\n", branch, name, name, name_of(a),
      colour_of(p, a->state), state, state, a->state, p->colour ? "\033[0m" : "", bar);
  p->lines++;
}

static bool has_later_sibling(const cli_progress *p, size_t i)
{
  for (size_t k = i + 1; k < p->count; k++) {
    if (grove_ref_equal(p->actors[k].parent, p->actors[i].parent)) {
      return true;
    }
  }
  return false;
}

// Children stand under their parent; the snapshot is in the order of spawning, so they are in order too.
static void draw_under(cli_progress *p, size_t i, const char *before, int columns, int rows)
{
  for (size_t k = i + 1; k < p->count; k++) {
    if (!grove_ref_equal(p->actors[k].parent, p->actors[i].ref)) {
      continue;
    }
    if (p->lines + 2 >= rows || p->lines >= MOST_LINES) {
      return;
    }
    bool more = has_later_sibling(p, k);
    char branch[64], deeper[64];
    snprintf(branch, sizeof branch, "%.32s%s", before, more ? "├─ " : "└─ ");
    snprintf(deeper, sizeof deeper, "%.32s%s", before, more ? "│  " : "   ");
    draw_actor(p, &p->actors[k], branch, columns);
    draw_under(p, k, deeper, columns, rows);
  }
}

// The bytes of a text that fill at most so many columns: UTF-8 is not cut in a character.
static int fitting_bytes(const char *text, int columns)
{
  int n = 0;
  for (; text[n]; n++) {
    columns -= ((unsigned char)text[n] & 0xc0) != 0x80;
    if (columns < 0) {
      break;
    }
  }
  return n;
}

static void draw(cli_progress *p, const char *headline)
{
  int columns, rows;
  find_room(&columns, &rows);
  take_off(p);
  if (headline && *headline) {
    fprintf(stderr, "\033[2K%.*s\n", fitting_bytes(headline, columns - 1), headline);
    p->lines++;
  }
  if (p->count) {
    draw_actor(p, &p->actors[0], "", columns);
    draw_under(p, 0, "", columns, rows);
  }
  fflush(stderr);
}

// ---- plain lines ----------------------------------------------------------------------------------

static struct said *find_said(cli_progress *p, grove_ref who)
{
  for (size_t i = 0; i < p->said_count; i++) {
    if (grove_ref_equal(p->said[i].who, who)) {
      return &p->said[i];
    }
  }
  if (p->said_count == MOST_ACTORS) {
    return NULL;
  }
  p->said[p->said_count] = (struct said){.who = who};
  return &p->said[p->said_count++];
}

// A line when the state's word changes, or when a tenth of the work was done and a second has gone by.
static void say_actor(cli_progress *p, const grove_info *a, int64_t now)
{
  char word[sizeof a->state];
  struct said *s = a->label[0] ? find_said(p, a->ref) : NULL;
  if (!s || !a->state[0]) {
    return;
  }
  snprintf(word, sizeof word, "%.*s", (int)strcspn(a->state, " "), a->state);
  double done = isnan(a->progress) ? 0 : a->progress;
  bool news = strcmp(word, s->word) != 0;
  if (!news && !(done >= s->progress + 0.1 && now - s->at_ns >= 1000000000)) {
    return;
  }
  cli_note("%s: %s", a->label, a->state);
  memcpy(s->word, word, sizeof word);
  s->progress = done;
  s->at_ns = now;
}

void cli_progress_show(cli_progress *p, grove_ref under, const char *headline)
{
  if (!p->draw && !p->plain) {
    return;
  }
  take_snapshot(p, under);
  if (p->draw) {
    draw(p, headline);
    return;
  }
  for (size_t i = 0; i < p->count; i++) {
    say_actor(p, &p->actors[i], grove_now_ns(p->g));
  }
}

void cli_progress_destroy(cli_progress *p)
{
  if (p) {
    take_off(p);
    fflush(stderr);
    free(p);
  }
}
