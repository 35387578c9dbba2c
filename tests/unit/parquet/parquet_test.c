// Opening, choosing, options and the texts of refusals.
#include "parquet/cast.h"
#include "parquet_fixture.h"
#include "parquet/footer.h"

static const column_plan plans[] = {{"l", 2, 40}, {"u", 2, 9}, {"c", 0, 5}};

static bytes small_file(size_t rows, uint32_t group_rows)
{
  grove_table *t = random_table(plans, 3, rows, 11);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .codec = GROVE_CODEC_NONE, .group_rows = group_rows};
  bytes b = write_table(t, &o);
  grove_table_release(t);
  return b;
}

static grove_status open_bytes(
    const void *p, size_t n, const grove_parquet_options *o, grove_error *err)
{
  grove_source source;
  grove_parquet *file = NULL;
  grove_source_of_memory(p, n, &source);
  memset(err, 0, sizeof *err);
  grove_status s = grove_parquet_open(&source, o, &file, err);
  assert_true((s == GROVE_OK) == (file != NULL));
  grove_parquet_close(file);
  return s;
}

static void not_a_parquet_file(void **state)
{
  (void)state;
  grove_error err;
  const char *csv = "passenger_count,fare\n1,2.5\n";
  check_status(open_bytes("", 0, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "the file is empty (0 bytes)");
  check_status(open_bytes("ab\n", 3, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "does not start with PAR1 but with \"ab.\"");
  check_status(open_bytes(csv, strlen(csv), NULL, &err), GROVE_ECORRUPT);
  check_contains(
      err.text, "does not start with PAR1 but with \"passenger_co\": not a Parquet file");
  check_status(open_bytes("PAR1PAR1", 8, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "cut short (it has 8 bytes)");
  check_status(open_bytes("PARExxxx\x04\0\0\0PARE", 16, NULL, &err), GROVE_ENOTSUP);
  check_contains(err.text, "the footer is encrypted");
  check_status(open_bytes("PAR1xxxx\xff\xff\xff\x7fPAR1", 16, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "the footer is said to have 2147483647 bytes, in a file of 16");
  assert_int_equal(err.at, 8);
  check_status(open_bytes("PAR1xxxx\x04\0\0\0PAR1", 16, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "footer, offset ");
}

static void cut_short(void **state)
{
  (void)state;
  grove_error err;
  bytes file = small_file(100, 0);
  check_status(open_bytes(file.p, file.n - 1, NULL, &err), GROVE_ECORRUPT);
  check_contains(err.text, "it starts with PAR1 but does not end so: the file is cut short");
  assert_int_equal(err.at, file.n - 1);
  free(file.p);
}

static void columns_by_name(void **state)
{
  (void)state;
  grove_error err;
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  bytes file = small_file(100, 40);
  const char *const two[] = {"c", "l", NULL};
  const char *const none[] = {NULL};
  const char *const wrong[] = {"c", "ll", NULL};
  grove_parquet_options o = {GROVE_PARQUET, .columns = two};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  assert_int_equal(grove_parquet_rows(p), 100);
  assert_int_equal(grove_parquet_groups(p), 3);
  check_ok_err(grove_parquet_read(p, 1, 1, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), 40);
  assert_int_equal(grove_table_columns(t), 2);
  assert_string_equal(grove_table_name(t, 0), "c");
  assert_string_equal(grove_table_name(t, 1), "l");
  grove_table_release(t);
  check_ok_err(grove_parquet_read(p, 1, 0, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), 60);
  grove_table_release(t);
  check_ok_err(grove_parquet_read(p, 3, 0, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), 0);
  grove_table_release(t);
  check_status(grove_parquet_read(p, 2, 2, &t, &err), GROVE_EINVAL);
  assert_null(t);
  check_contains(err.text, "row groups 2 to 4 are wanted, the file has 3");
  grove_parquet_close(p);
  o.columns = none;
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  assert_int_equal(grove_table_rows(t), 100);
  assert_int_equal(grove_table_columns(t), 0);
  grove_table_release(t);
  grove_parquet_close(p);
  o.columns = wrong;
  check_status(open_bytes(file.p, file.n, &o, &err), GROVE_ENOENT);
  check_contains(err.text, "unknown column \"ll\"; did you mean \"l\"? known: l, u, c");
  free(file.p);
}

static void options_are_checked(void **state)
{
  (void)state;
  grove_error err;
  bytes file = small_file(10, 0);
  grove_parquet_options o = {GROVE_PARQUET, .rule = "l >"};
  check_status(open_bytes(file.p, file.n, &o, &err), GROVE_EINVAL);
  check_contains(err.text, "expected a number at its end");
  o.rule = "m > 2";
  check_status(open_bytes(file.p, file.n, &o, &err), GROVE_ENOENT);
  o.rule = "u > 2";
  check_status(open_bytes(file.p, file.n, &o, &err), GROVE_ENOTSUP);
  check_contains(err.text, "rule: column \"u\" (format \"u\") is not numbers");
  o = (grove_parquet_options){.struct_size = 2};
  check_status(open_bytes(file.p, file.n, &o, &err), GROVE_EINVAL);
  check_status(grove_parquet_open(NULL, NULL, NULL, &err), GROVE_EINVAL);
  grove_parquet_close(NULL);
  free(file.p);
}

// Columns l, u, c of the small file as `formats` declares them.
static grove_status read_as(
    const bytes *file, const char *const *formats, grove_table **t, grove_error *err)
{
  static const char *const columns[] = {"l", "u", "C", NULL};
  grove_parquet_options o = {
      GROVE_PARQUET, .columns = columns, .formats = formats, .batch_rows = 7};
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file->p, file->n, &source);
  grove_status s = grove_parquet_open(&source, &o, &p, err);
  if (!s) {
    s = grove_parquet_read(p, 0, 0, t, err);
  }
  if (!s) { // streams say the same
    uint64_t rows = 0;
    assert_true(digest_stream(p, &rows) == digest(*t));
  }
  grove_parquet_close(p);
  return s;
}

static void formats_are_cast(void **state)
{
  (void)state;
  static const char *const wide[] = {"", "u", "g", NULL}, *const small[] = {"i", "", "", NULL},
                           *const text[] = {"u", "", "", NULL}, *const none[] = {"n", "", "", NULL};
  grove_error err;
  grove_table *t = NULL, *as_it_is = NULL;
  bytes file = small_file(200, 0);
  check_ok_err(read_as(&file, wide, &t, &err), &err);
  check_ok_err(read_as(&file, NULL, &as_it_is, &err), &err);
  assert_string_equal(grove_table_format(t, 2), "g");
  assert_string_equal(grove_table_name(t, 2), "C"); // called as asked for; the file has "c"
  double want[200], got[200];
  check_ok_err(grove_table_doubles(as_it_is, 2, 0, 200, want, &err), &err);
  check_ok_err(grove_table_doubles(t, 2, 0, 200, got, &err), &err);
  assert_memory_equal(want, got, sizeof want);
  grove_table_release(t);
  grove_table_release(as_it_is);
  t = NULL;
  check_status(read_as(&file, small, &t, &err), GROVE_ECORRUPT); // random 64 bits don't fit 32
  check_contains(err.text, "does not fit the declared format \"i\" exactly (the file has \"l\")");
  assert_null(t);
  check_status(read_as(&file, text, &t, &err), GROVE_ENOTSUP);
  check_contains(
      err.text, "column \"l\" has format \"l\", which is not cast to the declared \"u\"");
  check_status(read_as(&file, none, &t, &err), GROVE_ENOTSUP);
  free(file.p);
}

// Each number format to each: what fits comes over as it is, at the edges of both.
static void casts_are_exact(void **state)
{
  (void)state;
  static const struct {
    const char *from, *to;
    union {
      int64_t l;
      uint64_t L;
      double g;
      float f;
      int32_t i;
      uint32_t I;
    } value;
    bool fits;
  } cases[] = {{"l", "i", {.l = INT32_MAX}, true}, {"l", "i", {.l = INT32_MAX + 1ll}, false},
      {"l", "i", {.l = INT32_MIN}, true}, {"l", "c", {.l = -129}, false},
      {"l", "C", {.l = -1}, false}, {"l", "g", {.l = 1ll << 53}, true},
      {"l", "g", {.l = (1ll << 53) + 1}, false}, {"l", "L", {.l = INT64_MAX}, true},
      {"l", "g", {.l = INT64_MIN}, true}, {"L", "l", {.L = UINT64_MAX}, false},
      {"L", "g", {.L = UINT64_MAX}, false}, {"g", "l", {.g = 3.0}, true},
      {"g", "l", {.g = 3.5}, false}, {"g", "l", {.g = 0x1p63}, false},
      {"g", "L", {.g = 0x1p63}, true}, {"g", "i", {.g = -0.0}, true}, {"g", "f", {.g = 0.5}, true},
      {"g", "f", {.g = 0.1}, false}, {"g", "f", {.g = 1e300}, false}, {"f", "g", {.f = 0.1f}, true},
      {"i", "f", {.i = 16777217}, false}, {"I", "l", {.I = UINT32_MAX}, true},
      {"I", "i", {.I = UINT32_MAX}, false}, {"i", "s", {.i = -32768}, true}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const grove_allocator *a = &grove__allocator_malloc;
    grove__column c = {.name = "x", .format = cases[i].from, .values_bytes = 8};
    grove_error err = {0};
    c.values = grove__alloc_zero(a, 8);
    memcpy(c.values, &cases[i].value, 8);
    double before = 0, after = 0;
    grove__column_doubles(&c, 0, 1, &before);
    grove_status s = grove__column_cast(a, &c, cases[i].to, 1, &err);
    if ((s == GROVE_OK) != cases[i].fits) {
      fail_msg("case %zu, %s to %s: %s", i, cases[i].from, cases[i].to, err.text);
    }
    if (!s) {
      grove__column_doubles(&c, 0, 1, &after);
      assert_true(before == after);
      assert_string_equal(c.format, cases[i].to);
    }
    grove__free(a, c.values, c.values_bytes);
  }
}

static void nulls_become_anything(void **state)
{
  (void)state;
  static const char *const formats[] = {"g", "u", "b", "d:9,2", "w:3", "tsu:UTC"};
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    grove__column c = {.name = "x", .format = "n"};
    grove_table *t = NULL;
    grove_error err;
    assert_true(grove__cast_is_known("n", formats[i]));
    check_ok_err(grove__column_cast(&grove__allocator_malloc, &c, formats[i], 19, &err), &err);
    assert_int_equal(c.nulls, 19);
    check_ok_err(grove__table_build(&grove__allocator_malloc, &c, 1, 19, &t, &err), &err);
    grove_table_release(t);
  }
}

typedef struct heard {
  size_t n;
  grove_error first;
} heard;

static void hear(void *user, const grove_error *flaw)
{
  heard *h = user;
  h->first = h->n++ ? h->first : *flaw;
}

// A flipped byte in one page: the other chunks are good, and the rows before it are counted.
static void a_survey_says_how_much_is_there(void **state)
{
  (void)state;
  column_plan wide[] = {{"l", 0, UINT64_MAX}, {"g", 0, UINT64_MAX}};
  grove_table *t = random_table(wide, 2, 4000, 11);
  grove_parquet_write_options wo = {
      .struct_size = sizeof wo, .group_rows = 1000, .page_rows = 100, .codec = GROVE_CODEC_NONE};
  bytes file = write_table(t, &wo);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err;
  heard h = {0};
  grove_parquet_survey_result r = {.struct_size = sizeof r};
  grove_parquet_chunk_info c = {.struct_size = sizeof c};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_survey(p, hear, &h, &r, &err), &err);
  assert_int_equal(h.n, 0);
  assert_int_equal(r.good_chunks, 8);
  assert_int_equal(r.good_values, 8000);
  assert_int_equal(r.whole_rows, 4000);
  check_ok_err(grove_parquet_chunk(p, 1, 0, &c, &err), &err);
  assert_string_equal(c.column, "l");
  assert_string_equal(c.physical, "INT64");
  assert_string_equal(c.codec, "UNCOMPRESSED");
  assert_int_equal(c.values, 1000);
  assert_int_equal(c.nulls, 0);
  assert_true(c.has_bounds && c.has_page_index && !c.has_bloom_filter && c.low < c.high);
  check_status(grove_parquet_chunk(p, 4, 0, &c, &err), GROVE_EINVAL);
  check_status(grove_parquet_chunk(p, 0, 2, &c, &err), GROVE_EINVAL);
  file.p[c.at + c.bytes / 2 + 200] ^=
      1; // in the values of a page in the middle: its checksum is wrong now
  check_ok_err(grove_parquet_survey(p, hear, &h, &r, &err), &err);
  assert_int_equal(h.n, 1);
  check_status(h.first.status, GROVE_ECORRUPT);
  check_contains(h.first.text, "row group 1, column \"l\", page ");
  check_contains(h.first.text, "the page's checksum is");
  assert_int_equal(r.chunks, 8);
  assert_int_equal(r.good_chunks, 7);
  assert_true(r.good_values >= 7300 && r.good_values <= 7700);
  assert_int_equal(r.whole_rows, 3000);
  r.struct_size = 3;
  check_status(grove_parquet_survey(p, NULL, NULL, &r, &err), GROVE_EINVAL);
  grove_parquet_close(p);
  free(file.p);
  grove_table_release(t);
}

static void a_limit_on_memory(void **state)
{
  (void)state;
  grove_error err;
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  bytes file = small_file(200000, 0);
  uint64_t rows;
  grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = 1 << 20, .batch_rows = 1000};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_status(grove_parquet_read(p, 0, 0, &t, &err), GROVE_ELIMIT);
  check_contains(err.text, "over the limit of 1048576 bytes (memory_bytes)");
  assert_null(t);
  grove_parquet_close(p);
  o.memory_bytes = 4 << 20; // enough for batches, not for the table
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  digest_stream(p, &rows);
  assert_int_equal(rows, 200000);
  check_ok_err(grove_parquet_check(p, &err), &err);
  grove_parquet_close(p);
  free(file.p);
}

static void checksums(void **state)
{
  (void)state;
  grove_error err;
  grove_source source;
  grove_parquet *p = NULL;
  bytes file = small_file(1000, 0);
  file.p[40] ^= 1; // in the first dictionary's values
  grove_parquet_options o = {GROVE_PARQUET};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_status(grove_parquet_check(p, &err), GROVE_ECORRUPT);
  check_contains(err.text, "row group 0, column \"l\", page 0, offset 4: the page's checksum is ");
  assert_int_equal(err.at, 4);
  grove_parquet_close(p);
  o.no_crc = 1;
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_ok_err(grove_parquet_check(p, &err), &err);
  grove_parquet_close(p);
  free(file.p);
}

static void a_stream_ends_with_its_error(void **state)
{
  (void)state;
  grove_error err;
  grove_source source;
  grove_parquet *p = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  bytes file = small_file(100, 50);
  file.p[40] ^= 1;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_stream(p, 0, 0, &stream, &err), &err);
  assert_null(stream.get_last_error(&stream));
  assert_int_not_equal(stream.get_next(&stream, &batch), 0);
  check_contains(stream.get_last_error(&stream), "checksum");
  assert_int_not_equal(stream.get_next(&stream, &batch), 0); // and stays there
  stream.release(&stream);
  assert_null(stream.release);
  check_ok_err(grove_parquet_stream(p, 1, 1, &stream, &err), &err); // the other group is whole
  assert_int_equal(stream.get_next(&stream, &batch), 0);
  assert_int_equal(batch.length, 50);
  batch.release(&batch);
  assert_int_equal(stream.get_next(&stream, &batch), 0);
  assert_null(batch.release);
  stream.release(&stream);
  grove_parquet_close(p);
  free(file.p);
}

