// Rules on columns that are given out in another unit than the file's: judged by what is given out, and nothing that
// matches is left out by statistics, page indexes or filters, which have the file's unit.
#include "columnar/rule.h"
#include "parquet_fixture.h"
#include <math.h>

enum { ROWS = 3000 };

typedef struct pair {
  const char *from, *to;
  int64_t start, step; // of the file's numbers, which `to` holds exactly
} pair;

static const pair pairs[] = {
    {"tsm:", "tsu:UTC", 1700000000000, 7919}, {"tsu:", "tsn:", 1700000000000000, 7919000003},
    {"tsm:", "tsn:", -9223372036854, 4611686018}, // from end to end of what nanoseconds reach
    {"tsn:", "tsu:", 1699999999999999000, 104729000}, {"tsn:", "tsm:", -2000000000000000, 1000000000000},
    {"tsu:", "tss:", -3000000000, 1000000}, {"tdD", "tsu:", -700, 1}, {"tdD", "tsn:", -100, 3},
    {"tsu:", "tdD", -86400000000 * 2000, 86400000000}, {"ttm", "ttn", 0, 21599}, {"ttn", "ttm", 0, 21000000000},
    {"tsm:", "tsm:UTC", 1000, 3}, {"l", "g", -2000, 1}, {"i", "d:20,3", -2000, 1}, {"d:9,2", "d:18,5", 0, 100}};

static grove_table *make_table(const pair *k, uint64_t seed)
{
  static const char *const names[] = {"t", "row"};
  const grove_allocator *a = &grove__allocator_malloc;
  grove__layout l;
  grove__column c[2];
  grove_table *t = NULL;
  grove_error err;
  memset(c, 0, sizeof c);
  check_ok(grove__layout_read(k->from, &l));
  for (size_t i = 0; i < 2; i++) {
    c[i].name = names[i];
    c[i].format = i ? "l" : k->from;
    c[i].values_bytes = ROWS * 16;
    c[i].values = grove__alloc_zero(a, ROWS * 16);
  }
  c[0].validity_bytes = ROWS / 8 + 1;
  c[0].validity = grove__alloc_zero(a, ROWS / 8 + 1);
  for (size_t i = 0; i < ROWS; i++) {
    int64_t v[2] = {k->start + (int64_t)i * k->step, 0};
    v[1] = v[0] < 0 ? -1 : 0;
    memcpy((char *)c[0].values + i * l.width, v, l.width);
    ((int64_t *)c[1].values)[i] = (int64_t)i;
    bool stretch = i >= 2000 && i < 2500; // whole pages of nulls
    if (!stretch && grove__random_below(&seed, 50)) {
      grove__bit_set(c[0].validity, (int64_t)i);
    } else {
      c[0].nulls++;
    }
  }
  check_ok_err(grove__table_build(a, c, 2, ROWS, &t, &err), &err);
  return t;
}

// Sum over the rows that match of row number + 1, how many they are, and how many were looked at.
typedef struct matching {
  uint64_t sum, count, rows;
} matching;

static void match(const grove_table *t, const char *rule, matching *m)
{
  enum { COLUMNS = 2 };
  size_t n = grove_table_rows(t);
  double *values[COLUMNS], *out = malloc(n * sizeof *out + 1);
  unsigned char *scratch = malloc(n + 1);
  grove__rule *r = NULL;
  grove_error err;
  for (size_t c = 0; c < COLUMNS; c++) {
    values[c] = malloc(n * sizeof(double) + 1);
    check_ok_err(grove_table_doubles(t, c, 0, n, values[c], &err), &err);
  }
  check_ok_err(grove__rule_parse(rule, &r, &err), &err);
  grove__rule_apply(r, (const double *const *)values, n, scratch, out); // its column is the first
  for (size_t i = 0; i < n; i++) {
    m->count += out[i] != 0;
    m->sum += out[i] != 0 ? (uint64_t)values[1][i] + 1 : 0;
  }
  m->rows += n;
  grove__rule_destroy(r);
  free(values[0]);
  free(values[1]);
  free(out);
  free(scratch);
}

