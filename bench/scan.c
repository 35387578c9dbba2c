// Scans a folder of shards by streams, as bench/scan.sh asks: counts, sums or takes the largest of columns, so that
// every value is looked at. Shards are shared out among threads.
// usage: scan FOLDER one|six|all THREADS
// Prints: seconds rows bytes-of-files peak-bytes checksum
#include "arrow_structs.h"
#include <dirent.h>
#include <grove/parquet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char *const one[] = {"passenger_count", NULL};
static const char *const six[] = {"trip_distance", "fare_amount", "tip_amount", "tolls_amount",
    "total_amount", "pickup_location_id", NULL};

enum work { COUNT, SUM, MOST };

typedef struct scan {
  char **paths;
  size_t n;
  const char *const *columns;
  enum work work;
  _Atomic(size_t) next; // relaxed: each shard is taken once, nothing else is ordered by it
  _Atomic(bool) failed; // read after the threads are joined
} scan;

typedef struct part {
  scan *of;
  uint64_t rows, bytes;
  double sum; // of everything: keeps the compiler and us honest
} part;

static bool is_valid(const struct ArrowArray *a, int64_t i)
{
  const uint8_t *bits = a->null_count ? a->buffers[0] : NULL;
  i += a->offset;
  return !bits || (bits[i >> 3] >> (i & 7) & 1);
}

// Sum or maximum of a column, nulls left out. Values under nulls are zeros, which a sum does not see.
// In eight lanes, so that vectors can be made of it.
#define REDUCE(type, wide)                                                                         \
  {                                                                                                \
    const type *v = (const type *)a->buffers[1] + a->offset;                                       \
    wide sum[8] = {0};                                                                             \
    type most[8] = {v[0], v[0], v[0], v[0], v[0], v[0], v[0], v[0]};                               \
    int64_t i = 0, count = 0;                                                                      \
    if (work == COUNT) {                                                                           \
      for (; i < a->length; i++) {                                                                 \
        count += v[i] >= 2;                                                                        \
      }                                                                                            \
      return (double)count;                                                                        \
    }                                                                                              \
    for (; work == SUM && i + 8 <= a->length; i += 8) {                                            \
      for (int k = 0; k < 8; k++) {                                                                \
        sum[k] += (wide)v[i + k];                                                                  \
      }                                                                                            \
    }                                                                                              \
    for (; work == MOST && !a->null_count && i + 8 <= a->length; i += 8) {                         \
      for (int k = 0; k < 8; k++) {                                                                \
        most[k] = v[i + k] > most[k] ? v[i + k] : most[k];                                         \
      }                                                                                            \
    }                                                                                              \
    for (; i < a->length; i++) {                                                                   \
      sum[0] += work == SUM ? (wide)v[i] : 0;                                                      \
      most[0] = is_valid(a, i) && v[i] > most[0] ? v[i] : most[0];                                 \
    }                                                                                              \
    for (int k = 1; k < 8; k++) {                                                                  \
      sum[0] += sum[k];                                                                            \
      most[0] = most[k] > most[0] ? most[k] : most[0];                                             \
    }                                                                                              \
    return work == SUM ? (double)sum[0] : (double)most[0];                                         \
  }

static double most_text(const struct ArrowArray *a)
{
  const int32_t *offsets = (const int32_t *)a->buffers[1] + a->offset;
  const char *data = a->buffers[2];
  const char *most = "";
  size_t most_bytes = 0;
  for (int64_t i = 0; i < a->length; i++) {
    size_t n = (size_t)(offsets[i + 1] - offsets[i]);
    const char *text = data + offsets[i];
    if (n && most_bytes && text[0] < most[0]) { // mostly decided by the first letter
      continue;
    }
    size_t common = n < most_bytes ? n : most_bytes;
    int order = common ? memcmp(text, most, common) : 0;
    if (order > 0 || (order == 0 && n > most_bytes)) {
      most = text;
      most_bytes = n;
    }
  }
  return most_bytes ? most[0] : 0;
}

static double reduce(const struct ArrowArray *a, const char *format, enum work work)
{
  if (!a->length) {
    return 0;
  }
  switch (format[0]) {
  case 'c': REDUCE(int8_t, int64_t)
  case 'i': REDUCE(int32_t, int64_t)
  case 'l':
  case 't': REDUCE(int64_t, int64_t)
  case 'f': REDUCE(float, double)
  case 'g': REDUCE(double, double)
  default: return most_text(a);
  }
}

