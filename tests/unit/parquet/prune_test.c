// Rules: what is left out must not match, whatever the data; and what can be left out is.
#include "columnar/rule.h"
#include "parquet/xxhash.h"
#include "nested_table.h"
#include <math.h>

enum { ROWS = 9000 };

// "x" ascends with some nulls, "f" wanders with NaNs and nulls, "b" is true in a stretch, "n" is never null, "row" counts.
static grove_table *make_table(uint64_t seed)
{
  static const char *const names[] = {"x", "f", "b", "n", "row"};
  static const char *const formats[] = {"l", "f", "b", "I", "l"};
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column c[5];
  grove_table *t = NULL;
  grove_error err;
  memset(c, 0, sizeof c);
  for (size_t i = 0; i < 5; i++) {
    c[i].name = names[i];
    c[i].format = formats[i];
    c[i].values_bytes = ROWS * 8;
    c[i].values = grove__alloc_zero(a, ROWS * 8);
    if (i < 3) {
      c[i].validity_bytes = ROWS / 8 + 1;
      c[i].validity = grove__alloc_zero(a, ROWS / 8 + 1);
    }
  }
  float at = 0;
  for (size_t i = 0; i < ROWS; i++) {
    ((int64_t *)c[0].values)[i] = (int64_t)(i * 3 + grove__random_below(&seed, 40)) - 4000;
    at += (float)(grove__random_unit(&seed) - 0.5);
    ((float *)c[1].values)[i] = grove__random_below(&seed, 30) ? at : (float)NAN;
    ((uint32_t *)c[3].values)[i] = 0xfffffff0u - (uint32_t)(i / 1000);
    ((int64_t *)c[4].values)[i] = (int64_t)i;
    if (i > 3000 && i < 4200) {
      grove__bit_set(c[2].values, (int64_t)i);
    }
    for (size_t k = 0; k < 3; k++) {
      bool stretch = k == 0 && i >= 6000 && i < 7000; // whole pages of nulls
      if (!stretch && grove__random_below(&seed, 50)) {
        grove__bit_set(c[k].validity, (int64_t)i);
      } else {
        c[k].nulls++;
      }
    }
  }
  check_ok_err(grove__table_build(a, c, 5, ROWS, &t, &err), &err);
  return t;
}

// Sum over the rows that match of row number + 1, and how many they are.
typedef struct matching {
  uint64_t sum, count, rows;
} matching;

static void match(const grove_table *t, const grove__rule *r, matching *m)
{
  size_t n = grove_table_rows(t), row = 0;
  double *values[4], *ids = malloc(n * sizeof *ids + 1), *out = malloc(n * sizeof *out + 1);
  unsigned char *scratch = malloc(n + 1);
  grove_error err;
  for (size_t c = 0; c < r->count; c++) {
    size_t at;
    values[c] = malloc(n * sizeof(double) + 1);
    check_ok_err(grove_table_find(t, r->columns[c], &at, &err), &err);
    check_ok_err(grove_table_doubles(t, at, 0, n, values[c], &err), &err);
  }
  check_ok_err(grove_table_find(t, "row", &row, &err), &err);
  check_ok_err(grove_table_doubles(t, row, 0, n, ids, &err), &err);
  grove__rule_apply(r, (const double *const *)values, n, scratch, out);
  for (size_t i = 0; i < n; i++) {
    m->count += out[i] != 0;
    m->sum += out[i] != 0 ? (uint64_t)ids[i] + 1 : 0;
  }
  m->rows += n;
  for (size_t c = 0; c < r->count; c++) {
    free(values[c]);
  }
  free(ids);
  free(out);
  free(scratch);
}

typedef struct counted {
  bytes file;
  uint64_t read;
} counted;

static grove_status count_reads(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  counted *c = user;
  (void)err;
  assert_true(offset + n <= c->file.n);
  memcpy(out, c->file.p + offset, n);
  c->read += n;
  return GROVE_OK;
}

static matching stream_rule(counted *file, const char *rule, const grove__rule *r, uint32_t batch)
{
  grove_source source = {sizeof source, file->file.n, file, count_reads, NULL};
  grove_parquet_options o = {GROVE_PARQUET, .rule = rule, .batch_rows = batch};
  grove_parquet *p = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray rows;
  struct ArrowSchema schema;
  grove_error err;
  matching m = {0, 0, 0};
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_ok_err(grove_parquet_stream(p, 0, 0, &in, &err), &err);
  while (in.get_next(&in, &rows) == 0 && rows.release) {
    grove_table *t = NULL;
    assert_int_equal(in.get_schema(&in, &schema), 0);
    check_ok_err(grove_table_import(&rows, &schema, &t, &err), &err);
    match(t, r, &m);
    grove_table_release(t);
  }
  assert_null(in.get_last_error(&in));
  in.release(&in);
  grove_parquet_close(p);
  return m;
}

