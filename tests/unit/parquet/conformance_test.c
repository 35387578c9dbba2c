// Files of other writers: apache/parquet-testing and the taxi months, where GROVE_DATA_DIR has them. Each either
// decodes to what pyarrow reads (rows, columns and a digest of all values, made by conformance_good.py from what
// pyarrow alone says) or ends with its status and words. `conformance_test print` writes the digests of ours.
#include "parquet_fixture.h"

#define DATA "parquet-testing/data/"
#define BAD "parquet-testing/bad_data/"

typedef struct expected {
  const char *path;
  uint64_t rows, columns, digest;
} expected;

static const expected good[] = {
#include "conformance_good.h"
};

typedef struct refusal {
  const char *path;
  grove_status status;
  const char *words;
  uint32_t no_crc;
} refusal;

#define ENCRYPTED(name)                                                                            \
  {DATA name ".parquet.encrypted", GROVE_ENOTSUP,                                                  \
      "the footer is encrypted (PARE), which we don't read", 0}

// What `check` says.
static const refusal refused[] = {
    {BAD "ARROW-GH-41317.parquet", GROVE_ECORRUPT, "ends 3 values before its number", 0},
    {BAD "ARROW-GH-41321.parquet", GROVE_ECORRUPT,
        "column \"int64\", page 1, offset 1313: codes of 254 bits", 0},
    {BAD "ARROW-GH-45185.parquet", GROVE_ECORRUPT,
        "column \"x.list.element\", page 0, offset 4: levels: the first repetition level is not 0", 0},
    {BAD "ARROW-GH-47662.parquet", GROVE_ECORRUPT, "column \"flba_field\", page 0, offset 4: ", 0},
    {BAD "ARROW-RS-GH-6229-DICTHEADER.parquet", GROVE_ECORRUPT, "row group 0, column \"name\"", 0},
    {BAD "ARROW-RS-GH-6229-LEVELS.parquet", GROVE_ECORRUPT,
        "column \"outer.list.item.c\", page 1, offset 19", 0},
    {BAD "PARQUET-1481.parquet", GROVE_ECORRUPT, "unknown physical type", 0},
    {DATA "datapage_v1-corrupt-checksum.parquet", GROVE_ECORRUPT, "the page's checksum is", 0},
    {DATA "datapage_v1-corrupt-checksum.parquet", GROVE_OK, "", 1},
    {DATA "rle-dict-uncompressed-corrupt-checksum.parquet", GROVE_ECORRUPT,
        "the page's checksum is", 0},
    {DATA "rle-dict-uncompressed-corrupt-checksum.parquet", GROVE_OK, "", 1},
    ENCRYPTED("encrypt_columns_and_footer"),
    ENCRYPTED("encrypt_columns_and_footer_aad"),
    ENCRYPTED("encrypt_columns_and_footer_bloom_filter"),
    ENCRYPTED("encrypt_columns_and_footer_ctr"),
    ENCRYPTED("encrypt_columns_and_footer_disable_aad_storage"),
    ENCRYPTED("external_key_material_java"),
    ENCRYPTED("uniform_encryption"),
    ENCRYPTED("aes256/encrypt_columns_and_footer"),
    ENCRYPTED("aes256/encrypt_columns_and_footer_ctr"),
    ENCRYPTED("aes256/encrypt_columns_and_footer_disable_aad_storage"),
    ENCRYPTED("aes256/uniform_encryption"),
    {DATA "encrypt_columns_plaintext_footer.parquet.encrypted", GROVE_ECORRUPT, "int96_overflow", 0},
    {DATA "aes256/encrypt_columns_plaintext_footer.parquet.encrypted", GROVE_ENOTSUP,
        "row group 0, column \"boolean_field\", offset 4: the column is encrypted", 0},
    {DATA "int96_from_spark.parquet", GROVE_ECORRUPT, "int96_overflow", 0},
    {DATA "large_string_map.brotli.parquet", GROVE_ELIMIT, "over the limit of 67108864 bytes", 0},
    {DATA "incorrect_map_schema.parquet", GROVE_OK, "", 0}, // keys that say they may be null, and are not
    {DATA "nested_structs.rust.parquet", GROVE_OK, "", 0},
};