static bool take_batches(part *p, struct ArrowArrayStream *in)
{
  struct ArrowSchema schema;
  struct ArrowArray batch;
  if (in->get_schema(in, &schema)) {
    return false;
  }
  int code;
  while ((code = in->get_next(in, &batch)) == 0 && batch.release) {
    for (int64_t i = 0; i < batch.n_children; i++) {
      p->sum += reduce(batch.children[i], schema.children[i]->format, p->of->work);
    }
    p->rows += (uint64_t)batch.length;
    batch.release(&batch);
  }
  if (code) {
    fprintf(stderr, "scan: %s\n", in->get_last_error(in));
  }
  schema.release(&schema);
  return code == 0;
}

static bool scan_file(part *p, grove_store *store, const char *path)
{
  grove_source source = {.struct_size = sizeof source};
  grove_parquet *file = NULL;
  struct ArrowArrayStream in;
  grove_error err = {0};
  grove_parquet_options o = {GROVE_PARQUET, .columns = p->of->columns};
  grove_status s = grove_store_source(store, path, &source, &err);
  if (s) {
    fprintf(stderr, "scan: %s\n", err.text);
    return false;
  }
  s = grove_parquet_open(&source, &o, &file, &err);
  if (!s) {
    s = grove_parquet_stream(file, 0, 0, &in, &err);
  }
  bool good = !s;
  if (s) {
    fprintf(stderr, "scan: %s: %s\n", path, err.text);
  } else {
    good = take_batches(p, &in);
    in.release(&in);
  }
  p->bytes += source.bytes;
  grove_parquet_close(file);
  source.close(source.user);
  return good;
}

static void *run(void *user)
{
  part *p = user;
  grove_store *store = NULL;
  bool good = grove_store_open(NULL, &store, NULL) == GROVE_OK;
  for (size_t i; good;) {
    i = atomic_fetch_add_explicit(&p->of->next, 1, memory_order_relaxed);
    if (i >= p->of->n) {
      break;
    }
    good = scan_file(p, store, p->of->paths[i]);
  }
  grove_store_close(store);
  if (!good) {
    atomic_store(&p->of->failed, true);
  }
  return NULL;
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list(scan *s, const char *folder)
{
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));) {
    size_t n = strlen(e->d_name);
    if (n > 8 && strcmp(e->d_name + n - 8, ".parquet") == 0) {
      s->paths = realloc(s->paths, (s->n + 1) * sizeof *s->paths);
      char *path = malloc(strlen(folder) + n + 2);
      if (!s->paths || !path) {
        return false;
      }
      sprintf(path, "%s/%s", folder, e->d_name);
      s->paths[s->n++] = path;
    }
  }
  if (d) {
    closedir(d);
  }
  if (s->n) {
    qsort(s->paths, s->n, sizeof *s->paths, by_name);
  }
  return s->n > 0;
}

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
  scan s = {.work = MOST};
  part parts[16] = {0};
  pthread_t threads[16];
  size_t n = argc == 4 ? (size_t)atoi(argv[3]) : 0;
  if (n < 1 || n > 16 || !list(&s, argv[1])) {
    fprintf(stderr, "usage: scan FOLDER one|six|all THREADS\n");
    return 2;
  }
  if (strcmp(argv[2], "one") == 0) {
    s.columns = one;
    s.work = COUNT;
  } else if (strcmp(argv[2], "six") == 0) {
    s.columns = six;
    s.work = SUM;
  }
  double begin = seconds();
  for (size_t i = 0; i < n; i++) {
    parts[i].of = &s;
    if (i && pthread_create(&threads[i], NULL, run, &parts[i])) {
      return 1;
    }
  }
  run(&parts[0]);
  for (size_t i = 1; i < n; i++) {
    pthread_join(threads[i], NULL);
    parts[0].rows += parts[i].rows;
    parts[0].bytes += parts[i].bytes;
    parts[0].sum += parts[i].sum;
  }
  double took = seconds() - begin;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%.6f %llu %llu %llu %.17g\n", took, (unsigned long long)parts[0].rows,
      (unsigned long long)parts[0].bytes, (unsigned long long)usage.ru_maxrss * 1024, parts[0].sum);
  return atomic_load(&s.failed) ? 1 : 0;
}