// ---- work -----------------------------------------------------------------------------------------

typedef struct worker {
  size_t chunks, asked, cancel_after;
} worker;

static void backwards(void *user, size_t n, void (*fn)(void *user, size_t i), void *fn_user)
{
  ((worker *)user)->chunks += n;
  while (n) {
    fn(fn_user, --n);
  }
}

static bool is_cancelled(void *user)
{
  worker *w = user;
  return ++w->asked > w->cancel_after;
}

static void columns_in_parallel(void **state)
{
  (void)state;
  grove_error err;
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL, *alone = NULL;
  bytes file = small_file(1000, 100);
  worker w = {.cancel_after = SIZE_MAX};
  grove_work work = {.struct_size = sizeof work,
      .width = 2,
      .user = &w,
      .parallel_for = backwards,
      .cancelled = is_cancelled};
  grove_parquet_options o = {GROVE_PARQUET, .work = &work};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  assert_int_equal(w.chunks, 3);
  w.cancel_after = w.asked + 5;
  check_status(grove_parquet_read(p, 0, 0, &alone, &err), GROVE_ECANCELED);
  grove_parquet_close(p);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &alone, &err), &err);
  assert_true(digest(alone) == digest(t));
  grove_table_release(alone);
  grove_table_release(t);
  grove_parquet_close(p);
  free(file.p);
}