static const char *data_path(const char *name)
{
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", GROVE_DATA_DIR, name);
  return path;
}

// false: the file is not there, which is said.
static bool open_file(const char *name, const grove_parquet_options *o, bytes *file,
    grove_parquet **p, grove_status *status, grove_error *err)
{
  // grove keeps a copy of the source, not of this struct
  grove_source source;
  *p = NULL;
  *file = load_file(data_path(name));
  if (!file->p) {
    print_message("skipped, not there: %s\n", name);
    return false;
  }
  grove_source_of_memory(file->p, file->n, &source);
  *status = grove_parquet_open(&source, o, p, err);
  return true;
}

static void check_good(const expected *e, bool print)
{
  bytes file;
  grove_parquet *p;
  grove_table *t = NULL;
  grove_status s;
  grove_error err = {0};
  uint64_t rows = 0;
  grove_parquet_options o = {GROVE_PARQUET, .batch_rows = 1009, .int96_overflow = 1};
  if (!open_file(e->path, &o, &file, &p, &s, &err)) {
    return;
  }
  if (s || (s = grove_parquet_read(p, 0, 0, &t, &err)) != GROVE_OK) {
    fail_msg("%s: %s", e->path, err.text);
  }
  uint64_t sum = digest(t), streamed = digest_stream(p, &rows);
  if (print) {
    printf("    {\"%s\", %zu, %zu, 0x%016llxu},\n", e->path, grove_table_rows(t),
        grove_table_columns(t), (unsigned long long)sum);
  } else if (grove_table_rows(t) != e->rows || grove_table_columns(t) != e->columns ||
             sum != e->digest) {
    fail_msg("%s: %zu rows, %zu columns, digest %016llx, should be %llu, %llu, %016llx", e->path,
        grove_table_rows(t), grove_table_columns(t), (unsigned long long)sum,
        (unsigned long long)e->rows, (unsigned long long)e->columns, (unsigned long long)e->digest);
  }
  if (rows != grove_table_rows(t) || (rows && streamed != sum)) {
    fail_msg("%s: stream and table differ", e->path);
  }
  grove_table_release(t);
  grove_parquet_close(p);
  free(file.p);
}

static void good_files(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    check_good(&good[i], false);
  }
}

static void refused_files(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    const refusal *r = &refused[i];
    bytes file;
    grove_parquet *p;
    grove_status s;
    grove_error err = {0};
    grove_parquet_options o = {
        GROVE_PARQUET, .no_crc = r->no_crc, .memory_bytes = (uint64_t)64 << 20};
    if (!open_file(r->path, &o, &file, &p, &s, &err)) {
      continue;
    }
    s = s ? s : grove_parquet_check(p, &err);
    if (s != r->status || !strstr(err.text, r->words)) {
      fail_msg("%s: %s \"%s\", should be %s \"%s\"", r->path, grove_status_text(s), err.text,
          grove_status_text(r->status), r->words);
    }
    grove_parquet_close(p);
    free(file.p);
  }
}

// With a plaintext footer the plain columns still read.
static void plain_columns_of_an_encrypted_file(void **state)
{
  (void)state;
  const char *const plain[] = {"int32_field", NULL};
  const char *const inside[] = {"arr.key_value.key", NULL};
  bytes file;
  grove_parquet *p;
  grove_table *t = NULL;
  grove_status s;
  grove_error err = {0};
  grove_parquet_options o = {GROVE_PARQUET, .columns = plain};
  if (open_file(
          DATA "encrypt_columns_plaintext_footer.parquet.encrypted", &o, &file, &p, &s, &err)) {
    check_ok_err(s, &err);
    check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
    assert_true(grove_table_rows(t) > 0);
    grove_table_release(t);
    grove_parquet_close(p);
    free(file.p);
  }
  o.columns = inside;
  if (open_file(DATA "large_string_map.brotli.parquet", &o, &file, &p, &s, &err)) {
    check_status(s, GROVE_ENOTSUP);
    check_contains(err.text, "column \"arr.key_value.key\" is, or stands in, a list or map");
    free(file.p);
  }
}

