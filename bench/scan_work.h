// What the programs of bench/scan.sh share: which columns, the shards of a folder shared out among threads, and the clock.
#ifndef GROVE_BENCH_SCAN_WORK_H
#define GROVE_BENCH_SCAN_WORK_H
#include <dirent.h>
#include <grove/parquet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SCAN_THREADS = 16 };

static const char *const scan_one[] = {"passenger_count", NULL};
static const char *const scan_six[] = {"trip_distance", "fare_amount", "tip_amount", "tolls_amount",
    "total_amount", "pickup_location_id", NULL};

typedef struct scan_work {
  /// Takes one open file, on the thread that user[i] is of. false: it failed, and said why.
  bool (*take)(void *user, const grove_source *in, grove_parquet *file, size_t columns);
  void *user[SCAN_THREADS];
  const char *const *columns; // NULL: all
  size_t n_columns, n_threads;
  char **paths;
  size_t n;
  uint64_t bytes[SCAN_THREADS]; // of the column chunks that were read, by thread
  double seconds, cpu_seconds;  // of the wall, and of the processor by all threads together
  _Atomic(size_t) next;         // relaxed: each shard is taken once, nothing else is ordered by it
  _Atomic(bool) failed;         // read after the threads are joined
} scan_work;

typedef struct scan_thread {
  scan_work *w;
  size_t i;
  pthread_t thread;
} scan_thread;

static inline double scan_clock(clockid_t clock)
{
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline int scan_by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline bool scan_list(scan_work *w, const char *folder)
{
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));) {
    size_t n = strlen(e->d_name);
    if (n > 8 && strcmp(e->d_name + n - 8, ".parquet") == 0) {
      w->paths = realloc(w->paths, (w->n + 1) * sizeof *w->paths);
      char *path = malloc(strlen(folder) + n + 2);
      if (!w->paths || !path) {
        return false;
      }
      sprintf(path, "%s/%s", folder, e->d_name);
      w->paths[w->n++] = path;
    }
  }
  if (d) {
    closedir(d);
  }
  if (w->n) {
    qsort(w->paths, w->n, sizeof *w->paths, scan_by_name);
  }
  return w->n > 0;
}

/// FOLDER one|six|all THREADS
static inline bool scan_work_open(scan_work *w, int argc, char **argv)
{
  w->n_threads = argc == 4 ? (size_t)atoi(argv[3]) : 0;
  if (w->n_threads < 1 || w->n_threads > SCAN_THREADS || !scan_list(w, argv[1])) {
    return false;
  }
  w->columns = strcmp(argv[2], "one") == 0   ? scan_one
               : strcmp(argv[2], "six") == 0 ? scan_six
                                             : NULL;
  w->n_columns = w->columns == scan_one ? 1 : w->columns == scan_six ? 6 : 18;
  return true;
}

// As they lie in the file.
static inline uint64_t scan_chunk_bytes(const grove_parquet *file, size_t columns)
{
  uint64_t bytes = 0;
  for (size_t g = 0; g < grove_parquet_groups(file); g++) {
    for (size_t c = 0; c < columns; c++) {
      grove_parquet_chunk_info info = {.struct_size = sizeof info};
      bytes += grove_parquet_chunk(file, g, c, &info, NULL) ? 0 : info.bytes;
    }
  }
  return bytes;
}

static inline bool scan_work_file(scan_work *w, size_t i, grove_store *store, const char *path)
{
  grove_source source = {.struct_size = sizeof source};
  grove_parquet *file = NULL;
  grove_error err = {0};
  grove_parquet_options o = {GROVE_PARQUET, .columns = w->columns};
  grove_status s = grove_store_source(store, path, &source, &err);
  if (s) {
    fprintf(stderr, "%s\n", err.text);
    return false;
  }
  s = grove_parquet_open(&source, &o, &file, &err);
  if (s) {
    fprintf(stderr, "%s: %s\n", path, err.text);
  }
  bool good = !s && w->take(w->user[i], &source, file, w->n_columns);
  w->bytes[i] += s ? 0 : scan_chunk_bytes(file, w->n_columns);
  grove_parquet_close(file);
  source.close(source.user);
  return good;
}

static inline void *scan_work_thread(void *user)
{
  scan_thread *t = user;
  grove_store *store = NULL;
  bool good = grove_store_open(NULL, &store, NULL) == GROVE_OK;
  while (good) {
    size_t shard = atomic_fetch_add_explicit(&t->w->next, 1, memory_order_relaxed);
    if (shard >= t->w->n) {
      break;
    }
    good = scan_work_file(t->w, t->i, store, t->w->paths[shard]);
  }
  grove_store_close(store);
  if (!good) {
    atomic_store(&t->w->failed, true);
  }
  return NULL;
}

/// Runs all shards on all threads, this one among them.
static inline bool scan_work_run(scan_work *w)
{
  scan_thread threads[SCAN_THREADS];
  double begin = scan_clock(CLOCK_MONOTONIC), cpu_begin = scan_clock(CLOCK_PROCESS_CPUTIME_ID);
  for (size_t i = 0; i < w->n_threads; i++) {
    threads[i] = (scan_thread){.w = w, .i = i};
    if (i && pthread_create(&threads[i].thread, NULL, scan_work_thread, &threads[i])) {
      return false;
    }
  }
  scan_work_thread(&threads[0]);
  for (size_t i = 1; i < w->n_threads; i++) {
    pthread_join(threads[i].thread, NULL);
  }
  w->seconds = scan_clock(CLOCK_MONOTONIC) - begin;
  w->cpu_seconds = scan_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
  return !atomic_load(&w->failed);
}
#endif
