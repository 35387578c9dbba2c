// Opens a file: tail, footer, chosen columns, and the proof of what will be read of them.
#include "parquet/file.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "parquet/bits.h"
#include "parquet/prune.h"
#include <stdio.h>

enum { TAIL_BYTES = 64 * 1024, SMALLEST = 12, READ_AHEAD = 128 * 1024, LEAST_AHEAD = 4096 };

// ---- the tail -------------------------------------------------------------------------------------

// The first bytes, fit for an error's text.
static void show_start(const uint8_t *p, size_t n, char *out)
{
  n = n < 12 ? n : 12;
  for (size_t i = 0; i < n; i++) {
    out[i] = (char)(p[i] >= 32 && p[i] < 127 ? p[i] : '.');
  }
  out[n] = 0;
}

// Says why a file without the last four bytes is none, by its first ones.
static grove_status refuse_tail(const grove_source *in, grove_error *err)
{
  uint8_t head[12] = {0};
  char shown[16];
  size_t n = in->bytes < sizeof head ? (size_t)in->bytes : sizeof head;
  GROVE__TRY(in->read_at(in->user, 0, head, n, err));
  if (n >= 4 && memcmp(head, "PAR1", 4) == 0) {
    return grove__error(err, GROVE_ECORRUPT, (int64_t)in->bytes,
        "it starts with PAR1 but does not end so: the file is cut short (it has %llu bytes)",
        (unsigned long long)in->bytes);
  }
  show_start(head, n, shown);
  return grove__error(err, GROVE_ECORRUPT, 0,
      "it does not start with PAR1 but with \"%s\": not a Parquet file", shown);
}

// The footer's bytes, and where in the file they lie. `block` holds them.
typedef struct tail {
  grove__block block;
  const uint8_t *bytes;
  size_t n;
  uint64_t at;
} tail;

// A footer of up to TAIL_BYTES is held by the first look at the file, whatever the limit.
static uint64_t counted(const tail *t)
{
  return t->n <= TAIL_BYTES - 8 ? 0 : t->n;
}

static grove_status read_tail(const grove_source *in, grove__budget *b, uint64_t most, tail *t, grove_error *err)
{
  if (in->bytes == 0) {
    return grove__error(err, GROVE_ECORRUPT, 0, "the file is empty (0 bytes): not a Parquet file");
  }
  size_t last = in->bytes < TAIL_BYTES ? (size_t)in->bytes : TAIL_BYTES;
  if (last < SMALLEST) {
    return refuse_tail(in, err);
  }
  GROVE__TRY(grove__block_reserve(b, &t->block, last, "a Parquet footer", err));
  GROVE__TRY(in->read_at(in->user, in->bytes - last, t->block.p, last, err));
  const uint8_t *end = t->block.p + last - 8;
  if (memcmp(end + 4, "PARE", 4) == 0) {
    return grove__error(err, GROVE_ENOTSUP, (int64_t)in->bytes - 4,
        "the footer is encrypted (PARE), which we don't read");
  }
  if (memcmp(end + 4, "PAR1", 4) != 0) {
    return refuse_tail(in, err);
  }
  t->n = grove__load32(end);
  if (t->n > in->bytes - SMALLEST) {
    return grove__error(err, GROVE_ECORRUPT, (int64_t)in->bytes - 8,
        "the footer is said to have %zu bytes, in a file of %llu", t->n,
        (unsigned long long)in->bytes);
  }
  t->at = in->bytes - 8 - t->n;
  if (t->n <= last - 8) {
    t->bytes = end - t->n;
    return GROVE_OK;
  }
  if (most && counted(t) > most) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "footer: its %zu bytes are more than the limit of %llu bytes (memory_bytes)", t->n,
        (unsigned long long)most);
  }
  GROVE__TRY(grove__block_reserve(b, &t->block, t->n, "a Parquet footer", err));
  t->bytes = t->block.p;
  return in->read_at(in->user, t->at, t->block.p, t->n, err);
}

// ---- proof ----------------------------------------------------------------------------------------