// ---- second witnesses -----------------------------------------------------------------------------

typedef struct text {
  char *p;
  size_t n;
} text;

static grove_status add_text(void *user, const void *p, size_t n, grove_error *err)
{
  text *t = user;
  (void)err;
  t->p = realloc(t->p, t->n + n);
  assert_non_null(t->p);
  memcpy(t->p + t->n, p, n);
  t->n += n;
  return GROVE_OK;
}

// A Parquet file as a table of what its CSV says: types and nulls are then what the CSV's reader makes of both.
static grove_table *read_as_csv(grove_parquet *p)
{
  grove_table *t = NULL, *out = NULL;
  struct ArrowArray rows;
  struct ArrowSchema schema;
  grove_lines *lines = NULL;
  text csv = {NULL, 0};
  grove_error err;
  const grove_lines_options o = {
      .struct_size = sizeof o, .form = GROVE_LINES_CSV, .put = add_text, .user = &csv};
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  check_ok_err(grove_table_export(t, &rows, &schema, &err), &err);
  check_ok_err(grove_lines_create(&schema, &o, &lines, &err), &err);
  check_ok_err(grove_lines_put(lines, &rows, 0, grove_table_rows(t), &err), &err);
  check_ok_err(grove_csv_parse(csv.p, csv.n, NULL, &out, &err), &err);
  grove_lines_destroy(lines);
  rows.release(&rows);
  schema.release(&schema);
  grove_table_release(t);
  free(csv.p);
  return out;
}

// CSVs of the values stand beside four of the files.
static void csvs_beside_files(void **state)
{
  static const char *const names[] = {"delta_binary_packed", "delta_byte_array",
      "delta_encoding_optional_column", "delta_encoding_required_column"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char name[200];
    bytes file, csv;
    grove_parquet *p;
    grove_status s;
    grove_table *want = NULL;
    grove_error err = {0};
    uint64_t a[256] = {0}, b[256] = {0};
    snprintf(name, sizeof name, DATA "%s.parquet", names[i]);
    if (!open_file(name, NULL, &file, &p, &s, &err)) {
      continue;
    }
    check_ok_err(s, &err);
    snprintf(name, sizeof name, DATA "%s_expect.csv", names[i]);
    csv = load_file(data_path(name));
    assert_non_null(csv.p);
    check_ok_err(grove_csv_parse((const char *)csv.p, csv.n, NULL, &want, &err), &err);
    grove_table *got = read_as_csv(p);
    assert_int_equal(grove_table_columns(got), grove_table_columns(want));
    assert_int_equal(grove_table_rows(got), grove_table_rows(want));
    digest_rows(got, 0, a); // names apart: one of a CSV has a blank in front
    digest_rows(want, 0, b);
    for (size_t c = 0; c < grove_table_columns(want); c++) {
      if (a[c] != b[c]) {
        fail_msg("%s: column \"%s\" is not that of the CSV", names[i], grove_table_name(want, c));
      }
    }
    grove_table_release(got);
    grove_table_release(want);
    grove_parquet_close(p);
    free(file.p);
    free(csv.p);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_files),
      cmocka_unit_test(refused_files),
      cmocka_unit_test(csvs_beside_files),
      cmocka_unit_test(plain_columns_of_an_encrypted_file),
  };
  if (argc > 1 && strcmp(argv[1], "print") == 0) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
      check_good(&good[i], true);
    }
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
