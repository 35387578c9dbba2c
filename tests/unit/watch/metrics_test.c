// Prometheus's text: its numbers, its one moment, its labels, its limits, and that the page in the guide lists it.
#include "actors.h"
#include "watch/metrics.h"
#include "written.h"

typedef struct text {
  written w;
  grove *g; // not NULL: the first piece changes what is told
  grove_ref busy;
  grove_status fail; // given back by the second piece
} text;

static grove_status put(void *user, const char *bytes, size_t n)
{
  text *t = user;
  if (t->w.pieces == 0 && t->g) {
    long reply;
    for (int i = 0; i < 10; i++) {
      check_ok(ask_and_get(t->g, t->busy, job_echo, NULL, &reply, NULL));
    }
  }
  if (t->fail && t->w.pieces == 1) {
    t->w.pieces++;
    return t->fail;
  }
  return written_put(&t->w, bytes, n);
}

static text *text_of(grove *g, const grove_metrics_options *o)
{
  text *t = calloc(1, sizeof *t);
  assert_non_null(t);
  check_ok(grove_metrics_text(g, o, put, t));
  return t;
}

// The value of the one sample that begins so.
static double value_of(const text *t, const char *series)
{
  size_t n = strlen(series), found = 0;
  double value = -1;
  for (const char *line = t->w.bytes; line;
       line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    if (strncmp(line, series, n) == 0 && line[n] == ' ') {
      value = strtod(line + n, NULL);
      found++;
    }
  }
  if (found != 1) {
    print_error("%s stands there %zu times\n", series, found);
    fail();
  }
  return value;
}

static size_t count_of(const text *t, const char *part)
{
  size_t n = 0;
  for (const char *at = t->w.bytes; (at = strstr(at, part)); at++) {
    n++;
  }
  return n;
}

static void adds_up(void **state)
{
  grove *g = ((rig *)*state)->g;
  long reply;
  grove_ref a = spawn_hand(g);
  for (int i = 0; i < 7; i++) {
    check_ok(ask_and_get(g, a, job_echo, NULL, &reply, NULL));
  }
  check_status(ask_and_get(g, a, job_crash, NULL, &reply, NULL), GROVE_EDEAD);
  check_ok(grove_get(g, grove_monitor(g, a), 20000, NULL, 0, NULL));
  check_status(tell(g, a, job_echo, NULL), GROVE_ENOACTOR);
  char series[80];
  text *t = text_of(g, NULL);
  assert_int_equal(value_of(t, "grove_class_sent_total{class=\"hand\"}"), 8);
  assert_int_equal(value_of(t, "grove_class_calls_total{class=\"hand\"}"), 8);
  assert_int_equal(value_of(t, "grove_class_handled_total{class=\"hand\"}"), 7);
  assert_int_equal(value_of(t, "grove_class_failed_total{class=\"hand\"}"), 1);
  assert_int_equal(value_of(t, "grove_class_crashed_total{class=\"hand\"}"), 1);
  assert_int_equal(value_of(t, "grove_class_actors{class=\"hand\"}"), 0);
  assert_int_equal(value_of(t, "grove_class_dead_letters_total{class=\"hand\"}"), 1);
  assert_int_equal(value_of(t, "grove_class_dropped_total{class=\"hand\",reason=\"dead\"}"), 0);
  assert_int_equal(value_of(t, "grove_dead_letters_total"), 1);
  assert_int_equal(value_of(t, "grove_actors"), 0);
  assert_true(value_of(t, "grove_memory_bytes{part=\"actors\"}") > 0);
  snprintf(series, sizeof series, "grove_build_info{version=\"%s\"}", grove_version());
  assert_int_equal(value_of(t, series), 1);
  assert_int_equal(count_of(t, "grove_actor_"), 0); // not asked for
  free(t);
}

// A piece may take its time: what happens meanwhile is in the next scrape, not in half of this one.
static void is_one_moment(void **state)
{
  grove *g = ((rig *)*state)->g;
  text *t = calloc(1, sizeof *t);
  assert_non_null(t);
  t->g = g;
  t->busy = spawn_hand(g);
  long reply;
  check_ok(ask_and_get(g, t->busy, job_echo, NULL, &reply, NULL));
  check_ok(grove_metrics_text(g, &(grove_metrics_options){GROVE_METRICS, .actors = 10}, put, t));
  assert_true(t->w.pieces > 1);
  char series[128], id[40];
  snprintf(id, sizeof id, "%llx-%llx", (unsigned long long)t->busy.where,
      (unsigned long long)t->busy.which);
  snprintf(
      series, sizeof series, "grove_actor_handled_total{class=\"hand\",name=\"\",id=\"%s\"}", id);
  assert_int_equal(value_of(t, series), 1);
  assert_int_equal(value_of(t, "grove_class_handled_total{class=\"hand\"}"), 1);
  t->g = NULL;
  t->w.used = 0;
  check_ok(grove_metrics_text(g, NULL, put, t));
  assert_int_equal(value_of(t, "grove_class_handled_total{class=\"hand\"}"), 11);
  free(t);
}