static const char *chunk_flaw(
    const grove__chunk *c, const grove__leaf *leaf, const grove__group *g, uint64_t footer_at)
{
  if (c->encrypted || c->elsewhere) {
    return NULL; // refused by name when it is read
  }
  if (!c->present) {
    return "it has no metadata";
  }
  if (c->physical != leaf->physical) {
    return "its physical type is not the schema's";
  }
  if (leaf->flat ? c->values != g->rows : c->values < g->rows) {
    return leaf->flat ? "its number of values is not the number of rows"
                      : "its number of values is below the number of rows";
  }
  if (c->values == 0) {
    return NULL; // nothing will be read; some writers say that it lies at 0
  }
  if (c->start < 4 || c->start > footer_at || c->bytes > footer_at - c->start) {
    return "it does not lie between the file's first bytes and its footer";
  }
  return NULL;
}

static grove_status prove_chunk(
    const grove_parquet *p, size_t g, size_t leaf, uint64_t footer_at, grove_error *err)
{
  const grove__group *group = &p->footer.groups[g];
  const grove__chunk *c = &group->chunks[leaf];
  const char *flaw = chunk_flaw(c, &p->footer.leaves[leaf], group, footer_at);
  if (!flaw) {
    return GROVE_OK;
  }
  return grove__error(err, GROVE_ECORRUPT, (int64_t)footer_at,
      "row group %zu, column \"%.100s\", footer at %llu: the column chunk (%llu values, of %llu rows, "
      "%llu bytes at %llu): %s",
      g, p->footer.leaves[leaf].path, (unsigned long long)footer_at, (unsigned long long)c->values,
      (unsigned long long)group->rows,
      (unsigned long long)c->bytes, (unsigned long long)c->start, flaw);
}

static grove_status prove(const grove_parquet *p, uint64_t footer_at, grove_error *err)
{
  if (p->options.salvage) {
    return GROVE_OK;
  }
  for (size_t g = 0; g < p->footer.n_groups; g++) {
    for (size_t i = 0; i < p->n_read; i++) {
      for (size_t k = 0; k < grove__parquet_leaves(p, i); k++) {
        GROVE__TRY(prove_chunk(p, g, p->selected[i] + k, footer_at, err));
      }
    }
  }
  return GROVE_OK;
}

// ---- open and close -------------------------------------------------------------------------------

static grove_status take_options(grove_parquet *p, const grove_parquet_options *o, grove_error *err)
{
  grove_status s = grove__options_read(&p->options, sizeof p->options, o);
  if (s) {
    return grove__error(err, s, -1, "grove_parquet_options: struct_size %u is not understood",
        o ? o->struct_size : 0);
  }
  if (p->options.work) {
    s = grove__options_read(&p->work, sizeof p->work, p->options.work);
    if (s) {
      return grove__error(err, s, -1, "grove_work: struct_size is not understood");
    }
  }
  p->allocator = grove__allocator_of(p->options.allocator);
  return GROVE_OK;
}

size_t grove__parquet_scans(const grove_parquet *p)
{
  size_t n = 0;
  for (size_t i = 0; i < p->n_read; i++) {
    n += grove__parquet_leaves(p, i);
  }
  return n;
}

// Each column has a window of its own: all of them together are worth an eighth of the budget.
static size_t choose_ahead(const grove_parquet *p)
{
  size_t ahead = p->n_read > 8 ? READ_AHEAD / 2 : READ_AHEAD;
  uint64_t share = p->options.memory_bytes / 8 / (grove__parquet_scans(p) + 1);
  if (p->options.memory_bytes && share < ahead) {
    ahead = share < LEAST_AHEAD ? LEAST_AHEAD : (size_t)share;
  }
  return ahead;
}

static grove_status load(grove_parquet *p, grove_error *err)
{
  grove__budget budget = {.allocator = p->allocator};
  tail t = {0};
  uint64_t most = p->options.memory_bytes;
  grove_status s = read_tail(&p->source, &budget, most, &t, err);
  if (!s) {
    s = grove__footer_read(
        &p->footer, &p->allocator, most, most ? counted(&t) : 0, t.bytes, t.n, t.at, err);
  }
  if (!s) {
    s = grove__parquet_select(p, p->options.columns, err);
    p->n_read = p->n_selected;
  }
  if (!s && p->options.columns && p->options.formats) {
    s = grove__parquet_formats(p, p->options.formats, err);
  }
  if (!s && p->options.rule) {
    s = grove__prune_open(p, p->options.rule, err);
  }
  p->read_ahead = s ? 0 : choose_ahead(p);
  p->footer.elements = NULL; // their names lie in the block
  grove__block_free(&budget, &t.block);
  p->footer_at = t.at;
  return s ? s : prove(p, t.at, err);
}

