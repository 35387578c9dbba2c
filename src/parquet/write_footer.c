// The footer's structs: the schema, and round it what the row groups said.
#include "parquet/write.h"
#include <string.h>

static void put_unit(grove__out *o, int *last, int unit)
{
  int inner = 0;
  grove__out_field(o, last, 2, GROVE__THRIFT_STRUCT);
  grove__out_field(o, &inner, unit, GROVE__THRIFT_STRUCT);
  grove__out_stop(o);
  grove__out_stop(o);
}

static void put_logical(grove__out *o, int *outer, const grove__logical *l)
{
  int last = 0, inner = 0;
  grove__out_field(o, outer, 10, GROVE__THRIFT_STRUCT);
  grove__out_field(o, &last, l->kind, GROVE__THRIFT_STRUCT);
  switch (l->kind) {
  case GROVE__KIND_DECIMAL:
    grove__out_int(o, &inner, 1, GROVE__THRIFT_I32, l->scale);
    grove__out_int(o, &inner, 2, GROVE__THRIFT_I32, l->precision);
    break;
  case GROVE__KIND_TIME:
  case GROVE__KIND_TIMESTAMP:
    grove__out_bool(o, &inner, 1, l->utc);
    put_unit(o, &inner, l->unit);
    break;
  case GROVE__KIND_INTEGER:
    grove__out_int(o, &inner, 1, GROVE__THRIFT_I8, l->bits);
    grove__out_bool(o, &inner, 2, l->is_signed);
    break;
  default: break;
  }
  grove__out_stop(o);
  grove__out_stop(o);
}

static void put_root(grove__out *o, size_t columns)
{
  int last = 0;
  grove__out_binary(o, &last, 4, "schema", 6);
  grove__out_int(o, &last, 5, GROVE__THRIFT_I32, (int64_t)columns);
  grove__out_stop(o);
}

static void put_leaf(grove__out *o, const grove__stem *s)
{
  const grove__target *t = &s->target;
  int last = 0;
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, t->physical);
  if (t->physical == GROVE__FIXED) {
    grove__out_int(o, &last, 2, GROVE__THRIFT_I32, t->width);
  }
  grove__out_int(o, &last, 3, GROVE__THRIFT_I32, s->optional ? GROVE__OPTIONAL : GROVE__REQUIRED);
  grove__out_binary(o, &last, 4, s->name, strlen(s->name));
  if (t->converted >= 0) {
    grove__out_int(o, &last, 6, GROVE__THRIFT_I32, t->converted);
  }
  if (t->logical.kind == GROVE__KIND_DECIMAL) {
    grove__out_int(o, &last, 7, GROVE__THRIFT_I32, t->logical.scale);
    grove__out_int(o, &last, 8, GROVE__THRIFT_I32, t->logical.precision);
  }
  if (t->logical.kind) {
    put_logical(o, &last, &t->logical);
  }
  grove__out_stop(o);
}

static void put_group(
    grove__out *o, const char *name, int repetition, size_t children, int converted, uint8_t kind)
{
  int last = 0;
  grove__out_int(o, &last, 3, GROVE__THRIFT_I32, repetition);
  grove__out_binary(o, &last, 4, name, strlen(name));
  grove__out_int(o, &last, 5, GROVE__THRIFT_I32, (int64_t)children);
  if (kind) {
    const grove__logical logical = {.kind = kind};
    grove__out_int(o, &last, 6, GROVE__THRIFT_I32, converted);
    put_logical(o, &last, &logical);
  }
  grove__out_stop(o);
}

// Lists and maps have three levels, as the format wants them.
static void put_stem(grove__out *o, const grove__stem *s)
{
  int repetition = s->optional ? GROVE__OPTIONAL : GROVE__REQUIRED;
  const grove__stem *inside = s;
  switch (s->kind) {
  case GROVE__STEM_LEAF: put_leaf(o, s); return;
  case GROVE__STEM_STRUCT: put_group(o, s->name, repetition, s->n, 0, 0); break;
  case GROVE__STEM_LIST:
    put_group(o, s->name, repetition, 1, GROVE__CONVERTED_LIST, GROVE__KIND_LIST);
    put_group(o, GROVE__LIST_GROUP, GROVE__REPEATED, 1, 0, 0);
    break;
  default:
    put_group(o, s->name, repetition, 1, GROVE__CONVERTED_MAP, GROVE__KIND_MAP);
    put_group(o, GROVE__MAP_GROUP, GROVE__REPEATED, 2, 0, 0);
    inside = s->children; // the entries are the repeated group
  }
  for (size_t i = 0; i < inside->n; i++) {
    put_stem(o, &inside->children[i]);
  }
}

static size_t count_elements(const grove__stem *s)
{
  size_t n = s->kind == GROVE__STEM_LIST ? 2 : 1; // a map's entries are a stem by themselves
  for (size_t i = 0; i < s->n; i++) {
    n += count_elements(&s->children[i]);
  }
  return n;
}

// That statistics are in the order of the column's type: without it readers may not trust them.
static void put_orders(grove__out *o, int *last, size_t n)
{
  grove__out_list(o, last, 7, GROVE__THRIFT_STRUCT, n);
  for (size_t i = 0; i < n; i++) {
    int inner = 0;
    grove__out_field(o, &inner, 1, GROVE__THRIFT_STRUCT);
    grove__out_stop(o);
    grove__out_stop(o);
  }
}

// Pairs of key and value.
static void put_metadata(grove__out *o, int *last, const char *const *metadata)
{
  size_t n = 0;
  while (metadata && metadata[n] && metadata[n + 1]) {
    n += 2;
  }
  if (!n) {
    return;
  }
  grove__out_list(o, last, 5, GROVE__THRIFT_STRUCT, n / 2);
  for (size_t i = 0; i < n; i += 2) {
    int inner = 0;
    grove__out_binary(o, &inner, 1, metadata[i], strlen(metadata[i]));
    grove__out_binary(o, &inner, 2, metadata[i + 1], strlen(metadata[i + 1]));
    grove__out_stop(o);
  }
}

void grove__footer_write(grove__out *o, const grove__footer_content *c)
{
  static const char writer[] = "grove version ";
  size_t elements = 1;
  const char *version = grove_version();
  int last = 0;
  for (size_t i = 0; i < c->n_columns; i++) {
    elements += count_elements(&c->columns[i]);
  }
  grove__out_int(o, &last, 1, GROVE__THRIFT_I32, 2);
  grove__out_list(o, &last, 2, GROVE__THRIFT_STRUCT, elements);
  put_root(o, c->n_columns);
  for (size_t i = 0; i < c->n_columns; i++) {
    put_stem(o, &c->columns[i]);
  }
  grove__out_int(o, &last, 3, GROVE__THRIFT_I64, (int64_t)c->rows);
  grove__out_list(o, &last, 4, GROVE__THRIFT_STRUCT, c->n_groups);
  grove__out_bytes(o, c->groups->block.p, c->groups->used);
  put_metadata(o, &last, c->metadata);
  grove__out_field(o, &last, 6, GROVE__THRIFT_BINARY);
  grove__out_varint(o, sizeof writer - 1 + strlen(version));
  grove__out_bytes(o, writer, sizeof writer - 1);
  grove__out_bytes(o, version, strlen(version));
  put_orders(o, &last, c->n_leaves);
  grove__out_stop(o);
}
