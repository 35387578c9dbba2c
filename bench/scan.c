// Scans a folder of shards by streams, as bench/scan.sh asks: counts, sums or takes the largest of columns, so that
// every value is looked at. Shards are shared out among threads.
// usage: scan FOLDER one|six|all THREADS
// Prints: seconds cpu-seconds rows bytes-of-chunks peak-bytes checksum
#include "arrow_structs.h"
#include "scan_work.h"
#include <sys/resource.h>

enum work { COUNT, SUM, MOST };

typedef struct part {
  enum work work;
  uint64_t rows;
  double sum; // of everything: keeps the compiler and us honest
} part;

static bool is_valid(const struct ArrowArray *a, int64_t i)
{
  const uint8_t *bits = a->null_count ? a->buffers[0] : NULL;
  i += a->offset;
  return !bits || (bits[i >> 3] >> (i & 7) & 1);
}

// Sum or maximum of a column, nulls left out. Values under nulls are zeros, which a sum does not see, nor a maximum: no
// column has values below zero alone.
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
    for (; work == MOST && i + 8 <= a->length; i += 8) {                                           \
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
  const unsigned char *data = a->buffers[2], *most = data;
  size_t most_bytes = 0;
  unsigned first = 0; // letter of the largest so far, which decides mostly
  for (int64_t i = 0; i < a->length; i++) {
    int32_t from = offsets[i], end = offsets[i + 1];
    if (end > from && data[from] < first) {
      continue;
    }
    size_t n = (size_t)(end - from), common = n < most_bytes ? n : most_bytes;
    int order = common ? memcmp(data + from, most, common) : 0;
    if (order > 0 || (order == 0 && n > most_bytes)) {
      most = data + from;
      most_bytes = n;
      first = most[0];
    }
  }
  return first;
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
      p->sum += reduce(batch.children[i], schema.children[i]->format, p->work);
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

static bool take_file(void *user, const grove_source *in, grove_parquet *file, size_t columns)
{
  struct ArrowArrayStream stream;
  grove_error err = {0};
  (void)in, (void)columns;
  if (grove_parquet_stream(file, 0, 0, &stream, &err)) {
    fprintf(stderr, "scan: %s\n", err.text);
    return false;
  }
  bool good = take_batches(user, &stream);
  stream.release(&stream);
  return good;
}

int main(int argc, char **argv)
{
  scan_work w = {.take = take_file};
  part parts[SCAN_THREADS] = {0};
  struct rusage usage;
  if (!scan_work_open(&w, argc, argv)) {
    fprintf(stderr, "usage: scan FOLDER one|six|all THREADS\n");
    return 2;
  }
  for (size_t i = 0; i < SCAN_THREADS; i++) {
    parts[i].work = w.columns == scan_one ? COUNT : w.columns == scan_six ? SUM : MOST;
    w.user[i] = &parts[i];
  }
  bool good = scan_work_run(&w);
  for (size_t i = 1; i < SCAN_THREADS; i++) {
    parts[0].rows += parts[i].rows;
    parts[0].sum += parts[i].sum;
    w.bytes[0] += w.bytes[i];
  }
  getrusage(RUSAGE_SELF, &usage);
  printf("%.6f %.6f %llu %llu %llu %.17g\n", w.seconds, w.cpu_seconds,
      (unsigned long long)parts[0].rows, (unsigned long long)w.bytes[0],
      (unsigned long long)usage.ru_maxrss * 1024, parts[0].sum);
  return good ? 0 : 1;
}