static void actors_are_capped(void **state)
{
  grove *g = ((rig *)*state)->g;
  for (int i = 0; i < 5; i++) {
    grove_ref r = spawn_plan(g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .label = "a\"b\\c\nd"});
    check_ok(grove_get(g, grove_ready(g, r), 20000, NULL, 0, NULL));
  }
  text *t = text_of(g, &(grove_metrics_options){GROVE_METRICS, .actors = 3});
  assert_int_equal(count_of(t, "\ngrove_actor_bytes{"), 3);
  assert_int_equal(count_of(t, "name=\"a\\\"b\\\\c\\nd\""), 3 * 7); // of each metric of actors
  assert_int_equal(value_of(t, "grove_actor_series_left_out"), 2);
  free(t);
  t = text_of(g, &(grove_metrics_options){GROVE_METRICS, .actors = 3, .class_name = "nobody's"});
  assert_int_equal(count_of(t, "\ngrove_actor_bytes{"), 0);
  assert_int_equal(value_of(t, "grove_actor_series_left_out"), 0);
  free(t);
}

// Two classes of one name: a series may not stand there twice.
#define twin_LIST(S, M) HAND_METHODS(S, M, twin)
HANDS(twin, .mailbox = 1)
static void names_are_merged(void **state)
{
  grove *g = ((rig *)*state)->g;
  static grove_class other;
  other = hand_class;
  other.name = "twin";
  long reply;
  check_ok(ask_and_get(g, spawn_of(g, &hand_class), job_echo, NULL, &reply, NULL));
  grove_ref a = spawn_of(g, &twin_class), b = spawn_of(g, &other);
  check_ok(grove_get(
      g, ask_of(g, a, &twin_run_method, job_echo, NULL), 20000, &reply, sizeof reply, NULL));
  check_ok(grove_get(g, grove_ready(g, b), 20000, NULL, 0, NULL));
  text *t = text_of(g, NULL);
  assert_int_equal(value_of(t, "grove_class_actors{class=\"twin\"}"), 2);
  assert_int_equal(value_of(t, "grove_class_spawned_total{class=\"twin\"}"), 2);
  assert_int_equal(value_of(t, "grove_class_handled_total{class=\"twin\"}"), 1);
  assert_int_equal(value_of(t, "grove_class_actors{class=\"hand\"}"), 1);
  free(t);
}

static void says_what_is_wrong(void **state)
{
  grove *g = ((rig *)*state)->g;
  text *t = calloc(1, sizeof *t);
  assert_non_null(t);
  check_ok(grove_get(g, grove_ready(g, spawn_hand(g)), 20000, NULL, 0, NULL)); // a class more
  t->fail = GROVE_EIO;
  check_status(grove_metrics_text(g, NULL, put, t), GROVE_EIO);
  assert_int_equal(t->w.pieces, 2); // and none after it
  check_status(grove_metrics_text(g, NULL, NULL, NULL), GROVE_EINVAL);
  check_status(grove_metrics_text(NULL, NULL, put, t), GROVE_EINVAL);
  grove_metrics_options many = {GROVE_METRICS, .actors = GROVE_METRICS_ACTORS + 1};
  check_status(grove_metrics_text(g, &many, put, t), GROVE_EINVAL);
  free(t);
}

static const char begin_mark[] =
    "<!-- the table of src/watch/metrics.c; test_unit_watch_metrics --reference prints it -->\n";
static const char end_mark[] = "\n<!-- end of the table -->";

static void page_lists_them(void **state)
{
  (void)state;
  text *page = calloc(1, sizeof *page), *want = calloc(1, sizeof *want);
  assert_non_null(page);
  assert_non_null(want);
  FILE *f = fopen(GROVE_METRICS_PAGE, "r");
  assert_non_null(f);
  page->w.used = fread(page->w.bytes, 1, sizeof page->w.bytes - 1, f);
  fclose(f);
  check_ok(grove__metrics_reference(put, want));
  char *from = strstr(page->w.bytes, begin_mark);
  assert_non_null(from);
  from += sizeof begin_mark - 1;
  char *to = strstr(from, end_mark);
  assert_non_null(to);
  *to = '\0';
  assert_string_equal(from, want->w.bytes);
  free(page);
  free(want);
}

static grove_status to_stdout(void *user, const char *bytes, size_t n)
{
  (void)user;
  return fwrite(bytes, 1, n, stdout) == n ? GROVE_OK : GROVE_EIO;
}

// For promtool: with everything that can be told.
static int print(void)
{
  grove *g;
  long reply;
  if (grove_start(NULL, &g)) {
    return 1;
  }
  for (int i = 0; i < 300; i++) {
    grove_ref a = spawn_plan(g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .label = "\xff \"\\\n\xc3\xa4"});
    (void)!ask_and_get(g, a, job_echo, NULL, &reply, NULL);
  }
  grove_status s = grove_metrics_text(
      g, &(grove_metrics_options){GROVE_METRICS, .actors = 100}, to_stdout, NULL);
  return grove_stop(g, 20000, NULL) || s;
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {EVERYWHERE(adds_up), EVERYWHERE(is_one_moment),
      EVERYWHERE(actors_are_capped), EVERYWHERE(names_are_merged), EVERYWHERE(says_what_is_wrong),
      ON(SIM | ONE_SEED, page_lists_them)};
  if (argc == 2 && strcmp(argv[1], "--print") == 0) {
    return print();
  }
  if (argc == 2 && strcmp(argv[1], "--reference") == 0) {
    return grove__metrics_reference(to_stdout, NULL) != GROVE_OK;
  }
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
