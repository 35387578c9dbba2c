// Models of grove's own file form, written and read: the border to the room model, whose insides a shared
// library does not show. The form is described in model/model_file.c, tree_form.h.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "exchange/foreign.h"
#include "model/model_bytes.h"
#include "model/tree_form.h"
#include <string.h>

enum { HASH_BYTES = 8, NODE_BYTES = 16 };
static const char magic[] = "grovemdl";

// ---- write --------------------------------------------------------------------------------------------
struct hashing {
  grove__hash hash;
  grove__output *out;
};

static grove_status put_hashed(void *sink, const void *bytes, size_t n)
{
  struct hashing *h = sink;
  grove__hash_add(&h->hash, bytes, n);
  return grove__output_put_fn(h->out, bytes, n);
}

static void write_head(
    const grove__foreign *f, const bool *categorical, grove__writer *w, uint64_t part)
{
  const struct {
    const char *name;
    double value;
  } values[] = {{"library", f->library}, {"library_version", f->version}, {"link", f->link},
      {"trees", (double)f->tree_count}};
  grove__write_bytes(w, magic, sizeof magic - 1);
  grove__write_u32(w, GROVE__MODEL_VERSION);
  grove__write_u32(w, GROVE__MODEL_ORDER);
  grove__write_u32(w, 0);
  grove__write_text(w, "imported");
  grove__write_text(w, ""); // the target's name is in no file of theirs
  grove__write_u32(w, f->features);
  for (size_t i = 0; i < f->features; i++) {
    grove__write_text(w, f->names[i]);
    grove__write_u32(w, categorical[i] ? GROVE__KIND_CATEGORY : 0);
  }
  grove__write_u32(w, (uint32_t)GROVE__COUNT(values));
  for (size_t i = 0; i < GROVE__COUNT(values); i++) {
    grove__write_text(w, values[i].name);
    grove__write_double(w, values[i].value);
  }
  grove__write_u64(w, 0); // seed
  grove__write_u64(w, 0); // rows
  grove__write_u32(w, 0); // all was done
  grove__write_u32(w, 0); // losses
  grove__write_u64(w, part);
  grove__write_align(w, GROVE__MODEL_ALIGN);
}

static uint64_t part_bytes(const grove__foreign *f)
{
  uint64_t n = GROVE__TREES_HEAD + (f->tree_count + f->tree_count % 2) * 8 +
               (uint64_t)f->features * 8 + (uint64_t)f->word_count * 4;
  for (size_t t = 0; t < f->tree_count; t++) {
    n += (uint64_t)f->trees[t].count * NODE_BYTES;
  }
  return n;
}

static void write_nodes(const grove__foreign *f, grove__writer *w)
{
  for (size_t t = 0; t < f->tree_count; t++) {
    for (size_t i = 0; i < f->trees[t].count; i++) {
      const grove__foreign_node *n = &f->trees[t].nodes[i];
      grove__write_u64(w, n->bits);
      grove__write_u32(w, n->feature);
      grove__write_u32(w, n->left);
    }
  }
}

static void write_part(const grove__foreign *f, grove__writer *w)
{
  const uint32_t head[] = {GROVE__TREES_TAG, f->library, f->link, f->features,
      (uint32_t)f->tree_count, (uint32_t)f->word_count, f->features, 0};
  for (size_t i = 0; i < GROVE__COUNT(head); i++) {
    grove__write_u32(w, head[i]);
  }
  grove__write_double(w, f->base);
  grove__write_double(w, f->divide);
  grove__write_double(w, f->scale);
  grove__write_u64(w, 0);
  for (size_t t = 0; t < f->tree_count; t++) {
    grove__write_u64(w, f->trees[t].count);
  }
  if (f->tree_count % 2) {
    grove__write_u64(w, 0);
  }
  write_nodes(f, w);
  for (size_t i = 0; i < f->features; i++) {
    grove__write_double(w, f->gain[i]);
  }
  for (size_t i = 0; i < f->word_count; i++) {
    grove__write_u32(w, f->words[i]);
  }
}

grove_status grove__foreign_encode(const grove__foreign *f, grove__output *out, grove_error *err)
{
  struct hashing h = {.out = out};
  grove__writer w = {.sink = &h, .put = put_hashed};
  bool *categorical = grove__foreign_categorical(f);
  if (!categorical) {
    return grove__error_memory(err, "features", f->features);
  }
  write_head(f, categorical, &w, part_bytes(f));
  grove__free(&f->allocator, categorical, f->features * sizeof *categorical);
  write_part(f, &w);
  grove_status s = grove__write_end(&w);
  if (s == GROVE_OK) {
    grove__writer tail = {.sink = out, .put = grove__output_put_fn};
    grove__write_u64(&tail, grove__hash_end(&h.hash));
    s = grove__write_end(&tail);
  }
  return s ? grove__error_memory(err, "an imported model", out->used) : GROVE_OK;
}

// ---- read ---------------------------------------------------------------------------------------------
// The bytes come from grove_model_save, so a surprise is a form that this file does not know yet.
static grove_status unknown_form(grove_error *err)
{
  return grove__error(
      err, GROVE_ENOTSUP, -1, "the saved form of this model is not one that is exported");
}

