// Arrays of lists, maps and structs from the levels of their leaves.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "parquet/file.h"
#include "parquet/nest.h"
#include <string.h>

typedef struct building {
  const grove__footer *f;
  grove__sink *sinks; // of the leaves from `first` on
  size_t first;
  grove__budget *budget;
  grove_error *err;
} building;

static grove_status fail(const building *b, size_t leaf, const char *flaw)
{
  return grove__error(b->err, GROVE_ECORRUPT, -1, "column \"%.200s\": %s",
      b->f->leaves[leaf].path, flaw);
}

static bool has_slot(const grove__branch *b, uint8_t def, uint8_t rep)
{
  return def >= b->slot_def && rep <= b->slot_rep;
}

// ---- validity -------------------------------------------------------------------------------------

// Which of a branch's slots are not null, by a leaf's levels.
static grove_status build_validity(
    const building *b, const grove__branch *branch, uint64_t rows, grove__column *out)
{
  const grove__sink *sink = &b->sinks[branch->leaf - b->first];
  grove__block bits = {0};
  uint64_t at = 0;
  if (!branch->optional || !rows) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__block_reserve(
      b->budget, &bits, grove__bitmap_bytes(rows), "validity", b->err));
  memset(bits.p, 0, bits.bytes);
  for (uint64_t i = 0; i < sink->entries && at < rows; i++) {
    if (has_slot(branch, sink->defs.p[i], sink->reps.p[i])) {
      bool there = sink->defs.p[i] >= branch->def;
      out->nulls += !there;
      if (there) {
        grove__bit_set(bits.p, (int64_t)at);
      }
      at++;
    }
  }
  if (!out->nulls) {
    grove__block_free(b->budget, &bits);
    return at == rows ? GROVE_OK : fail(b, branch->leaf, "fewer levels than rows");
  }
  bits = grove__block_give(b->budget, &bits);
  out->validity = bits.p;
  out->validity_bytes = bits.bytes;
  return at == rows ? GROVE_OK : fail(b, branch->leaf, "fewer levels than rows");
}

// ---- lists ----------------------------------------------------------------------------------------

// Walks a leaf's levels and gives each list's end. The first leaf writes the offsets, the others must say the same.
static const char *walk_lists(const grove__branch *branch, const grove__sink *sink, uint64_t rows,
    int32_t *offsets, bool compare)
{
  uint64_t list = 0; // lists begun
  int64_t items = 0;
  bool open = false; // the last list has an item
  uint8_t item_def = branch->children->slot_def, item_rep = branch->children->slot_rep;
  for (uint64_t i = 0; i < sink->entries; i++) {
    uint8_t def = sink->defs.p[i], rep = sink->reps.p[i];
    if (rep > item_rep) {
      continue; // of a list in an item
    }
    if (rep == item_rep && (!open || def < item_def)) {
      return "an item is repeated in a list that has none";
    }
    if (rep < item_rep) {
      open = def >= item_def;
      if (def < branch->slot_def) {
        continue; // what the list stands in is not there
      }
      if (list == rows) {
        return "more lists than rows";
      }
      list++;
    }
    items += def >= item_def;
    if (items > INT32_MAX) {
      return NULL; // found below
    }
    if (!compare) {
      offsets[list] = (int32_t)items;
    } else if (rep < item_rep && list > 1 && offsets[list - 1] != (int32_t)(items - open)) {
      return "its lists are not those of the columns beside it";
    }
  }
  if (list != rows) {
    return "fewer lists than rows";
  }
  return compare && rows && offsets[rows] != items ? "its lists are not those of the columns beside it"
                                                   : NULL;
}

static grove_status count_items(
    const building *b, const grove__branch *branch, const grove__sink *sink, int64_t *items)
{
  uint8_t item_def = branch->children->slot_def, item_rep = branch->children->slot_rep;
  *items = 0;
  for (uint64_t i = 0; i < sink->entries; i++) {
    *items += sink->reps.p[i] <= item_rep && sink->defs.p[i] >= item_def;
  }
  return *items > INT32_MAX ? grove__error(b->err, GROVE_ELIMIT, -1,
                                  "column \"%.200s\": over 2^31 items in one piece; read fewer row "
                                  "groups, or stream smaller batches",
                                  b->f->leaves[branch->leaf].path)
                            : GROVE_OK;
}

static grove_status build_offsets(const building *b, const grove__branch *branch, uint64_t rows,
    grove__column *out, int64_t *items)
{
  grove__block offsets = {0};
  GROVE__TRY(count_items(b, branch, &b->sinks[branch->leaf - b->first], items));
  if (rows >= SIZE_MAX / 8) {
    return grove__error_memory(b->err, "offsets", rows);
  }
  GROVE__TRY(
      grove__block_reserve(b->budget, &offsets, ((size_t)rows + 1) * 4, "offsets", b->err));
  memset(offsets.p, 0, 4);
  const char *flaw = NULL;
  size_t leaf = branch->leaf;
  for (; leaf < branch->leaf + branch->n_leaves && !flaw; leaf++) {
    flaw = walk_lists(branch, &b->sinks[leaf - b->first], rows, (int32_t *)(void *)offsets.p,
        leaf > branch->leaf);
  }
  offsets = grove__block_give(b->budget, &offsets);
  out->values = offsets.p;
  out->values_bytes = offsets.bytes;
  return flaw ? fail(b, leaf - 1, flaw) : GROVE_OK;
}

// ---- branches -------------------------------------------------------------------------------------

static grove_status build(
    const building *b, const grove__branch *branch, uint64_t rows, grove__column *out);

static grove_status build_children(
    const building *b, const grove__branch *branch, uint64_t rows, grove__column *out)
{
  size_t bytes = branch->n * sizeof *out->children;
  if (!branch->n) {
    return GROVE_OK;
  }
  out->children = grove__alloc_zero(&b->budget->allocator, bytes);
  if (!out->children) {
    return grove__error_memory(b->err, "a column's children", bytes);
  }
  out->n_children = branch->n;
  for (size_t i = 0; i < branch->n; i++) {
    GROVE__TRY(build(b, &branch->children[i], rows, &out->children[i]));
  }
  return GROVE_OK;
}

static grove_status build(
    const building *b, const grove__branch *branch, uint64_t rows, grove__column *out)
{
  static const char *const formats[] = {"", "+s", "+l", "+m"};
  int64_t items = 0;
  if (branch->kind == GROVE__BRANCH_LEAF) {
    grove__sink *sink = &b->sinks[branch->leaf - b->first];
    bool fits = sink->rows == rows;
    grove__sink_give(b->budget, branch->name, &b->f->leaves[branch->leaf], sink, out);
    out->rows = rows;
    out->required = branch->required;
    return fits ? GROVE_OK : fail(b, branch->leaf, "it has not as many items as its lists");
  }
  *out = (grove__column){.name = branch->name,
      .format = formats[branch->kind],
      .rows = rows,
      .required = branch->required};
  GROVE__TRY(build_validity(b, branch, rows, out));
  if (branch->kind == GROVE__BRANCH_STRUCT) {
    return build_children(b, branch, rows, out);
  }
  GROVE__TRY(build_offsets(b, branch, rows, out, &items));
  return build_children(b, branch, (uint64_t)items, out);
}

grove_status grove__nest_build(const grove__branch *branch, const grove__footer *f,
    grove__sink *sinks, grove__budget *budget, uint64_t rows, grove__column *out, grove_error *err)
{
  building b = {f, sinks, branch->leaf, budget, err};
  memset(out, 0, sizeof *out);
  return build(&b, branch, rows, out);
}