static grove_parquet *open_file(bytes file, const pair *k, const char *rule, uint32_t batch)
{
  static const char *const names[] = {"t", "row", NULL};
  const char *const formats[] = {k->to, ""};
  const grove_parquet_options o = {
      GROVE_PARQUET, .columns = names, .formats = formats, .rule = rule, .batch_rows = batch};
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  return p;
}

static matching read_all(bytes file, const pair *k, const char *prune, const char *rule)
{
  matching m = {0, 0, 0};
  grove_table *t = NULL;
  grove_error err;
  grove_parquet *p = open_file(file, k, prune, 0);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  assert_string_equal(grove_table_format(t, 0), k->to);
  match(t, rule, &m);
  grove_table_release(t);
  grove_parquet_close(p);
  return m;
}

static matching stream_all(bytes file, const pair *k, const char *rule, uint32_t batch)
{
  matching m = {0, 0, 0};
  struct ArrowArrayStream in;
  struct ArrowArray rows;
  struct ArrowSchema schema;
  grove_error err;
  grove_parquet *p = open_file(file, k, rule, batch);
  check_ok_err(grove_parquet_stream(p, 0, 0, &in, &err), &err);
  while (in.get_next(&in, &rows) == 0 && rows.release) {
    grove_table *t = NULL;
    assert_int_equal(in.get_schema(&in, &schema), 0);
    check_ok_err(grove_table_import(&rows, &schema, &t, &err), &err);
    match(t, rule, &m);
    grove_table_release(t);
  }
  assert_null(in.get_last_error(&in));
  in.release(&in);
  grove_parquet_close(p);
  return m;
}

// The number that row i of the column has when it is given out.
static double given_out(bytes file, const pair *k, size_t row)
{
  grove_table *t = NULL;
  double v;
  grove_parquet *p = open_file(file, k, NULL, 0);
  check_ok(grove_parquet_read(p, 0, 0, &t, NULL));
  for (v = NAN; isnan(v); row++) {
    check_ok(grove_table_doubles(t, 0, row, 1, &v, NULL));
  }
  grove_table_release(t);
  grove_parquet_close(p);
  return v;
}

static void check_rule(bytes file, const pair *k, const char *rule)
{
  matching want = read_all(file, k, NULL, rule), got = read_all(file, k, rule, rule);
  for (uint32_t batch = 0; batch < 3; batch++) {
    if (got.count != want.count || got.sum != want.sum) {
      fail_msg("%s as %s, rule %s: %llu rows match, should be %llu", k->from, k->to, rule,
          (unsigned long long)got.count, (unsigned long long)want.count);
    }
    got = stream_all(file, k, rule, batch ? 64 : 1000);
  }
}

// Comparisons with a row's number, and with its neighbours on both sides.
static void check_rules(bytes file, const pair *k, size_t row)
{
  static const char *const operators[] = {"<", "<=", ">", ">=", "==", "!="};
  double at = given_out(file, k, row);
  const double numbers[] = {at, nextafter(at, -INFINITY), nextafter(at, INFINITY), at + 1, at - 0.25};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    for (size_t op = 0; op < sizeof operators / sizeof *operators; op++) {
      char rule[100];
      snprintf(rule, sizeof rule, "t %s %.17g", operators[op], numbers[i]);
      check_rule(file, k, rule);
    }
  }
  check_rule(file, k, "t is null");
  check_rule(file, k, "t is not null");
}

static void nothing_that_matches_is_lost(void **state)
{
  static const char *const bloom[] = {"t", NULL};
  static const grove_parquet_write_options forms[] = {
      {.struct_size = sizeof forms[0], .group_rows = 1500, .page_rows = 100},
      {.struct_size = sizeof forms[0], .group_rows = 500, .no_statistics = 1, .no_page_index = 1, .bloom = bloom},
      {.struct_size = sizeof forms[0], .group_rows = ROWS, .page_rows = 1000, .bloom = bloom}};
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    grove_table *t = make_table(&pairs[i], i);
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
      bool decimal = pairs[i].from[0] == 'd';
      bytes file = write_table(t, &forms[decimal ? 0 : form]);
      check_rules(file, &pairs[i], form == 1 ? 0 : 1711);
      free(file.p);
    }
    grove_table_release(t);
  }
}

