// Arrow arrays made from any bytes: lengths, offsets, counts, formats, missing buffers,
// dictionaries and what lies in the buffers. The interface says no buffer's size, so a producer can
// always lie by more memory than there is; here every buffer is as large as the lies that are told
// can reach.
#include "columnar/arrow.h"
#include "lines_check.h"
#include <grove/parquet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { COLUMNS = 3, BUFFERS = 6, ROWS_MOST = 64, BUFFER_BYTES = 8192, DATA_BYTES = 70000 };

typedef struct input {
  const uint8_t *p, *end;
} input;

typedef struct node {
  struct ArrowArray array;
  struct ArrowSchema schema;
  const void *buffers[BUFFERS];
  _Alignas(16) uint8_t memory[3][BUFFER_BYTES + 8];
  int64_t sizes[2];
} node;

typedef struct world {
  node columns[COLUMNS], dictionary, parents[COLUMNS];
  struct ArrowArray *inner[COLUMNS][2];
  struct ArrowSchema *inner_fields[COLUMNS][2];
  struct ArrowArray array, *children[COLUMNS];
  struct ArrowSchema schema, *fields[COLUMNS];
  const void *buffers[1];
  uint8_t validity[64];
  uint8_t *data; // what texts point into
} world;

static uint8_t next(input *in)
{
  return in->p < in->end ? *in->p++ : 0;
}

static void fill(input *in, void *to, size_t n)
{
  size_t left = (size_t)(in->end - in->p);
  size_t some = left < n ? left : n;
  memset(to, 0, n);
  if (some) {
    memcpy(to, in->p, some);
    in->p += some;
  }
}

// Mostly what fits, now and then anything at all.
static int64_t bend(input *in, int64_t good)
{
  int64_t odd = 0;
  uint8_t how = next(in);
  if (how < 240) {
    return good;
  }
  fill(in, &odd, 8);
  return how & 1 ? odd : good + (int8_t)how - 120;
}

static void release_array(struct ArrowArray *a)
{
  a->release = NULL;
}

static void release_schema(struct ArrowSchema *s)
{
  s->release = NULL;
}

// Offsets of 16 bits of noise, so that no text passes the data; as they come, or sorted and mostly
// right.
static void fill_offsets(input *in, node *n, int width)
{
  int sorted = next(in) & 3;
  int64_t sum = 0;
  for (int i = 0; i <= 3 * ROWS_MOST; i++) {
    int64_t offset = sorted ? (sum += next(in) & 7) : (int64_t)(next(in) * 256 + next(in)) - 256;
    memcpy(n->memory[1] + i * width, &offset, (size_t)width);
  }
}

// Names of all kinds, mostly one that is a text.
static const char *make_name(input *in)
{
  static const char *const names[] = {"", NULL, "a,\"b\"\n", "\xc3\xa4", "\xff", "\xc3"};
  size_t i = next(in);
  return i < sizeof names / sizeof *names ? names[i] : "c";
}

static void make_node(input *in, world *w, node *n, int64_t rows)
{
  static const char *const formats[] = {"n", "b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f",
      "g", "u", "U", "z", "Z", "vu", "vz", "w:3", "w:0", "d:9,2,32", "d:18,2,64", "d:19,4",
      "d:40,-4,256", "tdD", "tdm", "tts", "tsu:UTC", "tDn", "+l", "+s", "tin", "d:", "w:", "ts", "",
      "zz"};
  const char *format = formats[next(in) % (sizeof formats / sizeof formats[0])];
  bool text = strchr("uUzZ", format[0]) && format[0] && !format[1];
  bool views = format[0] == 'v';
  size_t shift = next(in) == 7 ? 1 : 0; // misaligned
  fill(in, n->memory[0], 32);
  if (text) {
    fill_offsets(in, n, format[0] == 'u' || format[0] == 'z' ? 4 : 8);
    shift = 0;
  } else {
    fill(in, n->memory[1], 64 + next(in) * 8);
  }
  n->sizes[0] = DATA_BYTES;
  n->sizes[1] = 16;
  uint8_t absent = next(in);
  n->buffers[0] = absent & 1 ? n->memory[0] : NULL;
  n->buffers[1] = absent >= 250 ? NULL : n->memory[1] + shift;
  n->buffers[2] = (absent & 0x3c) == 0x3c ? NULL : w->data;
  n->buffers[3] = views ? (const void *)n->sizes : NULL;
  n->array = (struct ArrowArray){.length = bend(in, rows),
      .null_count = bend(in, -1),
      .offset = bend(in, next(in) & 31),
      .n_buffers = bend(in, views              ? 4
                            : text             ? 3
                            : format[0] == 'n' ? 0
                                               : 2),
      .n_children = bend(in, 0),
      .buffers = n->buffers,
      .release = release_array};
  // What no importer can see through is kept out: rows behind the end of the buffers, and pointers that
  // are none.
  if (n->array.length > 2 * ROWS_MOST && n->array.length <= INT64_MAX / 64) {
    n->array.length = 2 * ROWS_MOST;
  }
  if (n->array.offset > ROWS_MOST && n->array.offset <= INT64_MAX / 64) {
    n->array.offset = ROWS_MOST;
  }
  if (views && n->array.n_buffers > 4) {
    n->array.n_buffers = 4;
  }
  n->schema = (struct ArrowSchema){.format = format, .name = make_name(in), .release = release_schema};
  if (next(in) == 9) { // released, as both say it
    n->array.release = NULL;
  } else if (next(in) == 9) {
    n->schema.release = NULL;
  }
}

