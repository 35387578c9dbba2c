// What a source hears before it is read: by one that writes down what it hears and what is read of it.
#include "parquet_fixture.h"

enum { ROWS = 40000, GROUP_ROWS = 10000, EVENTS = 4096, GAP = 64 * 1024 };

typedef struct event {
  bool told; // else a read
  grove_range range;
  size_t call; // ranges that were told together
} event;

typedef struct record {
  bytes file;
  event events[EVENTS];
  size_t n, calls, reads;
} record;

static void keep(record *r, bool told, uint64_t offset, uint64_t n)
{
  assert_true(r->n < EVENTS);
  r->events[r->n++] = (event){told, {offset, n}, r->calls};
}

static grove_status read_recorded(
    void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  record *r = user;
  (void)err;
  assert_true(offset + n <= r->file.n);
  memcpy(out, r->file.p + offset, n);
  keep(r, false, offset, n);
  r->reads++;
  return GROVE_OK;
}

// In order, apart, and inside of the file.
static void hear_ranges(void *user, const grove_range *ranges, size_t n)
{
  record *r = user;
  assert_true(n > 0);
  r->calls++;
  for (size_t i = 0; i < n; i++) {
    assert_true(ranges[i].bytes > 0 && ranges[i].offset + ranges[i].bytes <= r->file.n);
    assert_true(!i || ranges[i].offset > ranges[i - 1].offset + ranges[i - 1].bytes + GAP);
    keep(r, true, ranges[i].offset, ranges[i].bytes);
  }
}

static bool was_told(const record *r, size_t before, grove_range range)
{
  for (size_t i = 0; i < before; i++) {
    const grove_range *t = &r->events[i].range;
    if (r->events[i].told && t->offset <= range.offset &&
        range.offset + range.bytes <= t->offset + t->bytes) {
      return true;
    }
  }
  return false;
}

// Every read behind the first `skip` events lies in a range that was told before it.
static void check_told(const record *r, size_t skip)
{
  for (size_t i = skip; i < r->n; i++) {
    if (!r->events[i].told && !was_told(r, i, r->events[i].range)) {
      fail_msg("read %zu: %llu bytes at %llu were not told", i,
          (unsigned long long)r->events[i].range.bytes,
          (unsigned long long)r->events[i].range.offset);
    }
  }
}

static uint64_t bytes_of(const record *r, bool told, size_t from)
{
  uint64_t sum = 0;
  for (size_t i = from; i < r->n; i++) {
    sum += r->events[i].told == told ? r->events[i].range.bytes : 0;
  }
  return sum;
}

// Six columns of 64 random bits, ascending row numbers in the first, four groups.
static bytes make_file(size_t rows, uint32_t group_rows)
{
  static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column c[6];
  grove_table *t = NULL;
  grove_error err;
  uint64_t seed = 5;
  memset(c, 0, sizeof c);
  for (size_t i = 0; i < 6; i++) {
    c[i].name = names[i];
    c[i].format = "l";
    c[i].values_bytes = rows * 8;
    c[i].values = grove__alloc_zero(a, rows * 8);
    assert_non_null(c[i].values);
    for (size_t k = 0; k < rows; k++) {
      seed = grove__mix64(seed);
      ((int64_t *)c[i].values)[k] = i ? (int64_t)seed : (int64_t)k;
    }
  }
  check_ok_err(grove__table_build(a, c, 6, rows, &t, &err), &err);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .codec = GROVE_CODEC_NONE, .group_rows = group_rows};
  bytes file = write_table(t, &o);
  grove_table_release(t);
  return file;
}

static grove_parquet *open_recorded(record *r, const grove_parquet_options *o)
{
  grove_source source = {.struct_size = sizeof source,
      .bytes = r->file.n,
      .user = r,
      .read_at = read_recorded,
      .will_read = hear_ranges};
  grove_parquet *p = NULL;
  grove_error err;
  check_ok_err(grove_parquet_open(&source, o, &p, &err), &err);
  return p;
}

static uint64_t stream_all(grove_parquet *p)
{
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  grove_error err;
  uint64_t rows = 0;
  check_ok_err(grove_parquet_stream(p, 0, 0, &in, &err), &err);
  while (in.get_next(&in, &batch) == 0 && batch.release) {
    rows += (uint64_t)batch.length;
    batch.release(&batch);
  }
  assert_null(in.get_last_error(&in));
  in.release(&in);
  return rows;
}

static void a_footer_is_one_read(void **state)
{
  static record r;
  (void)state;
  r = (record){.file = make_file(ROWS, GROUP_ROWS)};
  grove_parquet_close(open_recorded(&r, NULL));
  assert_int_equal(r.n, 1);
  assert_int_equal(r.reads, 1);
  free(r.file.p);
  r = (record){.file = make_file(2000, 10)}; // 200 groups: a footer of more than 64 KiB
  grove_parquet_close(open_recorded(&r, NULL));
  assert_int_equal(r.reads, 2);
  assert_int_equal(r.events[1].range.offset + r.events[1].range.bytes, r.file.n - 8);
  free(r.file.p);
}

