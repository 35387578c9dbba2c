// What the tests of batch jobs share: a folder with some shards, a job over them, and what was told of it.
#ifndef GROVE_TESTS_JOB_WORLD_H
#define GROVE_TESTS_JOB_WORLD_H
#include "check.h"
#include <grove/job.h>
#include <grove/typed.h>
#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARDS = 5, GROUP = 500 };

struct world {
  grove *g;
  char folder[40];
  char paths[SHARDS][80];
  const char *shards[SHARDS];
  grove_job_result results[SHARDS];
  size_t told[SHARDS];
  // Schemes and callbacks of the tests:
  grove_store *store;
  atomic_uint fail_reads; // so many sources of "flaky:" don't open
  size_t cancel_at;       // shards that are done; SIZE_MAX: never
};

// ---- shards ---------------------------------------------------------------------------------------

GROVE_MAYBE_UNUSED static void write_shard(const char *path, int number, size_t rows)
{
  char *text = malloc(64 * rows + 64);
  size_t n = (size_t)sprintf(text, "a,b,name\n");
  for (size_t i = 0; i < rows; i++) {
    n += (size_t)sprintf(text + n, "%zu,%d,row %zu of %d\n", i, number, i, number);
  }
  grove_table *t = NULL;
  grove_store *store = NULL;
  grove_writer *out = NULL;
  check_ok(grove_csv_parse(text, n, NULL, &t, NULL));
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &out, NULL));
  grove_parquet_write_options o = {.struct_size = sizeof o, .group_rows = GROUP};
  check_ok(grove_parquet_write(t, &o, out, NULL));
  check_ok(grove_writer_close(out, 1, NULL));
  grove_store_close(store);
  grove_table_release(t);
  free(text);
}

GROVE_MAYBE_UNUSED static int set_up(void **state)
{
  struct world *w = calloc(1, sizeof *w);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &w->g));
  strcpy(w->folder, "/tmp/grove_job_XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  for (int i = 0; i < SHARDS; i++) {
    snprintf(w->paths[i], sizeof w->paths[i], "%s/in%d.parquet", w->folder, i);
    w->shards[i] = w->paths[i];
    write_shard(w->paths[i], i, (size_t)i * 800); // the first has no rows, the others up to seven groups
  }
  w->cancel_at = SIZE_MAX;
  *state = w;
  return 0;
}

GROVE_MAYBE_UNUSED static int tear_down(void **state)
{
  struct world *w = *state;
  char command[64];
  check_ok(grove_stop(w->g, 10000, NULL));
  grove_store_close(w->store);
  snprintf(command, sizeof command, "rm -r %s", w->folder);
  assert_int_equal(system(command), 0);
  free(w);
  return 0;
}

GROVE_MAYBE_UNUSED static const char *in_folder(const struct world *w, const char *name)
{
  static char path[4][120];
  static unsigned turn;
  char *p = path[turn++ % 4];
  snprintf(p, sizeof *path, "%s/%s", w->folder, name);
  return p;
}

GROVE_MAYBE_UNUSED static char *make_folder(const struct world *w, const char *name)
{
  char *path = strdup(in_folder(w, name));
  assert_int_equal(mkdir(path, 0777), 0);
  return path;
}

// ---- running --------------------------------------------------------------------------------------

GROVE_MAYBE_UNUSED static void take_result(void *user, size_t i, const grove_job_result *r)
{
  struct world *w = user;
  w->results[i] = *r;
  w->told[i]++;
}

GROVE_MAYBE_UNUSED static void note_progress(void *user, const grove_job_progress *p)
{
  struct world *w = user;
  if (p->done >= w->cancel_at) {
    w->cancel_at = 0;
  }
}

GROVE_MAYBE_UNUSED static bool is_cancelled(void *user)
{
  struct world *w = user;
  return w->cancel_at == 0;
}

// a + 1000 * b.
GROVE_MAYBE_UNUSED static grove_status add(void *user, const grove_matrix *x, double *out)
{
  (void)user;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = x->column[0][i] + 1000 * x->column[1][i];
  }
  return GROVE_OK;
}

static const char *const add_columns[] = {"a", "b", NULL};
static const char *const kept[] = {"name", "a", NULL};

GROVE_MAYBE_UNUSED static grove_job_options job_of(struct world *w)
{
  memset(w->results, 0, sizeof w->results);
  memset(w->told, 0, sizeof w->told);
  return (grove_job_options){GROVE_JOB,
      .shards = w->shards,
      .n_shards = SHARDS,
      .score = add,
      .score_columns = add_columns,
      .score_name = "a + 1000 b",
      .members = 3,
      .result = take_result,
      .progress = note_progress,
      .cancelled = is_cancelled,
      .user = w};
}

GROVE_MAYBE_UNUSED static grove_status run(struct world *w, const grove_job_options *o, grove_job_progress *end)
{
  grove_error err = {0};
  grove_job_progress own;
  grove_status s = grove_job_run(w->g, grove_borrow(NULL, 0), o, end ? end : &own, &err);
  if (s && s != GROVE_ECANCELED) {
    print_error("%s\n", err.text);
  }
  for (size_t i = 0; i < o->n_shards; i++) {
    assert_int_equal(w->told[i], 1); // each has its fate once, however the job ended
  }
  return s;
}

GROVE_MAYBE_UNUSED static double sum_of(int shard, size_t rows)
{
  return (double)rows * ((double)rows - 1) / 2 + 1000.0 * shard * (double)rows;
}

// Folders are equal: the same files with the same bytes.
GROVE_MAYBE_UNUSED static void check_same(const char *a, const char *b)
{
  char command[300];
  snprintf(command, sizeof command, "diff -r -x .grove-job %s %s", a, b);
  assert_int_equal(system(command), 0);
}

GROVE_MAYBE_UNUSED static void check_file(const char *path, bool there)
{
  struct stat st;
  assert_int_equal(stat(path, &st) == 0, there);
}

GROVE_MAYBE_UNUSED static void put_file(const char *path, const char *text)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

GROVE_MAYBE_UNUSED static size_t read_into(const char *path, char *out, size_t room)
{
  FILE *f = fopen(path, "rb");
  size_t n = f ? fread(out, 1, room, f) : 0;
  if (f) {
    fclose(f);
  }
  return n;
}

GROVE_MAYBE_UNUSED static bool says(const char *path, const char *text)
{
  char is[100] = "";
  return read_into(path, is, sizeof is - 1) == strlen(text) && !strcmp(is, text);
}

// A sink that hands on to another.
GROVE_MAYBE_UNUSED static grove_status put_on(void *user, const void *bytes, size_t n, grove_error *err)
{
  return grove_writer_put(user, bytes, n, err);
}

GROVE_MAYBE_UNUSED static grove_status close_on(void *user, int commit, grove_error *err)
{
  return grove_writer_close(user, commit, err);
}
#endif
