// Each number of a footer, of all page headers, page indexes and heads of bloom filters, one at a time, set to 0, one less,
// one more, -1 and the largest: the right answer, or an error that says where. Files are first rewritten with every number
// at its longest, so that a change moves nothing.
#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/page.h"
#include "nested_table.h"
#include "thrift_rewrite.h"

enum { LIMIT_BYTES = 32 << 20, CHUNKS = 256, ROOM = 1 << 22 };

// ---- files of long numbers ------------------------------------------------------------------------

typedef enum file_part { PART_PAGE, PART_OFFSETS, PART_COLUMNS, PART_FILTER, PART_FOOTER } file_part;

// A struct in the rewritten file, and where it began before.
typedef struct place {
  uint64_t before, at, bytes;
  uint64_t whole; // with what belongs to it behind: a filter's bits
  file_part part;
} place;

typedef struct long_file {
  bytes file;
  place places[2048]; // the last is the footer
  size_t n;
  uint64_t sizes[CHUNKS]; // of chunks, in the footer's order
  size_t n_chunks, chunk;
  uint64_t last_whole; // of the place whose offset was asked for last
} long_file;

static uint64_t footer_of(bytes file)
{
  uint32_t n;
  memcpy(&n, file.p + file.n - 8, 4);
  return file.n - 8 - n;
}

// Offsets and sizes of chunks, indexes and filters as they are now.
static int64_t move_number(void *user, const rewriting *r, int64_t value)
{
  long_file *l = user;
  const int *p = r->path;
  bool chunk = r->depth >= 3 && p[0] == 4 && p[1] == 1;
  bool meta = chunk && r->depth == 4 && p[2] == 3;
  if (meta && p[3] == 7) {
    assert_true(l->chunk < l->n_chunks);
    return (int64_t)l->sizes[l->chunk++];
  }
  if ((meta && p[3] == 15) || (chunk && r->depth == 3 && (p[2] == 5 || p[2] == 7))) {
    return (int64_t)l->last_whole;
  }
  bool offset = meta ? p[3] == 9 || p[3] == 11 || p[3] == 14
                     : chunk && r->depth == 3 && (p[2] == 4 || p[2] == 6);
  for (size_t i = 0; offset && i < l->n; i++) {
    if (l->places[i].before == (uint64_t)value) {
      l->last_whole = l->places[i].whole;
      return (int64_t)l->places[i].at;
    }
  }
  return value;
}

// Rewrites the struct at `before` to `to`, with `behind` bytes that follow it. Gives the end of all.
static uint8_t *keep(long_file *l, bytes file, uint64_t before, size_t n, size_t behind, file_part part,
    uint8_t *to)
{
  rewriting r = {.target = SIZE_MAX, .small = part == PART_FILTER};
  if (part == PART_FOOTER) {
    r = (rewriting){.every = true, .change = move_number, .user = l};
  }
  uint64_t at = (uint64_t)(to - l->file.p);
  size_t bytes_now = rewrite(&r, file.p + before, n, to);
  assert_true(l->n < sizeof l->places / sizeof l->places[0]);
  memcpy(to + bytes_now, file.p + before + n, behind);
  l->places[l->n++] = (place){before, at, bytes_now, bytes_now + behind, part};
  return to + bytes_now + behind;
}

// Headers and bodies of a chunk's pages, behind `to`.
static uint8_t *copy_pages(long_file *l, bytes file, uint64_t at, uint64_t end, uint8_t *to)
{
  uint8_t *start = to;
  while (at < end) {
    grove__page_head h;
    size_t used = 0;
    bool cut = false;
    assert_null(grove__page_head_read(&h, file.p + at, (size_t)(file.n - at), &used, &cut));
    to = keep(l, file, at, used, h.packed, PART_PAGE, to);
    at += used + h.packed;
  }
  l->sizes[l->n_chunks++] = (uint64_t)(to - start);
  return to;
}

// How long a struct is that other bytes follow.
static size_t measure(bytes file, uint64_t at)
{
  static uint8_t lost[1 << 16];
  rewriting r = {.target = SIZE_MAX};
  rewrite(&r, file.p + at, (size_t)(file.n - at), lost);
  return (size_t)(r.p - (file.p + at));
}