static grove_status read_tree(grove__foreign *f, grove__reader *r, uint64_t n, grove_error *err)
{
  if (n == 0 || n > r->left / NODE_BYTES) {
    return unknown_form(err);
  }
  grove__output nodes = {.allocator = &f->allocator};
  for (uint64_t i = 0; i < n; i++) {
    grove__foreign_node node;
    node.bits = grove__read_u64(r);
    node.feature = grove__read_u32(r);
    node.left = grove__read_u32(r);
    grove__node leaf = {.feature = node.feature};
    grove__loose_node loose = {.bits = node.bits,
        .feature = node.left ? node.feature : 0,
        .left = node.left ? (int64_t)node.left : -1,
        .right = (int64_t)node.left + 1,
        .weight = node.left ? 0 : grove__node_weight(&leaf)};
    grove__output_put(&nodes, &loose, sizeof loose);
  }
  grove_status s = nodes.failed ? grove__error_memory(err, "a tree", nodes.used)
                                : grove__foreign_add(
                                      f, (grove__loose_node *)(void *)nodes.bytes, (size_t)n, err);
  grove__output_free(&nodes);
  return s;
}

static grove_status read_tail(grove__foreign *f, grove__reader *r, uint32_t gains, grove_error *err)
{
  uint64_t bits;
  uint32_t *to = NULL;
  uint32_t words = (uint32_t)((r->left - (size_t)gains * 8) / 4);
  for (uint32_t i = 0; i < gains; i++) {
    f->gain[i] = grove__read_double(r);
  }
  GROVE__TRY(grove__foreign_set(f, words, &bits, &to, err));
  for (size_t i = 0; i < words; i++) {
    to[i] = grove__read_u32(r);
  }
  return r->failed || r->left ? unknown_form(err) : GROVE_OK;
}

// grove's own trees are as LightGBM's.
static grove_status read_part(grove__foreign *f, grove__reader *r, grove_error *err)
{
  uint32_t head[8];
  for (size_t i = 0; i < GROVE__COUNT(head); i++) {
    head[i] = grove__read_u32(r);
  }
  f->base = grove__read_double(r);
  f->divide = grove__read_double(r);
  f->scale = grove__read_double(r);
  (void)grove__read_u64(r);
  f->library = head[1] == GROVE__ARITHMETIC_OWN ? GROVE__ARITHMETIC_LIGHTGBM : head[1];
  f->arithmetic = head[1];
  f->link = head[2];
  uint32_t trees = head[4], gains = head[6];
  grove__reader sizes = *r;
  if (r->failed || head[0] != GROVE__TREES_TAG || head[3] != f->features ||
      (gains && gains != f->features) || !grove__read_bytes(r, ((size_t)trees + trees % 2) * 8)) {
    return unknown_form(err);
  }
  for (uint32_t t = 0; t < trees; t++) {
    GROVE__TRY(read_tree(f, r, grove__read_u64(&sizes), err));
  }
  return (size_t)gains * 8 > r->left ? unknown_form(err) : read_tail(f, r, gains, err);
}

// Skips to the learner's part; the names of the features are kept.
static grove_status read_head(
    grove__reader *r, grove__foreign *f, const char **kind, size_t *length, grove_error *err)
{
  size_t n;
  (void)grove__read_bytes(r, sizeof magic - 1);
  uint32_t version = grove__read_u32(r);
  (void)grove__read_bytes(r, 4 + 4); // the order of bytes, and flags
  *kind = grove__read_text(r, length);
  (void)grove__read_text(r, &n);
  uint32_t features = grove__read_u32(r);
  if (version != GROVE__MODEL_VERSION || r->failed || features > r->left / 4) {
    return unknown_form(err);
  }
  GROVE__TRY(grove__foreign_features(f, features, err));
  for (uint32_t i = 0; i < features; i++) {
    const char *name = grove__read_text(r, &n);
    (void)grove__read_u32(r); // its kind: that of a category shows in the splits
    if (!name) {
      return unknown_form(err);
    }
    GROVE__TRY(grove__foreign_name(f, i, name, n, err));
  }
  uint32_t values = grove__read_u32(r);
  for (uint32_t i = 0; i < values && !r->failed; i++) {
    const char *name = grove__read_text(r, &n);
    double v = grove__read_double(r);
    f->version = name && n == 15 && memcmp(name, "library_version", n) == 0 ? v : f->version;
  }
  (void)grove__read_bytes(r, 8 + 8 + 4);
  (void)grove__read_bytes(r, (size_t)grove__read_u32(r) * sizeof(double)); // losses
  uint64_t part = grove__read_u64(r);
  grove__read_align(r, GROVE__MODEL_ALIGN);
  return r->failed || part != r->left ? unknown_form(err) : GROVE_OK;
}

grove_status grove__foreign_decode(const void *bytes, size_t n, grove__foreign *f, grove_error *err)
{
  grove__reader r = {.start = bytes, .at = bytes, .left = n > HASH_BYTES ? n - HASH_BYTES : 0};
  const char *kind = NULL;
  size_t length = 0;
  GROVE__TRY(read_head(&r, f, &kind, &length, err));
  grove__reader tag = r;
  if (grove__read_u32(&tag) != GROVE__TREES_TAG) {
    return grove__error(err, GROVE_ENOTSUP, -1, "a model of kind %.*s has no trees to export",
        (int)(length < 80 ? length : 80), kind);
  }
  return read_part(f, &r, err);
}