static matching read_rule(counted *file, const char *rule, const grove__rule *r)
{
  grove_source source = {sizeof source, file->file.n, file, count_reads, NULL};
  grove_parquet_options o = {GROVE_PARQUET, .rule = rule};
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  grove_error err;
  matching m = {0, 0, 0};
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  match(t, r, &m);
  grove_table_release(t);
  grove_parquet_close(p);
  return m;
}

static const char *const rules[] = {"x < -3900", "x <= -4000", "x > 20000",
    "x >= 5000 and x < 5100", "x == 777", "x != 777", "x == 777.5", "x is null", "x is not null",
    "f > 20", "f < -10 or x > 22000", "f is null", "f is not null", "f != 0", "b == 1",
    "b > 0 and x < 6000", "b is null and f > 5", "n == 4294967280",
    "n < 4294967280 and n >= 4294967275", "n > 1e12", "n is null", "row >= 8999",
    "x > 22000 or row < 10 or f > 1e9", "x < 1e300", "row == 4097 and b is not null"};

static void nothing_that_matches_is_lost(void **state)
{
  static const char *const bloom[] = {"x", "f", "n", "row", NULL};
  (void)state;
  static const grove_parquet_write_options forms[] = {
      {.struct_size = sizeof forms[0], .group_rows = 2500, .page_rows = 300},
      {.struct_size = sizeof forms[0], .group_rows = ROWS, .page_rows = 117},
      {.struct_size = sizeof forms[0], .group_rows = 1000, .no_page_index = 1},
      {.struct_size = sizeof forms[0], .group_rows = 4000, .page_rows = 500, .no_statistics = 1},
      {.struct_size = sizeof forms[0],
          .group_rows = 4000,
          .page_rows = 333,
          .no_dictionary = 1,
          .codec = GROVE_CODEC_ZSTD},
      {.struct_size = sizeof forms[0],
          .group_rows = 700,
          .page_version = 2,
          .no_statistics = 1,
          .bloom = bloom}};
  for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
    grove_table *t = make_table(form);
    counted file = {write_table(t, &forms[form]), 0};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
      grove__rule *r = NULL;
      grove_error err;
      matching want = {0, 0, 0};
      check_ok_err(grove__rule_parse(rules[i], &r, &err), &err);
      match(t, r, &want);
      for (uint32_t batch = 50; batch < 20000; batch *= 9) {
        matching got = stream_rule(&file, rules[i], r, batch);
        if (got.count != want.count || got.sum != want.sum) {
          fail_msg("form %zu, rule %s, batches of %u: %llu rows match, should be %llu", form,
              rules[i], batch, (unsigned long long)got.count, (unsigned long long)want.count);
        }
      }
      matching got = read_rule(&file, rules[i], r);
      assert_int_equal(got.count, want.count);
      assert_int_equal(got.sum, want.sum);
      grove__rule_destroy(r);
    }
    grove_table_release(t);
    free(file.file.p);
  }
}

// Rows that come out, and bytes that are read, of a rule that few rows match.
static void what_can_be_left_out_is(void **state)
{
  (void)state;
  grove_table *t = make_table(9);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .group_rows = ROWS / 3, .page_rows = 100, .codec = GROVE_CODEC_NONE};
  counted file = {write_table(t, &o), 0};
  grove__rule *r = NULL;
  check_ok(grove__rule_parse("x >= 7000 and x < 7100", &r, NULL));
  matching m = stream_rule(&file, "x >= 7000 and x < 7100", r, 100);
  assert_true(m.rows > 0 && m.rows <= 300); // of batches of 100 rows, those that match
  m = read_rule(&file, "x >= 7000 and x < 7100", r);
  assert_int_equal(m.rows, ROWS / 3); // one group of three
  grove__rule_destroy(r);
  check_ok(grove__rule_parse("x > 1e9", &r, NULL));
  file.read = 0;
  m = stream_rule(&file, "x > 1e9", r, 100);
  assert_int_equal(m.rows, 0);
  assert_true(file.read <= 65536); // the footer alone
  m = read_rule(&file, "x > 1e9", r);
  assert_int_equal(m.rows, 0);
  grove__rule_destroy(r);
  grove_table_release(t);
  free(file.file.p);
}