static uint8_t *copy_extras(long_file *l, bytes file, const grove__chunk *c, uint8_t *to)
{
  if (c->offset_index.bytes) {
    to = keep(l, file, c->offset_index.at, c->offset_index.bytes, 0, PART_OFFSETS, to);
  }
  if (c->column_index.bytes) {
    to = keep(l, file, c->column_index.at, c->column_index.bytes, 0, PART_COLUMNS, to);
  }
  if (c->bloom.bytes > 1) {
    size_t n = measure(file, c->bloom.at);
    to = keep(l, file, c->bloom.at, n, c->bloom.bytes - n, PART_FILTER, to);
  }
  return to;
}

static void make_long(long_file *l, bytes file)
{
  grove__footer f;
  grove_error err;
  uint64_t at = footer_of(file);
  *l = (long_file){.file = {malloc(ROOM), 0}};
  assert_non_null(l->file.p);
  memcpy(l->file.p, "PAR1", 4);
  uint8_t *to = l->file.p + 4;
  check_ok_err(grove__footer_read(&f, &grove__allocator_malloc, 0, 0, file.p + at,
                   (size_t)(file.n - 8 - at), at, &err),
      &err);
  for (size_t g = 0; g < f.n_groups; g++) {
    for (size_t i = 0; i < f.n_leaves; i++) {
      const grove__chunk *c = &f.groups[g].chunks[i];
      assert_true(l->n_chunks < CHUNKS);
      to = copy_pages(l, file, c->start, c->start + c->bytes, to);
      to = copy_extras(l, file, c, to);
    }
  }
  grove__footer_free(&f);
  uint8_t *from = to;
  to = keep(l, file, at, (size_t)(file.n - 8 - at), 0, PART_FOOTER, to);
  uint32_t n = (uint32_t)(to - from);
  memcpy(to, &n, 4);
  memcpy(to + 4, "PAR1", 4);
  l->file.n = (size_t)(to + 8 - l->file.p);
  assert_true(l->file.n < ROOM);
}

// ---- one number at a time -------------------------------------------------------------------------

// Of a batch's rows that match, the sum of what they say, wherever they stand.
static uint64_t sum_matching(const grove_table *t, double low, double high)
{
  double number;
  uint64_t sum = 0;
  for (size_t i = 0; i < grove_table_rows(t); i++) {
    check_ok(grove_table_doubles(t, 0, i, 1, &number, NULL));
    for (size_t c = 0; number >= low && number <= high && c < grove_table_columns(t); c++) {
      grove__column_view v;
      grove__layout layout;
      grove__table_view(t, c, &v);
      check_ok(grove__layout_any(v.format, &layout));
      sum += grove__mix64(hash_row(&v, &layout, (int64_t)i) + c);
    }
  }
  return sum;
}

// What comes of a file whose first column is "row" by a rule: rows low to high match it. Page index and filters are asked.
static uint64_t read_by_rule(const grove_source *source, const grove_allocator *a, const char *rule,
    double low, double high, grove_status *s, grove_error *err)
{
  grove_parquet *p = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  struct ArrowSchema schema;
  uint64_t sum = 0;
  grove_parquet_options o = {
      GROVE_PARQUET, .rule = rule, .batch_rows = 6, .memory_bytes = LIMIT_BYTES, .allocator = a};
  *s = grove_parquet_open(source, &o, &p, err);
  if (*s || (*s = grove_parquet_stream(p, 0, 0, &in, err)) != GROVE_OK) {
    grove_parquet_close(p);
    return 0;
  }
  while (in.get_next(&in, &batch) == 0 && batch.release) {
    grove_table *t = NULL;
    assert_int_equal(in.get_schema(&in, &schema), 0);
    check_ok_err(grove_table_import(&batch, &schema, &t, err), err);
    sum += sum_matching(t, low, high);
    grove_table_release(t);
  }
  if (in.get_last_error(&in)) {
    *s = GROVE_ECORRUPT;
    snprintf(err->text, sizeof err->text, "%s", in.get_last_error(&in));
  }
  in.release(&in);
  grove_parquet_close(p);
  return sum;
}