// Puts a column into a list, a map or a struct; twice into itself is a tree that is too deep.
static void wrap_node(input *in, world *w, int i, int64_t rows)
{
  static const char *const formats[] = {"+l", "+L", "+s", "+m", "+w:2", "+w:0", "+w:", "+vl"};
  node *n = &w->parents[i];
  uint8_t how = next(in);
  const char *format = formats[how & 7];
  bool offsets = how & 8 || format[1] == 'l' || format[1] == 'L' || format[1] == 'm';
  fill(in, n->memory[0], 32);
  fill_offsets(in, n, format[1] == 'L' ? 8 : 4);
  n->buffers[0] = how & 16 ? n->memory[0] : NULL;
  n->buffers[1] = how == 255 ? NULL : n->memory[1];
  w->inner[i][0] = w->children[how >> 6 & 1 ? 0 : i];
  w->inner[i][1] = &w->columns[(i + 1) % COLUMNS].array;
  w->inner_fields[i][0] = w->fields[how >> 6 & 1 ? 0 : i];
  w->inner_fields[i][1] = &w->columns[(i + 1) % COLUMNS].schema;
  int64_t children = how & 32 ? 2 : 1;
  n->array = (struct ArrowArray){.length = bend(in, rows),
      .null_count = bend(in, -1),
      .offset = bend(in, next(in) & 31),
      .n_buffers = bend(in, offsets ? 2 : 1),
      .n_children = children,
      .buffers = n->buffers,
      .children = w->inner[i],
      .release = release_array};
  if (n->array.length > 2 * ROWS_MOST && n->array.length <= INT64_MAX / 64) {
    n->array.length = 2 * ROWS_MOST;
  }
  if (n->array.offset > ROWS_MOST && n->array.offset <= INT64_MAX / 64) {
    n->array.offset = ROWS_MOST;
  }
  n->schema = (struct ArrowSchema){.format = format,
      .name = "p",
      .n_children = next(in) < 250 ? children : 3 - children,
      .children = w->inner_fields[i],
      .release = release_schema};
  w->children[i] = &n->array;
  w->fields[i] = &n->schema;
}

static void make_world(input *in, world *w)
{
  int64_t rows = next(in) % ROWS_MOST;
  int64_t n = next(in) % COLUMNS + 1;
  int64_t offset = bend(in, next(in) & 15);
  offset = offset > ROWS_MOST ? ROWS_MOST : offset;
  for (int i = 0; i < COLUMNS; i++) {
    make_node(in, w, &w->columns[i], rows + (offset > 0 ? offset : 0));
    w->children[i] = &w->columns[i].array;
    w->fields[i] = &w->columns[i].schema;
  }
  for (int i = 0; i < COLUMNS; i++) {
    if (next(in) & 1) {
      wrap_node(in, w, i, rows + (offset > 0 ? offset : 0));
    }
  }
  if (next(in) & 1) {
    make_node(in, w, &w->dictionary, next(in) % ROWS_MOST);
    w->columns[0].array.dictionary = &w->dictionary.array;
    w->columns[0].schema.dictionary = &w->dictionary.schema;
  }
  fill(in, w->validity, sizeof w->validity);
  w->buffers[0] = next(in) & 1 ? w->validity : NULL;
  int64_t children = bend(in, n);
  w->array = (struct ArrowArray){.length = bend(in, rows),
      .null_count = bend(in, -1),
      .offset = offset,
      .n_buffers = bend(in, 1),
      .n_children = children,
      .buffers = w->buffers,
      .children = w->children,
      .release = release_array};
  w->schema = (struct ArrowSchema){
      .format = "+s", .n_children = n, .children = w->fields, .release = release_schema};
}

static grove_status count_rows(void *user, const char *key, const uint64_t *rows, size_t n)
{
  size_t *seen = user;
  *seen += n + (key && rows[0] == UINT64_MAX);
  return GROVE_OK;
}

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

typedef struct written {
  uint8_t *p;
  size_t n;
} written;

static grove_status keep_bytes(void *user, const void *bytes, size_t n, grove_error *err)
{
  written *w = user;
  uint8_t *more = realloc(w->p, w->n + n + 1);
  (void)err;
  if (!more) {
    return GROVE_ENOMEM;
  }
  w->p = more;
  memcpy(w->p + w->n, bytes, n);
  w->n += n;
  return GROVE_OK;
}

static grove_status end_bytes(void *user, int commit, grove_error *err)
{
  (void)user;
  (void)commit;
  (void)err;
  return GROVE_OK;
}