// In the declared unit a rule still leaves out what it can: of pages of 100 rows hardly more than one comes.
static void what_can_be_left_out_is(void **state)
{
  static const grove_parquet_write_options forms[] = {{.struct_size = sizeof forms[0], .page_rows = 100},
      {.struct_size = sizeof forms[0], .group_rows = 100, .no_page_index = 1}};
  (void)state;
  for (size_t i = 0; i < 11; i++) { // the units
    grove_table *t = make_table(&pairs[i], i);
    for (size_t form = 0; form < 2; form++) {
      char rule[100];
      bytes file = write_table(t, &forms[form]);
      snprintf(rule, sizeof rule, "t == %.17g", given_out(file, &pairs[i], 1711));
      matching m = stream_all(file, &pairs[i], rule, 100);
      assert_true(m.count >= 1 && m.rows <= 200);
      free(file.p);
    }
    grove_table_release(t);
  }
}

// Numbers that no row has between those that rows have: by filters hardly a group comes.
static void filters_are_asked_in_their_unit(void **state)
{
  static const char *const bloom[] = {"t", NULL};
  static const grove_parquet_write_options o = {
      .struct_size = sizeof o, .group_rows = 500, .no_statistics = 1, .no_page_index = 1, .bloom = bloom};
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    uint64_t rows = 0;
    grove_table *t = make_table(&pairs[i], i);
    bytes file = write_table(t, &o);
    double step = given_out(file, &pairs[i], 1) - given_out(file, &pairs[i], 0);
    for (int k = 0; k < 20; k++) {
      char rule[100];
      snprintf(rule, sizeof rule, "t == %.17g",
          floor((given_out(file, &pairs[i], (size_t)k * 7) + step * 1e5) / 1000) * 1000);
      double number = strtod(rule + 5, NULL);
      rows += fabs(number) < 0x1p53 ? read_all(file, &pairs[i], rule, rule).rows : 0;
    }
    assert_true(rows <= 20u * ROWS / 10);
    free(file.p);
    grove_table_release(t);
  }
}

// Of a column that is not asked for nothing is declared: the file's unit.
static void a_column_of_the_rule_alone(void **state)
{
  static const char *const names[] = {"row", NULL}, *const formats[] = {"g", NULL};
  (void)state;
  grove_table *t = make_table(&pairs[0], 1), *got = NULL;
  bytes file = write_table(
      t, &(grove_parquet_write_options){.struct_size = sizeof(grove_parquet_write_options), .group_rows = 500});
  const grove_parquet_options o = {
      GROVE_PARQUET, .columns = names, .formats = formats, .rule = "t < 1700000003000"};
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok(grove_parquet_open(&source, &o, &p, NULL));
  check_ok(grove_parquet_read(p, 0, 0, &got, NULL));
  assert_int_equal(grove_table_rows(got), 500);
  assert_int_equal(grove_table_columns(got), 1);
  grove_table_release(got);
  grove_parquet_close(p);
  free(file.p);
  grove_table_release(t);
}

static void two_formats_are_refused(void **state)
{
  static const char *const names[] = {"t", "t", NULL}, *const formats[] = {"tsu:", "tsn:", NULL};
  (void)state;
  grove_table *t = make_table(&pairs[0], 1);
  bytes file = write_table(t, NULL);
  grove_parquet_options o = {GROVE_PARQUET, .columns = names, .formats = formats, .rule = "t > 0"};
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err = {0};
  grove_source_of_memory(file.p, file.n, &source);
  check_status(grove_parquet_open(&source, &o, &p, &err), GROVE_ENOTSUP);
  assert_string_equal(err.text, "rule: column \"t\" is asked for in two formats, \"tsu:\" and \"tsn:\": which of "
                                "them the rule means can't be known");
  o.rule = "row > 0";
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  grove_parquet_close(p);
  free(file.p);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_that_matches_is_lost),
      cmocka_unit_test(what_can_be_left_out_is),
      cmocka_unit_test(filters_are_asked_in_their_unit),
      cmocka_unit_test(a_column_of_the_rule_alone),
      cmocka_unit_test(two_formats_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