grove_status grove_parquet_open(
    const grove_source *in, const grove_parquet_options *o, grove_parquet **out, grove_error *err)
{
  grove_parquet first;
  if (!in || in->struct_size < offsetof(grove_source, close) || !in->read_at || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_parquet_open wants a source and an out");
  }
  *out = NULL;
  memset(&first, 0, sizeof first);
  GROVE__TRY(take_options(&first, o, err));
  if (grove__options_read(&first.source, sizeof first.source, in)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_source: struct_size %u is not understood", in->struct_size);
  }
  grove_parquet *p = grove__alloc(&first.allocator, sizeof *p);
  if (!p) {
    return grove__error_memory(err, "a Parquet file", sizeof *p);
  }
  *p = first;
  p->options.work = o && p->options.work ? &p->work : NULL;
  grove_status s = load(p, err);
  p->options.columns = NULL; // the caller's; read by now
  p->options.formats = NULL;
  p->options.rule = NULL;
  p->options.allocator = NULL;
  if (s) {
    grove_parquet_close(p);
    return s;
  }
  *out = p;
  return GROVE_OK;
}

void grove_parquet_close(grove_parquet *p)
{
  if (p) {
    grove_allocator a = p->allocator;
    grove__prune_close(p);
    grove__footer_free(&p->footer);
    grove__free(&a, p, sizeof *p);
  }
}

uint64_t grove_parquet_rows(const grove_parquet *p)
{
  return p ? p->footer.rows : 0;
}

size_t grove_parquet_groups(const grove_parquet *p)
{
  return p ? p->footer.n_groups : 0;
}

const grove__leaf *grove__parquet_leaf(const grove_parquet *p, size_t i)
{
  return &p->footer.leaves[p->selected[i]];
}

const char *grove__parquet_format(const grove_parquet *p, size_t i)
{
  bool declared = p->formats && i < p->n_selected && p->formats[i];
  return declared ? p->formats[i] : grove__parquet_leaf(p, i)->format;
}

grove_status grove__parquet_range(
    const grove_parquet *p, size_t first, size_t n, size_t *end, grove_error *err)
{
  size_t all = p->footer.n_groups;
  if (first > all || n > all - first) {
    return grove__error(err, GROVE_EINVAL, -1, "row groups %zu to %zu are wanted, the file has %zu",
        first, first + n, all);
  }
  *end = n ? first + n : all;
  return GROVE_OK;
}

grove_status grove__parquet_start(
    const grove_parquet *p, grove__scan *s, size_t group, grove_error *err)
{
  size_t leaf = (size_t)(s->leaf - p->footer.leaves);
  if (p->options.salvage) {
    GROVE__TRY(prove_chunk(p, group, leaf, p->footer_at, err));
  }
  return grove__scan_start(s, &p->footer.groups[group].chunks[leaf], group, err);
}

// INT96 reaches further than 64 bits of nanoseconds, so it becomes the declared unit at once; of dates, seconds before.
static int64_t instant_unit(const grove_parquet *p, size_t i)
{
  const char *format = grove__parquet_format(p, i);
  if (p->nests[i] || grove__parquet_leaf(p, i)->convert != GROVE__CONVERT_INT96 || format[0] != 't') {
    return 1;
  }
  return grove__cast_units("tsn:", format[1] == 'd' ? "tss:" : format).over;
}

const char *grove__parquet_read_format(const grove_parquet *p, size_t i)
{
  switch (instant_unit(p, i)) {
  case 1: return grove__parquet_leaf(p, i)->format;
  case 1000: return "tsu:";
  case 1000000: return "tsm:";
  default: return "tss:";
  }
}

void grove__parquet_scan(
    const grove_parquet *p, size_t i, size_t k, grove__budget *b, grove__scan *s)
{
  grove__scan_init(s, &p->source, grove__parquet_leaf(p, i) + k, b);
  s->data_end = p->footer_at;
  s->read_ahead = p->read_ahead;
  s->no_crc = p->options.no_crc;
  s->overflow_is_null = p->options.int96_overflow;
  s->work = p->options.work;
  s->instant_unit = instant_unit(p, i);
  s->utf8 = s->utf8 && !(!p->nests[i] && strchr("zZ", grove__parquet_format(p, i)[0]));
}