// What the writer takes, the reader gives back: as many rows, and each of them again.
static void write_and_read(const grove_table *t, uint8_t how)
{
  written w = {NULL, 0};
  const grove_sink sink = {sizeof sink, &w, keep_bytes, end_bytes};
  const grove_parquet_write_options o = {.struct_size = sizeof o,
      .codec = how % 3,
      .page_version = 1 + (how >> 2) % 2,
      .page_rows = 1 + (how >> 3) % 4 * 5,
      .group_rows = how & 32 ? 7 : 0,
      .no_dictionary = how < 240};
  grove_writer *to = NULL;
  grove_error err;
  require(grove_writer_of_sink(&sink, NULL, &to, &err) == GROVE_OK);
  grove_status s = grove_parquet_write(t, &o, to, &err);
  require(grove_writer_close(to, 1, NULL) == GROVE_OK);
  if (!s) {
    grove_source source;
    grove_parquet *p = NULL;
    grove_table *back = NULL;
    grove_source_of_memory(w.p, w.n, &source);
    require(grove_parquet_open(&source, NULL, &p, &err) == GROVE_OK);
    require(grove_parquet_rows(p) == grove_table_rows(t));
    require(grove_parquet_read(p, 0, 0, &back, &err) == GROVE_OK);
    require(grove_parquet_check(p, &err) == GROVE_OK);
    grove_table_release(back);
    grove_parquet_close(p);
  } else {
    require(s == GROVE_ENOTSUP || s == GROVE_ELIMIT || s == GROVE_EINVAL);
  }
  free(w.p);
}

typedef struct ordered {
  const uint64_t *next;
  size_t groups, rows;
  bool apart;
} ordered;

static grove_status hear_ordered(void *user, const char *key, const uint64_t *rows, size_t n)
{
  ordered *o = user;
  require(n > 0 && rows == o->next && (!key || key[0] != '\n' || n));
  for (size_t i = 1; i < n; i++) {
    require(rows[i] > rows[i - 1]);
    o->apart = o->apart || rows[i] != rows[i - 1] + 1;
  }
  o->next = rows + n;
  o->groups++;
  o->rows += n;
  return GROVE_OK;
}

// In key order; taken in that order, the table is in it and its groups lie side by side.
static void group_by_key(grove_table *t, size_t c)
{
  uint64_t order[4 * ROWS_MOST], again[4 * ROWS_MOST];
  ordered first = {.next = order}, second = {.next = again};
  grove_table *sorted = NULL;
  grove_error err;
  size_t rows = grove_table_rows(t);
  if (grove_table_group_sorted(t, c, order, hear_ordered, &first, &err)) {
    return;
  }
  require(first.rows == rows);
  require(grove_table_take(t, order, rows, &sorted, &err) == GROVE_OK);
  require(grove_table_group_sorted(sorted, c, again, hear_ordered, &second, &err) == GROVE_OK);
  require(second.groups == first.groups && !second.apart);
  grove_table_release(sorted);
}

static void use_table(grove_table *t, uint8_t how)
{
  uint64_t order[4 * ROWS_MOST];
  double numbers[4 * ROWS_MOST];
  grove_error err;
  size_t rows = grove_table_rows(t);
  require(rows <= 4 * ROWS_MOST);
  for (size_t c = 0; c < grove_table_columns(t); c++) {
    size_t seen = 0;
    grove_status s = grove_table_doubles(t, c, 0, rows, numbers, &err);
    require(s == GROVE_OK || s == GROVE_ENOTSUP);
    s = grove_table_group(t, c, order, count_rows, &seen, &err);
    require(s == GROVE_ENOTSUP || (s == GROVE_OK && seen == rows));
    group_by_key(t, c);
  }
  for (size_t i = 0; i < rows; i++) {
    order[i] = rows - 1 - i;
  }
  grove_table *some = NULL;
  require(grove_table_take(t, order, rows, &some, &err) == GROVE_OK);
  struct ArrowArray array;
  struct ArrowSchema schema;
  grove_table *back = NULL;
  require(grove_table_export(some, &array, &schema, &err) == GROVE_OK);
  lines_check(&schema, &array, NULL);
  require(grove_table_import(&array, &schema, &back, &err) == GROVE_OK);
  write_and_read(t, how);
  grove_table_release(some);
  grove_table_release(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
  input in = {data, data + bytes};
  world *w = calloc(1, sizeof *w);
  require(w != NULL);
  w->data = malloc(DATA_BYTES);
  require(w->data != NULL);
  memset(w->data, 'a', DATA_BYTES);
  fill(&in, w->data, bytes < 512 ? bytes / 4 : 128);
  make_world(&in, w);
  grove_table *t = NULL;
  grove_error err;
  grove_status s = grove_table_import(&w->array, &w->schema, &t, &err);
  require((s == GROVE_OK) == (t != NULL));
  if (t) {
    require(!w->array.release && !w->schema.release);
    use_table(t, (uint8_t)(bytes % 251));
    grove_table_release(t);
  } else {
    require(w->array.release && w->schema.release && err.status == s && err.text[0]);
  }
  free(w->data);
  free(w);
  return 0;
}
