// Each number of a footer and of all page headers, one at a time, set to 0, one less, one more, -1 and the largest: the
// right answer, or an error that says where. Files are first rewritten with every number at its longest, ten bytes, so
// that a change moves nothing.
#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/page.h"
#include "parquet_fixture.h"

enum { LIMIT_BYTES = 32 << 20, DEPTH = 24, CHUNKS = 256, ROOM = 1 << 22 };

// ---- Thrift, read and written again ---------------------------------------------------------------

typedef struct rewriting {
  const uint8_t *p, *end;
  uint8_t *to;
  int path[DEPTH]; // numbers of the fields that are open
  int depth;
  size_t numbers; // seen so far
  size_t target;  // the one that is changed; SIZE_MAX: none
  bool every;     // all of them are asked for
  int64_t (*change)(void *user, const struct rewriting *r, int64_t value);
  void *user;
} rewriting;

static uint64_t take_varint(rewriting *r)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    assert_true(r->p < r->end);
    uint8_t b = *r->p++;
    v |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      break;
    }
  }
  return v;
}

static void put_varint(rewriting *r, uint64_t v)
{
  for (int i = 0; i < 9; i++, v >>= 7) {
    *r->to++ = (uint8_t)(0x80 | (v & 0x7f));
  }
  *r->to++ = (uint8_t)(v & 1);
}

static uint64_t to_zigzag(int64_t v)
{
  return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

// A number's turn: the target is changed, others go as they are.
static int64_t turn(rewriting *r, int64_t value)
{
  return r->numbers++ == r->target || r->every ? r->change(r->user, r, value) : value;
}

static void rewrite_value(rewriting *r, int type);

static void rewrite_struct(rewriting *r)
{
  int id = 0;
  for (;;) {
    uint8_t head = *r->p++;
    if (!head) {
      *r->to++ = 0;
      return;
    }
    int64_t more = head >> 4;
    if (!more) {
      uint64_t u = take_varint(r);
      id = (int)((int64_t)(u >> 1) ^ -(int64_t)(u & 1));
    } else {
      id += (int)more;
    }
    *r->to++ = head & 15; // the long form
    put_varint(r, to_zigzag(id));
    assert_true(r->depth < DEPTH);
    r->path[r->depth++] = id;
    rewrite_value(r, head & 15);
    r->depth--;
  }
}

static void rewrite_list(rewriting *r)
{
  uint8_t head = *r->p++;
  int type = head & 15;
  int64_t n = head >> 4 == 15 ? (int64_t)take_varint(r) : head >> 4;
  *r->to++ = (uint8_t)(0xf0 | type);
  put_varint(r, (uint64_t)turn(r, n));
  for (int64_t i = 0; i < n; i++) {
    if (type <= GROVE__THRIFT_FALSE) {
      *r->to++ = *r->p++;
    } else {
      rewrite_value(r, type);
    }
  }
}

static void rewrite_value(rewriting *r, int type)
{
  int64_t n;
  switch (type) {
  case GROVE__THRIFT_TRUE:
  case GROVE__THRIFT_FALSE: return;
  case GROVE__THRIFT_I8: *r->to++ = *r->p++; return;
  case GROVE__THRIFT_I16:
  case GROVE__THRIFT_I32:
  case GROVE__THRIFT_I64: {
    uint64_t u = take_varint(r);
    put_varint(r, to_zigzag(turn(r, (int64_t)(u >> 1) ^ -(int64_t)(u & 1))));
    return;
  }
  case GROVE__THRIFT_BINARY:
    n = (int64_t)take_varint(r);
    assert_true(n <= r->end - r->p);
    put_varint(r, (uint64_t)turn(r, n));
    memcpy(r->to, r->p, (size_t)n);
    r->to += n;
    r->p += n;
    return;
  case GROVE__THRIFT_LIST: rewrite_list(r); return;
  case GROVE__THRIFT_STRUCT: rewrite_struct(r); return;
  default: fail_msg("a Thrift type %d", type);
  }
}

// Rewrites the struct of n bytes at p to `to`. Gives the bytes written.
static size_t rewrite(rewriting *r, const uint8_t *p, size_t n, uint8_t *to)
{
  r->p = p;
  r->end = p + n;
  r->to = to;
  r->depth = 0;
  r->numbers = 0;
  rewrite_struct(r);
  return (size_t)(r->to - to);
}

// ---- files of long numbers ------------------------------------------------------------------------

// A struct in the rewritten file, and where it began before.
typedef struct place {
  uint64_t before, at, bytes;
} place;

typedef struct long_file {
  bytes file;
  place places[2048]; // of page headers; the last is the footer
  size_t n;
  uint64_t sizes[CHUNKS]; // of chunks, in the footer's order
  size_t n_chunks, chunk;
} long_file;

static uint64_t footer_of(bytes file)
{
  uint32_t n;
  memcpy(&n, file.p + file.n - 8, 4);
  return file.n - 8 - n;
}

// Offsets and sizes of chunks as they are now.
static int64_t move_number(void *user, const rewriting *r, int64_t value)
{
  long_file *l = user;
  bool meta = r->depth == 4 && r->path[0] == 4 && r->path[1] == 1 && r->path[2] == 3;
  if (meta && r->path[3] == 7) {
    assert_true(l->chunk < l->n_chunks);
    return (int64_t)l->sizes[l->chunk++];
  }
  for (size_t i = 0; meta && (r->path[3] == 9 || r->path[3] == 11) && i < l->n; i++) {
    if (l->places[i].before == (uint64_t)value) {
      return (int64_t)l->places[i].at;
    }
  }
  return value;
}

static void keep_place(long_file *l, uint64_t before, const uint8_t *from, const uint8_t *to)
{
  assert_true(l->n < sizeof l->places / sizeof l->places[0]);
  l->places[l->n++] = (place){before, (uint64_t)(from - l->file.p), (uint64_t)(to - from)};
}

// Headers and bodies of a chunk's pages, behind `to`.
static uint8_t *copy_pages(long_file *l, bytes file, uint64_t at, uint64_t end, uint8_t *to)
{
  uint8_t *start = to;
  while (at < end) {
    grove__page_head h;
    size_t used = 0;
    bool cut = false;
    rewriting r = {.target = SIZE_MAX};
    assert_null(grove__page_head_read(&h, file.p + at, (size_t)(file.n - at), &used, &cut));
    uint8_t *from = to;
    to += rewrite(&r, file.p + at, used, to);
    keep_place(l, at, from, to);
    memcpy(to, file.p + at + used, h.packed);
    to += h.packed;
    at += used + h.packed;
  }
  l->sizes[l->n_chunks++] = (uint64_t)(to - start);
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
  check_ok_err(grove__footer_read(&f, &grove__allocator_malloc, file.p + at,
                   (size_t)(file.n - 8 - at), at, &err),
      &err);
  for (size_t g = 0; g < f.n_groups; g++) {
    for (size_t i = 0; i < f.n_leaves; i++) {
      const grove__chunk *c = &f.groups[g].chunks[i];
      assert_true(l->n_chunks < CHUNKS);
      to = copy_pages(l, file, c->start, c->start + c->bytes, to);
    }
  }
  grove__footer_free(&f);
  rewriting r = {.every = true, .change = move_number, .user = l};
  uint8_t *from = to;
  to += rewrite(&r, file.p + at, (size_t)(file.n - 8 - at), to);
  keep_place(l, at, from, to);
  uint32_t n = (uint32_t)(to - from);
  memcpy(to, &n, 4);
  memcpy(to + 4, "PAR1", 4);
  l->file.n = (size_t)(to + 8 - l->file.p);
  assert_true(l->file.n < ROOM);
}

// ---- one number at a time -------------------------------------------------------------------------

// The table's digest; *s and *err say what went wrong.
static uint64_t read_file(bytes file, grove_status *s, grove_error *err)
{
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  uint64_t sum = 0;
  grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = LIMIT_BYTES, .allocator = &a};
  grove_source_of_memory(file.p, file.n, &source);
  memset(err, 0, sizeof *err);
  *s = grove_parquet_open(&source, &o, &p, err);
  if (!*s) {
    *s = grove_parquet_read(p, 0, 0, &t, err);
  }
  if (!*s) {
    sum = digest(t) ^ grove_table_rows(t);
    *s = grove_parquet_check(p, err);
  }
  grove_table_release(t);
  grove_parquet_close(p);
  assert_int_equal(memory.live_blocks, 0);
  assert_true(memory.peak_bytes < LIMIT_BYTES + (1 << 20));
  return sum;
}