// The table's digest, and what comes by rules; *s and *err say what went wrong.
static uint64_t read_file(bytes file, grove_status *s, grove_error *err)
{
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  uint64_t sum = 0;
  bool numbered = false;
  grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = LIMIT_BYTES, .allocator = &a};
  grove_source_of_memory(file.p, file.n, &source);
  memset(err, 0, sizeof *err);
  *s = grove_parquet_open(&source, &o, &p, err);
  if (!*s) {
    *s = grove_parquet_read(p, 0, 0, &t, err);
  }
  if (!*s) {
    sum = digest(t) ^ grove_table_rows(t);
    numbered = strcmp(grove_table_name(t, 0), "row") == 0;
    *s = grove_parquet_check(p, err);
  }
  grove_table_release(t);
  grove_parquet_close(p);
  if (!*s && numbered) {
    sum ^= read_by_rule(&source, &a, "row >= 44", 44, 49, s, err);
  }
  if (!*s && numbered) {
    sum ^= read_by_rule(&source, &a, "row == 21", 21, 21, s, err);
  }
  assert_int_equal(memory.live_blocks, 0);
  assert_true(memory.peak_bytes < LIMIT_BYTES + (1 << 20));
  return sum;
}

// What is no length, offset or count, so that another number can be as good a file: the schema's types and names, codecs,
// encodings, statistics, metadata, versions. And the one number that can't be proved without reading what it spares: at
// which row a page begins, by its index.
static bool may_mean_more(const rewriting *r, file_part part)
{
  const int *p = r->path;
  if (part == PART_OFFSETS) {
    return r->depth == 2 && p[0] == 1 && p[1] == 3;
  }
  if (part != PART_PAGE && part != PART_FOOTER) {
    return false;
  }
  if (part == PART_PAGE) {
    return r->depth == 1 ? p[0] == 1 // the page's type
                         : r->depth == 2 && ((p[0] == 5 && p[1] != 1) || (p[0] == 7 && p[1] == 2) ||
                                                (p[0] == 8 && p[1] == 4) || p[1] > 8);
  }
  bool meta = r->depth >= 4 && p[0] == 4 && p[1] == 1 && p[2] == 3;
  return p[0] == 2 || (p[0] == 4 && r->depth == 2 && p[1] > 3) ||
         (meta && p[3] != 5 && p[3] != 7 && p[3] != 9 && p[3] != 11 && p[3] != 14 && p[3] != 15);
}

typedef struct bending {
  int how; // which change
  file_part part;
  bool exempt;
} bending;

enum { CHANGES = 7 };

static int64_t bend(void *user, const rewriting *r, int64_t value)
{
  bending *b = user;
  b->exempt = may_mean_more(r, b->part);
  switch (b->how) {
  case 0: return 0;
  case 1: return value - 1;
  case 2: return value + 1;
  case 3: return -1;
  case 4: return INT32_MAX;
  case 5: return INT64_MAX;
  default: return INT64_MIN;
  }
}

static bool says_where(const grove_error *err)
{
  return strstr(err->text, "row group") || strstr(err->text, "offset") ||
         strstr(err->text, "column \"") || err->status == GROVE_ELIMIT;
}

static void bend_place(const long_file *l, const place *where, uint64_t want, const char *name,
    size_t *refused, size_t *tried)
{
  uint8_t *scratch = malloc((size_t)where->bytes);
  uint8_t *good = malloc((size_t)where->bytes);
  uint8_t *at = l->file.p + where->at;
  assert_true(scratch && good);
  memcpy(good, at, (size_t)where->bytes);
  bool small = where->part == PART_FILTER;
  rewriting count = {.target = SIZE_MAX, .small = small};
  rewrite(&count, good, (size_t)where->bytes, scratch);
  for (size_t k = 0; k < count.numbers; k++) {
    bending b = {.part = where->part};
    for (b.how = 0; b.how < CHANGES; b.how++) {
      rewriting r = {.target = k, .small = small, .change = bend, .user = &b};
      grove_status s;
      grove_error err;
      assert_int_equal(rewrite(&r, good, (size_t)where->bytes, at), where->bytes);
      uint64_t sum = read_file(l->file, &s, &err);
      ++*tried;
      *refused += s != GROVE_OK;
      if (s ? !says_where(&err) : !b.exempt && sum != want) {
        fail_msg("%s, struct %d at %llu, number %zu, change %d: %s", name, where->part,
            (unsigned long long)where->at, k, b.how, s ? err.text : "another answer");
      }
    }
  }
  memcpy(at, good, (size_t)where->bytes);
  free(scratch);
  free(good);
}