static void a_read_tells_all_its_columns(void **state)
{
  static const char *const some[] = {"b", "e", NULL};
  static record r;
  grove_table *t = NULL;
  grove_error err;
  (void)state;
  r = (record){.file = make_file(ROWS, GROUP_ROWS)};
  grove_parquet_options o = {GROVE_PARQUET, .columns = some};
  grove_parquet *p = open_recorded(&r, &o);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  check_told(&r, 1);
  assert_int_equal(r.calls, 1);
  uint64_t needed = 2 * ROWS * 8;
  assert_in_range(bytes_of(&r, true, 1), needed, needed + needed / 50); // the two columns, not six
  assert_in_range(bytes_of(&r, false, 1), needed, needed + needed / 50);
  grove_table_release(t);
  grove_parquet_close(p);
  r.n = r.calls = r.reads = 0;
  p = open_recorded(&r, NULL); // all columns: chunks lie side by side, so it is one range
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  check_told(&r, 1);
  assert_true(r.events[1].told && !r.events[2].told);
  grove_table_release(t);
  grove_parquet_close(p);
  free(r.file.p);
}

// A group is told before the one in front of it is read.
static void a_stream_tells_a_group_ahead(void **state)
{
  static record r;
  size_t heard_before[4] = {0};
  (void)state;
  r = (record){.file = make_file(ROWS, GROUP_ROWS)};
  grove_parquet *p = open_recorded(&r, NULL);
  assert_int_equal(stream_all(p), ROWS);
  check_told(&r, 1);
  assert_int_equal(r.calls, 3); // groups 0 and 1, then 2, then 3
  size_t calls = 0;
  for (size_t i = 1; i < r.n; i++) {
    calls = r.events[i].told ? r.events[i].call : calls;
    size_t group = (size_t)(r.events[i].range.offset * 4 / r.file.n);
    if (!r.events[i].told && !heard_before[group]) {
      heard_before[group] = calls;
    }
  }
  for (size_t g = 0; g < 4; g++) {
    assert_in_range(heard_before[g], g == 0 ? 1 : g < 3 ? g + 1 : 3, 3);
  }
  grove_parquet_close(p);
  free(r.file.p);
}

// The rule's column first; the others of a group in which a row matches, and of no other.
static void a_rule_tells_what_it_needs(void **state)
{
  static record r;
  (void)state;
  r = (record){.file = make_file(ROWS, GROUP_ROWS)};
  grove_parquet_options o = {GROVE_PARQUET, .rule = "a >= 12000 and a < 12010", .batch_rows = 1000};
  grove_parquet *p = open_recorded(&r, &o);
  assert_true(stream_all(p) < GROUP_ROWS);
  check_told(&r, 1);
  assert_int_equal(r.calls, 2);
  uint64_t chunk = GROUP_ROWS * 8;
  for (size_t i = 1; i < r.n; i++) {
    bool rest = r.events[i].told && r.events[i].call == 2;
    assert_true(!rest || r.events[i].range.bytes >= 5 * chunk);
    assert_true(!r.events[i].told || rest || r.events[i].range.bytes < 2 * chunk);
  }
  grove_parquet_close(p);
  r.n = r.calls = r.reads = 0;
  o.rule = "a < 0"; // no group may match, by the footer
  p = open_recorded(&r, &o);
  assert_int_equal(stream_all(p), 0);
  assert_int_equal(r.n, 1);
  grove_parquet_close(p);
  free(r.file.p);
}

// A source of a host that was built before will_read was there.
static void a_shorter_source(void **state)
{
  static record r;
  struct {
    grove_source source;
  } old;
  grove_parquet *p = NULL;
  grove_error err;
  (void)state;
  r = (record){.file = make_file(1000, 1000)};
  memset(&old, 0xff, sizeof old);
  old.source.struct_size = offsetof(grove_source, will_read);
  old.source.bytes = r.file.n;
  old.source.user = &r;
  old.source.read_at = read_recorded;
  old.source.close = NULL;
  check_ok_err(grove_parquet_open(&old.source, NULL, &p, &err), &err);
  assert_int_equal(stream_all(p), 1000);
  grove_parquet_close(p);
  old.source.struct_size = 8;
  check_status(grove_parquet_open(&old.source, NULL, &p, &err), GROVE_EINVAL);
  free(r.file.p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_footer_is_one_read),
      cmocka_unit_test(a_read_tells_all_its_columns),
      cmocka_unit_test(a_stream_tells_a_group_ahead),
      cmocka_unit_test(a_rule_tells_what_it_needs),
      cmocka_unit_test(a_shorter_source),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
