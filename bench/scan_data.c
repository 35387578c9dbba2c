// Writes a shard of made-up taxi rows by grove's own writer, for bench/scan.sh.
// usage: scan_data FILE.parquet MONTH ROWS snappy|zstd|nulls
// 18 columns in the shapes of the real months: dictionaries of a few texts, sorted instants, skewed places, money in
// half dollars, a column of one value, and in month 1 a hundredth of the last column null. "nulls": by snappy, and a twentieth,
// a tenth or half of each column null, at random.
#include "arrow_structs.h"
#include <grove/parquet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 18 };

typedef struct made {
  const char *name, *format;
  size_t width; // 0: texts of one of `texts`
  const void *buffers[3];
  int64_t nulls;
} made;

static uint64_t state;

static uint64_t next_random(void)
{
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static double unit(void)
{
  return (double)(next_random() >> 11) * 0x1p-53;
}

static double normal(void)
{
  return sqrt(-2 * log(1 - unit())) * cos(6.283185307179586 * unit());
}

static void *room(size_t n, size_t each)
{
  void *p = calloc(n + 1, each);
  if (!p) {
    fprintf(stderr, "scan_data: no memory\n");
    exit(1);
  }
  return p;
}

// Which of the weights (they sum to 1) a random number falls to.
static size_t pick(const double *weights, size_t n)
{
  double u = unit();
  for (size_t i = 0; i + 1 < n; i++) {
    if ((u -= weights[i]) < 0) {
      return i;
    }
  }
  return n - 1;
}

static made texts_column(
    const char *name, size_t rows, const char *const *texts, const double *weights, size_t n)
{
  int32_t *offsets = room(rows + 1, sizeof *offsets);
  char *data = room(rows * 2, 1);
  for (size_t i = 0; i < rows; i++) {
    const char *text = texts[pick(weights, n)];
    size_t bytes = strlen(text);
    memcpy(data + offsets[i], text, bytes);
    offsets[i + 1] = offsets[i] + (int32_t)bytes;
  }
  return (made){name, "u", 0, {NULL, offsets, data}, 0};
}

static made floats_column(
    const char *name, size_t rows, const float *values, const double *weights, size_t n)
{
  float *out = room(rows, sizeof *out);
  for (size_t i = 0; i < rows; i++) {
    out[i] = values[pick(weights, n)];
  }
  return (made){name, "f", 4, {NULL, out, NULL}, 0};
}

// Zones by a long-tailed law, of 265.
static made zones_column(const char *name, size_t rows, double shape)
{
  int32_t *out = room(rows, sizeof *out);
  for (size_t i = 0; i < rows; i++) {
    double u = pow(unit(), shape) * 265;
    out[i] = 1 + (int32_t)(((uint64_t)u * 101) % 265);
  }
  return (made){name, "i", 4, {NULL, out, NULL}, 0};
}

static int compare_instants(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

// Distances, times and money hang together.
static void trips(made *c, size_t rows, int month)
{
  int64_t *begin = room(rows, 8), *end = room(rows, 8);
  float *distance = room(rows, 4), *fare = room(rows, 4);
  for (size_t i = 0; i < rows; i++) {
    begin[i] = (int64_t)(unit() * 31 * 86400);
  }
  qsort(begin, rows, sizeof *begin, compare_instants);
  for (size_t i = 0; i < rows; i++) {
    begin[i] += (int64_t)(unit() * 3600) - 1800 + 1546300800 + (int64_t)month * 2678400;
    distance[i] = (float)(round(exp(0.55 + 0.85 * normal()) * 100) / 100);
    int64_t seconds = (int64_t)((double)distance[i] * exp(5.5 + 0.35 * normal()) + 60);
    end[i] = begin[i] + seconds;
    fare[i] = (float)(round((2.5 + (double)distance[i] * 2.5 + (double)seconds / 120) * 2) / 2);
    begin[i] *= 1000000;
    end[i] *= 1000000;
  }
  c[1] = (made){"pickup_at", "tsu:", 8, {NULL, begin, NULL}, 0};
  c[2] = (made){"dropoff_at", "tsu:", 8, {NULL, end, NULL}, 0};
  c[4] = (made){"trip_distance", "f", 4, {NULL, distance, NULL}, 0};
  c[10] = (made){"fare_amount", "f", 4, {NULL, fare, NULL}, 0};
}

static void tips_and_total(made *c, size_t rows)
{
  static const double shares[] = {0, .15, .2, .25, .18}, weights[] = {.1, .2, .45, .15, .1};
  const float *fare = c[10].buffers[1];
  const char *paid = c[9].buffers[2];
  float *tip = room(rows, 4), *total = room(rows, 4);
  for (size_t i = 0; i < rows; i++) {
    double share = shares[pick(weights, 5)];
    tip[i] = paid[i] == '1' ? (float)(round((double)fare[i] * share * 100) / 100) : 0;
    total[i] = fare[i] + tip[i];
    for (size_t k = 11; k < COLUMNS; k++) {
      total[i] += k == 13 || k == 16 ? 0 : ((const float *)c[k].buffers[1])[i];
    }
  }
  c[13] = (made){"tip_amount", "f", 4, {NULL, tip, NULL}, 0};
  c[16] = (made){"total_amount", "f", 4, {NULL, total, NULL}, 0};
}

static void some_nulls(made *c, size_t rows, double part)
{
  uint8_t *valid = room(rows / 8 + 1, 1);
  for (size_t i = 0; i < rows; i++) {
    bool there = unit() >= part;
    valid[i / 8] = (uint8_t)(valid[i / 8] | there << (i % 8));
    c->nulls += !there;
  }
  c->buffers[0] = valid;
}

static void make_columns(made *c, size_t rows, int month, bool nulls)
{
  static const double parts[] = {.05, .1, .5};
  static const char *const vendors[] = {"1", "2", "4"}, *const flags[] = {"N", "Y"},
                           *const rates[] = {"1", "2", "3", "4", "5", "6", "99"},
                           *const payments[] = {"1", "2", "3", "4"};
  static const double passengers[] = {
      .018, .70, .15, .043, .02, .042, .0269, .00005, .00003, .00002};
  int8_t *count = room(rows, 1);
  trips(c, rows, month);
  c[0] = texts_column("vendor_id", rows, vendors, (const double[]){.36, .63, .01}, 3);
  for (size_t i = 0; i < rows; i++) {
    count[i] = (int8_t)pick(passengers, 10);
  }
  c[3] = (made){"passenger_count", "c", 1, {NULL, count, NULL}, 0};
  c[5] = texts_column(
      "rate_code_id", rows, rates, (const double[]){.97, .021, .002, .001, .0055, .0004, .0001}, 7);
  c[6] = texts_column("store_and_fwd_flag", rows, flags, (const double[]){.995, .005}, 2);
  c[7] = zones_column("pickup_location_id", rows, 2.6);
  c[8] = zones_column("dropoff_location_id", rows, 1.9);
  c[9] = texts_column("payment_type", rows, payments, (const double[]){.72, .27, .007, .003}, 4);
  c[11] = floats_column("extra", rows, (const float[]){0, .5f, 1, 2.5f, 3, 3.5f},
      (const double[]){.3, .25, .15, .2, .05, .05}, 6);
  c[12] = floats_column(
      "mta_tax", rows, (const float[]){.5f, 0, -.5f}, (const double[]){.993, .005, .002}, 3);
  c[14] =
      floats_column("tolls_amount", rows, (const float[]){0, 6.12f}, (const double[]){.95, .05}, 2);
  c[15] =
      floats_column("improvement_surcharge", rows, (const float[]){.3f}, (const double[]){1}, 1);
  c[17] = floats_column(
      "congestion_surcharge", rows, (const float[]){2.5f, 0}, (const double[]){.9, .1}, 2);
  tips_and_total(c, rows);
  for (size_t i = 0; nulls && i < COLUMNS; i++) {
    some_nulls(&c[i], rows, parts[i % 3]);
  }
  if (month == 1 && !nulls) {
    some_nulls(&c[17], rows, .01);
  }
}

static void drop_array(struct ArrowArray *a)
{
  a->release = NULL; // the process ends soon
}

static void drop_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

static grove_status import(made *c, size_t rows, grove_table **out, grove_error *err)
{
  static struct ArrowArray arrays[COLUMNS], *array_list[COLUMNS];
  static struct ArrowSchema schemas[COLUMNS], *schema_list[COLUMNS];
  static const void *none[1];
  for (size_t i = 0; i < COLUMNS; i++) {
    arrays[i] = (struct ArrowArray){.length = (int64_t)rows,
        .null_count = c[i].nulls,
        .n_buffers = c[i].width ? 2 : 3,
        .buffers = c[i].buffers,
        .release = drop_array};
    schemas[i] = (struct ArrowSchema){.format = c[i].format,
        .name = c[i].name,
        .flags = ARROW_FLAG_NULLABLE,
        .release = drop_schema};
    array_list[i] = &arrays[i];
    schema_list[i] = &schemas[i];
  }
  struct ArrowArray whole = {.length = (int64_t)rows,
      .n_buffers = 1,
      .n_children = COLUMNS,
      .buffers = none,
      .children = array_list,
      .release = drop_array};
  struct ArrowSchema schema = {.format = "+s",
      .name = "",
      .n_children = COLUMNS,
      .children = schema_list,
      .release = drop_schema};
  return grove_table_import(&whole, &schema, out, err);
}

static grove_status write_file(
    const grove_table *t, const char *path, const char *codec, grove_error *err)
{
  grove_store *store = NULL;
  grove_writer *w = NULL;
  grove_parquet_write_options o = {.struct_size = sizeof o,
      .codec = strcmp(codec, "zstd") == 0 ? GROVE_CODEC_ZSTD : GROVE_CODEC_SNAPPY};
  grove_status s = grove_store_open(NULL, &store, err);
  if (!s) {
    s = grove_store_write(store, path, &w, err);
  }
  if (!s) {
    s = grove_parquet_write(t, &o, w, err);
    grove_status closed = grove_writer_close(w, !s, s ? NULL : err);
    s = s ? s : closed;
  }
  grove_store_close(store);
  return s;
}

int main(int argc, char **argv)
{
  grove_error err = {0};
  grove_table *t = NULL;
  made columns[COLUMNS];
  if (argc != 5 || atoi(argv[2]) < 1 || atol(argv[3]) < 1) {
    fprintf(stderr, "usage: scan_data FILE.parquet MONTH ROWS snappy|zstd|nulls\n");
    return 2;
  }
  state = 1000 + (uint64_t)atoi(argv[2]);
  size_t rows = (size_t)atol(argv[3]);
  make_columns(columns, rows, atoi(argv[2]), strcmp(argv[4], "nulls") == 0);
  if (import(columns, rows, &t, &err) || write_file(t, argv[1], argv[4], &err)) {
    fprintf(stderr, "scan_data: %s\n", err.text);
    return 1;
  }
  grove_table_release(t);
  return 0;
}
