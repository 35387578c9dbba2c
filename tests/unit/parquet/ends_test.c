// Byte sources that end early, behind a footer that is whole: at each border of a page, an index and a filter, one byte
// before and one behind. Whoever needs a byte that is not there is told so; who does not, has the right answer.
#include "nested_table.h"
#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/page.h"

enum { LIMIT_BYTES = 64 << 20, BORDERS = 20000, TAIL = 65536, ROWS = 30000 };

typedef struct ending {
  bytes file;
  uint64_t ends, footer;
  bool met; // bytes behind the end were asked for
} ending;

static grove_status read_until(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  ending *e = user;
  // One read brings the tail, of 64 KiB: what lies there is not asked for again by pages in front of it.
  if (offset < e->footer && offset + n > e->ends) {
    if (err) {
      memset(err, 0, sizeof *err);
      err->status = GROVE_EIO;
      strcpy(err->text, "it ends early");
    }
    e->met = true;
    return GROVE_EIO;
  }
  assert_true(offset + n <= e->file.n);
  memcpy(out, e->file.p + offset, n);
  return GROVE_OK;
}

static void add_border(uint64_t *borders, size_t *n, uint64_t at)
{
  assert_true(*n < BORDERS);
  borders[(*n)++] = at;
}

static void add_pages(bytes file, const grove__chunk *c, uint64_t *borders, size_t *n)
{
  for (uint64_t at = c->start; at < c->start + c->bytes;) {
    grove__page_head h;
    size_t used = 0;
    bool cut = false;
    assert_null(grove__page_head_read(&h, file.p + at, (size_t)(file.n - at), &used, &cut));
    add_border(borders, n, at);
    add_border(borders, n, at + used);
    at += used + h.packed;
  }
}

// Where headers and bodies of pages, indexes and filters begin; the footer is ours to trust here.
static size_t find_borders(bytes file, uint64_t *borders)
{
  grove__footer f;
  uint32_t bytes_of;
  size_t n = 0;
  memcpy(&bytes_of, file.p + file.n - 8, 4);
  uint64_t at = file.n - 8 - bytes_of;
  check_ok(grove__footer_read(&f, &grove__allocator_malloc, 0, 0, file.p + at, bytes_of, at, NULL));
  for (size_t g = 0; g < f.n_groups; g++) {
    for (size_t i = 0; i < f.n_leaves; i++) {
      const grove__chunk *c = &f.groups[g].chunks[i];
      const grove__extra *extras[] = {&c->offset_index, &c->column_index, &c->bloom};
      add_pages(file, c, borders, &n);
      for (size_t k = 0; k < 3; k++) {
        if (extras[k]->bytes) {
          add_border(borders, &n, extras[k]->at);
          add_border(borders, &n, extras[k]->at + extras[k]->bytes);
        }
      }
    }
  }
  grove__footer_free(&f);
  add_border(borders, &n, at);
  return n;
}

// Digest of what comes by a rule or, without one, of all. A source that is asked for what it has not ends the read.
static grove_status read_ending(ending *e, const char *rule, uint64_t *sum, grove_error *err)
{
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove_source source = {sizeof source, e->file.n, e, read_until, NULL};
  grove_parquet_options o = {GROVE_PARQUET,
      .rule = rule,
      .batch_rows = 700,
      .memory_bytes = LIMIT_BYTES,
      .allocator = &a};
  grove_parquet *p = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  struct ArrowSchema schema;
  int failed;
  *sum = 0;
  e->met = false;
  check_ok_err(grove_parquet_open(&source, &o, &p, err), err);
  check_ok_err(grove_parquet_stream(p, 0, 0, &in, err), err);
  while ((failed = in.get_next(&in, &batch)) == 0 && batch.release) {
    grove_table *t = NULL;
    assert_int_equal(in.get_schema(&in, &schema), 0);
    check_ok_err(grove_table_import(&batch, &schema, &t, err), err);
    *sum = grove__mix64(*sum ^ digest(t));
    grove_table_release(t);
  }
  if (failed) {
    assert_non_null(in.get_last_error(&in));
    snprintf(err->text, sizeof err->text, "%s", in.get_last_error(&in));
  }
  in.release(&in);
  grove_parquet_close(p);
  assert_int_equal(memory.live_blocks, 0);
  return failed ? GROVE_EIO : GROVE_OK;
}

static void end_at_borders(const grove_table *t, const grove_parquet_write_options *o)
{
  static uint64_t borders[BORDERS];
  static const char *const rules[] = {NULL, "row >= 9000 and row < 9100", "row == 777"};
  ending e = {.file = write_table(t, o)};
  assert_true(e.file.n > 2 * TAIL);
  e.footer = e.file.n - TAIL;
  size_t n = find_borders(e.file, borders), refused = 0, unharmed = 0;
  for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
    uint64_t want, sum;
    grove_error err = {0};
    e.ends = UINT64_MAX;
    check_ok_err(read_ending(&e, rules[r], &want, &err), &err);
    for (size_t i = 0; i < n; i += 1 + n / 120) {
      for (int off = -1; off <= 1; off++) {
        e.ends = borders[i] + (uint64_t)off;
        grove_status s = read_ending(&e, rules[r], &sum, &err);
        assert_int_equal(s, e.met ? GROVE_EIO : GROVE_OK);
        if (s) {
          check_contains(err.text, "it ends early");
        } else {
          assert_true(sum == want);
        }
        refused += s != GROVE_OK;
        unharmed += s == GROVE_OK;
      }
    }
  }
  assert_true(refused > 100 && unharmed > 10);
  free(e.file.p);
}

static void at_each_border(void **state)
{
  static const char *const flat[] = {"l", "u", "g"}, *const nested[] = {"+l(l)", "+m(u;+l(i))"};
  static const char *const bloom[] = {"row", NULL};
  (void)state;
  for (uint32_t i = 0; i < 8; i++) {
    grove_table *t = i < 4 ? table_of_specs(flat, 3, ROWS, 1, i % 2 ? 3000 : UINT64_MAX, i, true)
                           : table_of_specs(nested, 2, ROWS, 1, i % 2 ? 3000 : UINT64_MAX, i, true);
    const grove_parquet_write_options o = {.struct_size = sizeof o,
        .codec = i % 3,
        .page_version = 1 + i / 2 % 2,
        .group_rows = 12000,
        .page_rows = 700,
        .bloom = bloom};
    end_at_borders(t, &o);
    grove_table_release(t);
  }
}

static void anywhere(void **state)
{
  (void)state;
  column_plan wide[] = {{"l", 1, UINT64_MAX}, {"u", 1, UINT64_MAX}};
  grove_table *t = random_table(wide, 2, 20000, 3);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .codec = GROVE_CODEC_SNAPPY, .group_rows = 4000};
  ending e = {.file = write_table(t, &o)};
  e.footer = e.file.n - TAIL;
  uint64_t want, sum;
  grove_error err = {0};
  size_t failed = 0;
  e.ends = UINT64_MAX;
  check_ok_err(read_ending(&e, NULL, &want, &err), &err);
  for (e.ends = 0; e.ends < e.footer; e.ends += 1 + e.footer / 997) {
    grove_status s = read_ending(&e, NULL, &sum, &err);
    failed += s == GROVE_EIO;
    assert_true(s == GROVE_EIO || (s == GROVE_OK && sum == want));
  }
  assert_true(failed > 900);
  free(e.file.p);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_each_border),
      cmocka_unit_test(anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