// A thousand times as many pages as the budget has room for the index of: it is left aside, and the rows come.
static void an_index_that_is_too_large(void **state)
{
  (void)state;
  grove_table *t = make_table(4);
  grove_parquet_write_options wo = {.struct_size = sizeof wo, .group_rows = ROWS, .page_rows = 1, .no_crc = 1};
  counted file = {write_table(t, &wo), 0};
  const char *const columns[] = {"row", NULL};
  grove_source source = {sizeof source, file.file.n, &file, count_reads, NULL};
  grove_parquet_options o = {GROVE_PARQUET, .rule = "row >= 0", .columns = columns, .memory_bytes = 4000000};
  // The footer and a window fit in less; the index of nine thousand pages does not.
  const uint64_t budgets[] = {400000, 700000, 4000000};
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
    grove_parquet *p = NULL;
    struct ArrowArrayStream in;
    struct ArrowArray rows;
    grove_error err;
    int64_t n = 0;
    o.memory_bytes = budgets[i];
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    check_ok_err(grove_parquet_stream(p, 0, 0, &in, &err), &err);
    int code;
    while ((code = in.get_next(&in, &rows)) == 0 && rows.release) {
      n += rows.length;
      rows.release(&rows);
    }
    if (code) {
      fail_msg("%llu bytes: %s", (unsigned long long)budgets[i], in.get_last_error(&in));
    }
    assert_int_equal(n, ROWS);
    in.release(&in);
    grove_parquet_close(p);
  }
  grove_table_release(t);
  free(file.file.p);
}

// Numbers that are nowhere, between the bounds of a group: by its filters hardly a group is read.
static void filters_leave_groups_out(void **state)
{
  static const char *const bloom[] = {"x", NULL};
  uint64_t rows = 0, asked = 0;
  (void)state;
  grove_table *t = make_table(4);
  grove_parquet_write_options o = {.struct_size = sizeof o, .group_rows = 1000, .bloom = bloom};
  counted file = {write_table(t, &o), 0};
  double *x = malloc(ROWS * sizeof *x);
  assert_non_null(x);
  check_ok(grove_table_doubles(t, 0, 0, ROWS, x, NULL));
  for (int value = -3900; value < 20000 && asked < 200; value += 37) {
    char text[40];
    grove__rule *r = NULL;
    size_t i = 0;
    while (i < ROWS && x[i] != value) {
      i++;
    }
    if (i < ROWS) {
      continue;
    }
    snprintf(text, sizeof text, "x == %d", value);
    check_ok(grove__rule_parse(text, &r, NULL));
    rows += read_rule(&file, text, r).rows;
    asked++;
    grove__rule_destroy(r);
  }
  assert_true(asked > 100);
  assert_true(rows <= asked * 1000 / 20); // one in a hundred groups is read for nothing; without filters, each one
  free(x);
  grove_table_release(t);
  free(file.file.p);
}