// ---- thrift and types -----------------------------------------------------------------------------

static void thrift_is_bounded(void **state)
{
  (void)state;
  uint8_t deep[200];
  grove__thrift t;
  grove__field f = {0, 0};
  memset(deep, 0x1c, sizeof deep); // a struct in a struct in a struct …
  grove__thrift_init(&t, deep, sizeof deep);
  assert_true(grove__thrift_field(&t, &f));
  grove__thrift_skip(&t, &f);
  assert_string_equal(t.flaw, "it is nested too deep");
  f = (grove__field){0, 0};
  grove__thrift_init(&t, "\x19\xfc\xff\xff\xff\xff\x0f", 7); // a list of 2^32 structs in 7 bytes
  assert_true(grove__thrift_field(&t, &f));
  assert_int_equal(grove__thrift_structs(&t, &f), 0);
  assert_true(t.cut);
  f = (grove__field){0, 0};
  grove__thrift_init(&t, "\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11);
  assert_true(grove__thrift_field(&t, &f));
  assert_int_equal(grove__thrift_i64(&t, &f), 0);
  assert_string_equal(t.flaw, "an integer has too many bytes");
  assert_false(grove__thrift_field(&t, &f)); // a flaw ends every loop
  f = (grove__field){0, 0};
  grove__thrift_init(&t, "\x16\x80\x80\x80\x80\x20", 6); // 2^32: no 32-bit integer
  assert_true(grove__thrift_field(&t, &f));
  assert_int_equal(grove__thrift_i32(&t, &f), 0);
  assert_string_equal(t.flaw, "an integer is out of range");
}

static const char *format_of(uint8_t physical, int32_t length, grove__logical logical)
{
  static grove__leaf leaf;
  leaf = (grove__leaf){.physical = physical, .logical = logical, .optional = true};
  const char *flaw = grove__leaf_resolve(&leaf, length);
  return flaw ? flaw : leaf.format;
}

static void types(void **state)
{
  (void)state;
  const grove__logical none = {0};
  assert_string_equal(format_of(GROVE__BYTE_ARRAY, 0, none), "z");
  assert_string_equal(
      format_of(GROVE__BYTE_ARRAY, 0, (grove__logical){.kind = GROVE__KIND_JSON}), "u");
  assert_string_equal(format_of(GROVE__INT96, 0, none), "tsn:");
  assert_string_equal(
      format_of(GROVE__FIXED, 16, (grove__logical){.kind = GROVE__KIND_UUID}), "w:16");
  assert_string_equal(format_of(GROVE__INT32, 0, grove__logical_of_converted(12, 0, 0)), "S");
  assert_string_equal(format_of(GROVE__INT64, 0, grove__logical_of_converted(10, 0, 0)), "tsu:");
  assert_string_equal(
      format_of(GROVE__INT64, 0,
          (grove__logical){.kind = GROVE__KIND_TIMESTAMP, .unit = GROVE__UNIT_MICROS, .utc = true}),
      "tsu:UTC");
  assert_string_equal(
      format_of(GROVE__INT32, 0, (grove__logical){.kind = GROVE__KIND_UNKNOWN}), "n");
  assert_string_equal(format_of(GROVE__FIXED, 5, grove__logical_of_converted(5, 9, 2)), "d:9,2");
  assert_string_equal(format_of(GROVE__FIXED, 20, grove__logical_of_converted(5, 40, 2)), "d:40,2,256");
  // What does not fit stays as it is stored.
  assert_string_equal(format_of(GROVE__FIXED, 33, grove__logical_of_converted(5, 77, 2)), "w:33");
  assert_string_equal(format_of(GROVE__INT32, 0, grove__logical_of_converted(14, 0, 0)), "i");
  assert_string_equal(format_of(GROVE__DOUBLE, 0, grove__logical_of_converted(0, 0, 0)), "g");
  assert_non_null(strstr(format_of(GROVE__FIXED, 0, none), "a fixed length"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(not_a_parquet_file),
      cmocka_unit_test(cut_short),
      cmocka_unit_test(columns_by_name),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(formats_are_cast),
      cmocka_unit_test(casts_are_exact),
      cmocka_unit_test(nulls_become_anything),
      cmocka_unit_test(a_survey_says_how_much_is_there),
      cmocka_unit_test(a_limit_on_memory),
      cmocka_unit_test(checksums),
      cmocka_unit_test(a_stream_ends_with_its_error),
      cmocka_unit_test(columns_in_parallel),
      cmocka_unit_test(thrift_is_bounded),
      cmocka_unit_test(types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