static void bend_file(bytes file, const char *name)
{
  static long_file l;
  grove_status s;
  grove_error err;
  size_t refused = 0, tried = 0;
  uint64_t before = read_file(file, &s, &err);
  check_ok_err(s, &err);
  make_long(&l, file);
  uint64_t want = read_file(l.file, &s, &err);
  check_ok_err(s, &err);
  assert_int_equal(want, before);
  for (size_t i = 0; i < l.n; i++) {
    bend_place(&l, &l.places[i], want, name, &refused, &tried);
  }
  assert_true(tried > 50 && refused > tried / 4);
  free(l.file.p);
}

// v1 and v2 pages, with dictionaries and without, page indexes and bloom filters, flat and nested.
static void numbered_files(void **state)
{
  static const char *const flat[] = {"l", "u", "w:5", "b"};
  static const char *const nested[] = {"+l(l)", "+m(u;+l(i))"};
  static const char *const bloom[] = {"row", NULL};
  (void)state;
  for (uint32_t i = 0; i < 4; i++) {
    char name[40];
    grove_table *t = i < 2 ? table_of_specs(flat, 4, 50, 2, 9, 7, true)
                           : table_of_specs(nested, 2, 50, 2, 9, 7, true);
    const grove_parquet_write_options o = {.struct_size = sizeof o,
        .page_rows = 10,
        .page_version = 1 + i % 2,
        .no_dictionary = i == 1 || i == 2,
        .codec = i,
        .bloom = bloom};
    const grove_parquet_write_options last = {.struct_size = sizeof last,
        .page_rows = 10,
        .page_version = 2,
        .bloom = bloom};
    snprintf(name, sizeof name, "numbered form %u", i);
    bytes file = write_table(t, i < 3 ? &o : &last);
    bend_file(file, name);
    free(file.p);
    grove_table_release(t);
  }
}

static void our_files(void **state)
{
  static const column_plan plans[] = {{"l", 2, 40}, {"u", 2, 9}, {"b", 3, 2}, {"w:5", 1, 4}};
  (void)state;
  grove_table *t = random_table(plans, 4, 50, 7);
  const grove_parquet_write_options forms[] = {{.struct_size = sizeof forms[0], .group_rows = 30},
      {.struct_size = sizeof forms[0], .codec = GROVE_CODEC_NONE, .no_dictionary = 1, .page_rows = 20},
      {.struct_size = sizeof forms[0], .codec = GROVE_CODEC_ZSTD, .page_version = 2}};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    char name[40];
    snprintf(name, sizeof name, "form %zu", i);
    bytes file = write_table(t, &forms[i]);
    bend_file(file, name);
    free(file.p);
  }
  grove_table_release(t);
}

// Of other writers, with lists, delta encodings and what old ones did; where the data is.
static void files_of_others(void **state)
{
  static const char *const names[] = {"list_columns", "nested_lists.snappy", "nested_maps.snappy",
      "repeated_no_annotation", "nulls.snappy", "datapage_v2.snappy", "byte_stream_split.zstd",
      "rle_boolean_encoding", "null_list", "old_list_structure"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/parquet-testing/data/%s.parquet", GROVE_DATA_DIR, names[i]);
    bytes file = load_file(path);
    if (!file.p) {
      print_message("skipped, not there: %s\n", names[i]);
      continue;
    }
    bend_file(file, names[i]);
    free(file.p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(our_files),
      cmocka_unit_test(numbered_files),
      cmocka_unit_test(files_of_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