// What is no length, offset or count, so that another number can be as good a file: the schema's types and names, codecs,
// encodings, statistics, metadata, versions.
static bool may_mean_more(const rewriting *r, bool footer)
{
  const int *p = r->path;
  if (!footer) {
    return r->depth == 1 ? p[0] == 1 // the page's type
                         : r->depth == 2 && ((p[0] == 5 && p[1] != 1) || (p[0] == 7 && p[1] == 2) ||
                                                (p[0] == 8 && p[1] == 4) || p[1] > 8);
  }
  bool meta = r->depth >= 4 && p[0] == 4 && p[1] == 1 && p[2] == 3;
  return p[0] == 2 || (p[0] == 4 && r->depth == 2 && p[1] > 3) ||
         (meta && p[3] != 5 && p[3] != 7 && p[3] != 9 && p[3] != 11);
}

typedef struct bending {
  int how; // which change
  bool footer, exempt;
} bending;

enum { CHANGES = 7 };

static int64_t bend(void *user, const rewriting *r, int64_t value)
{
  bending *b = user;
  b->exempt = may_mean_more(r, b->footer);
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
  rewriting count = {.target = SIZE_MAX};
  rewrite(&count, good, (size_t)where->bytes, scratch);
  for (size_t k = 0; k < count.numbers; k++) {
    bending b = {.footer = where == &l->places[l->n - 1]};
    for (b.how = 0; b.how < CHANGES; b.how++) {
      rewriting r = {.target = k, .change = bend, .user = &b};
      grove_status s;
      grove_error err;
      assert_int_equal(rewrite(&r, good, (size_t)where->bytes, at), where->bytes);
      uint64_t sum = read_file(l->file, &s, &err);
      ++*tried;
      *refused += s != GROVE_OK;
      if (s ? !says_where(&err) : !b.exempt && sum != want) {
        fail_msg("%s, struct at %llu, number %zu, change %d: %s", name,
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
      cmocka_unit_test(files_of_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