static void hashes_are_xxhash64(void **state)
{
  static const struct {
    const char *text;
    uint64_t hash;
  } known[] = {{"", 0xef46db3751d8e999u}, {"a", 0xd24ec4f1a98c6e5bu}, {"abc", 0x44bc2cf5ad770999u},
      {"Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1u}};
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    assert_int_equal(
        grove__xxhash((const uint8_t *)known[i].text, strlen(known[i].text)), known[i].hash);
  }
}

// A filter that another writer made of four words, in its file with nothing else: they are in it, others are not.
static void a_filter_of_others(void **state)
{
  static const char *const words[] = {"hello", "parquet", "bloom", "filter"};
  (void)state;
  bytes file = load_file(GROVE_DATA_DIR "/parquet-testing/data/bloom_filter.xxhash.bin");
  if (!file.p) {
    print_message("skipped, not there: bloom_filter.xxhash.bin\n");
    return;
  }
  enum { HEAD = 16, BLOCK = 32 };
  uint32_t blocks = (uint32_t)(file.n - HEAD) / BLOCK;
  size_t kept = 0;
  for (size_t i = 0; i < 204; i++) {
    char other[32];
    snprintf(other, sizeof other, "not there %zu", i);
    const char *word = i < 4 ? words[i] : other;
    uint64_t h = grove__xxhash((const uint8_t *)word, strlen(word));
    const uint8_t *block = file.p + HEAD + BLOCK * grove__bloom_block(h, blocks);
    bool has = true;
    for (size_t k = 0; k < 8; k++) {
      uint32_t bits;
      memcpy(&bits, block + 4 * k, 4);
      has = has && (bits & grove__bloom_bit(h, k));
    }
    assert_true(i >= 4 || has);
    kept += i >= 4 && has;
  }
  assert_true(kept < 3);
  free(file.p);
}

// The head of a filter says half of its size, so that other blocks would be asked: the footer says the whole, and the
// filter is left aside.
static void a_filter_that_is_cut(void **state)
{
  static const char *const bloom[] = {"row", NULL};
  static const uint8_t head[] = {0x15, 0x80, 0x02, 0x1c}; // 128 bytes
  (void)state;
  grove_table *t = table_of_specs(bloom, 0, 100, 0, 1, 1, true);
  const grove_parquet_write_options o = {
      .struct_size = sizeof o, .bloom = bloom, .no_statistics = 1, .no_page_index = 1};
  bytes file = write_table(t, &o);
  size_t at = 0;
  while (at < file.n - sizeof head && memcmp(file.p + at, head, sizeof head) != 0) {
    at++;
  }
  assert_true(at < file.n - sizeof head);
  for (int cut = 0; cut < 2; cut++) {
    file.p[at + 2] = (uint8_t)(2 - cut); // 64
    for (int i = 0; i < 100; i++) {
      char rule[40];
      grove_source source;
      grove_parquet *p = NULL;
      grove_table *got = NULL;
      snprintf(rule, sizeof rule, "row == %d", i);
      const grove_parquet_options ro = {GROVE_PARQUET, .rule = rule};
      grove_source_of_memory(file.p, file.n, &source);
      check_ok(grove_parquet_open(&source, &ro, &p, NULL));
      check_ok(grove_parquet_read(p, 0, 0, &got, NULL));
      assert_int_equal(grove_table_rows(got), 100);
      grove_table_release(got);
      grove_parquet_close(p);
    }
  }
  free(file.p);
  grove_table_release(t);
}

// A page index that is damaged in any byte prunes less or nothing: what it says is believed only where it adds up.
static void damaged_indexes(void **state)
{
  (void)state;
  grove_table *t = make_table(3);
  grove_parquet_write_options o = {.struct_size = sizeof o, .group_rows = ROWS, .page_rows = 900};
  counted file = {write_table(t, &o), 0};
  grove__rule *r = NULL;
  check_ok(grove__rule_parse("row >= 8999", &r, NULL));
  uint64_t seed = 1;
  for (int i = 0; i < 400; i++) {
    // The indexes lie before the footer, behind the last pages.
    size_t at = file.file.n - 1500 + grove__random_below(&seed, 1200);
    uint8_t old = file.file.p[at];
    file.file.p[at] = (uint8_t)grove__random_next(&seed);
    grove_source source = {sizeof source, file.file.n, &file, count_reads, NULL};
    grove_parquet_options ro = {GROVE_PARQUET, .rule = "row >= 8999"};
    grove_parquet *p = NULL;
    struct ArrowArrayStream in;
    struct ArrowArray rows;
    if (!grove_parquet_open(&source, &ro, &p, NULL) && !grove_parquet_stream(p, 0, 0, &in, NULL)) {
      while (in.get_next(&in, &rows) == 0 && rows.release) {
        rows.release(&rows);
      }
      in.release(&in);
    }
    grove_parquet_close(p);
    file.file.p[at] = old;
  }
  grove__rule_destroy(r);
  grove_table_release(t);
  free(file.file.p);
}

// An index that says of its pages that all is null, of a column that can't be: by a writer that was told no statistics.
static void an_index_that_can_not_be_is_not_believed(void **state)
{
  (void)state;
  bytes file = load_file(GROVE_DATA_DIR "/parquet-testing/data/datapage_v1-uncompressed-checksum.parquet");
  if (!file.p) {
    print_message("skipped, not there: datapage_v1-uncompressed-checksum.parquet\n");
    return;
  }
  static const char *const all[] = {"a is not null", "a >= -3000000000"};
  for (size_t i = 0; i < 2; i++) {
    grove_source in;
    grove_parquet *p = NULL;
    grove_table *t = NULL;
    grove_error err = {0};
    struct ArrowArrayStream s;
    grove_parquet_options o = {GROVE_PARQUET, .rule = all[i]};
    grove_source_of_memory(file.p, file.n, &in);
    check_ok_err(grove_parquet_open(&in, &o, &p, &err), &err);
    check_ok_err(grove_parquet_stream(p, 0, 0, &s, &err), &err);
    check_ok_err(grove_table_import_stream(&s, 0, &t, &err), &err);
    assert_int_equal(grove_table_rows(t), 5120);
    grove_table_release(t);
    s.release(&s);
    grove_parquet_close(p);
  }
  free(file.p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_that_matches_is_lost),
      cmocka_unit_test(what_can_be_left_out_is),
      cmocka_unit_test(an_index_that_is_too_large),
      cmocka_unit_test(filters_leave_groups_out),
      cmocka_unit_test(hashes_are_xxhash64),
      cmocka_unit_test(a_filter_of_others),
      cmocka_unit_test(a_filter_that_is_cut),
      cmocka_unit_test(an_index_that_can_not_be_is_not_believed),
      cmocka_unit_test(damaged_indexes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
