#include "model/imported.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/model_bytes.h"
#include <math.h>

enum {
  LANES = 8,   // rows that walk a tree side by side: their cache misses overlap
  BLOCK = 2048 // rows that all trees see before the next rows
};
#define ZERO_LIMIT ((double)1e-35f) // up to here LightGBM takes a number for zero

struct tree {
  grove__foreign_node *nodes;
  size_t count;
};

struct imported {
  grove_allocator allocator;
  uint32_t library;
  uint32_t link;
  uint32_t features;
  double base;
  double divide;
  double scale;
  struct tree *trees;
  size_t tree_count;
  uint32_t *words; // the sets of all trees
  size_t word_count;
};

// ---- predict ------------------------------------------------------------------------------------------
static inline double value_of(const grove__foreign_node *n)
{
  double v;
  memcpy(&v, &n->bits, sizeof v);
  return v;
}

static inline bool in_set(const grove__foreign_node *n, const uint32_t *words, uint32_t category)
{
  uint32_t first = (uint32_t)n->bits, count = (uint32_t)(n->bits >> 32);
  return category / 32 < count && (words[first + category / 32] >> category % 32 & 1);
}

static inline uint32_t right_xgboost(const grove__foreign_node *n, const uint32_t *words, double d)
{
  float x = (float)d;
  if (x != x) {
    return !(n->feature & GROVE__FOREIGN_MISSING_LEFT);
  }
  if (n->feature & GROVE__FOREIGN_CATEGORY) {
    // XGBoost's categories are below 2^24, where floats are still exact.
    return x >= 0 && x < 0x1p24f && in_set(n, words, (uint32_t)x);
  }
  return !(x < (float)value_of(n));
}

static inline uint32_t right_lightgbm(const grove__foreign_node *n, const uint32_t *words, double x)
{
  uint32_t missing_right = !(n->feature & GROVE__FOREIGN_MISSING_LEFT);
  if (n->feature & GROVE__FOREIGN_CATEGORY) {
    return !(x > -1 && x < 0x1p31 && in_set(n, words, (uint32_t)(int32_t)x));
  }
  if (x != x) {
    if (!(n->feature & (GROVE__FOREIGN_NAN_IS_ZERO | GROVE__FOREIGN_ZERO_MISSING))) {
      return missing_right;
    }
    x = 0;
  }
  x = fabs(x) <= ZERO_LIMIT ? 0 : x;
  if (x == 0 && (n->feature & GROVE__FOREIGN_ZERO_MISSING)) {
    return missing_right;
  }
  return x > value_of(n);
}

static inline uint32_t step(const struct imported *m, const grove__foreign_node *n, uint32_t at,
    const grove_matrix *x, size_t row)
{
  const grove__foreign_node *node = n + at;
  if (!node->left) {
    return at;
  }
  double v = x->column[node->feature & GROVE__FOREIGN_FEATURE][row];
  return node->left + (m->library == GROVE__IMPORTED_XGBOOST ? right_xgboost(node, m->words, v)
                                                             : right_lightgbm(node, m->words, v));
}

// Sums of floats are kept in the doubles of `out`: each is rounded to float, so they are exact there.
static inline void add_leaf(const struct imported *m, const grove__foreign_node *leaf, double *out)
{
  if (m->library == GROVE__IMPORTED_XGBOOST) {
    *out = (double)((float)*out + (float)value_of(leaf));
  } else {
    *out += value_of(leaf);
  }
}

static void add_lanes(const struct imported *m, const grove__foreign_node *n, const grove_matrix *x,
    size_t row, double *out)
{
  uint32_t at[LANES] = {0};
  uint32_t moving = n[0].left;
  while (moving) {
    moving = 0;
    for (size_t k = 0; k < LANES; k++) {
      at[k] = step(m, n, at[k], x, row + k);
      moving |= n[at[k]].left;
    }
  }
  for (size_t k = 0; k < LANES; k++) {
    add_leaf(m, n + at[k], out + row + k);
  }
}

static void add_tree(const struct imported *m, const grove__foreign_node *n, const grove_matrix *x,
    size_t from, size_t end, double *out)
{
  size_t i = from;
  for (; i + LANES <= end; i += LANES) {
    add_lanes(m, n, x, i, out);
  }
  for (; i < end; i++) {
    uint32_t at = 0;
    while (n[at].left) {
      at = step(m, n, at, x, i);
    }
    add_leaf(m, n + at, out + i);
  }
}

static double link_float(const struct imported *m, float x)
{
  switch (m->link) {
  case GROVE__LINK_EXP: return (double)expf(x);
  case GROVE__LINK_LOGISTIC:
    // The limit and the small addend are XGBoost's: without them the last bits differ.
    return (double)(1.0f / (expf(-x < 88.7f ? -x : 88.7f) + 1.0f + 1e-16f));
  default: return (double)x;
  }
}

static double link_double(const struct imported *m, double x)
{
  switch (m->link) {
  case GROVE__LINK_EXP: return exp(x);
  case GROVE__LINK_LOGISTIC: return 1.0 / (1.0 + exp(-m->scale * x));
  case GROVE__LINK_SIGNED_SQUARE: return x < 0 ? -(x * x) : x * x;
  case GROVE__LINK_LOG1P_EXP: return log1p(exp(x));
  default: return x;
  }
}

static grove_status predict(const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  const struct imported *m = state;
  bool floats = m->library == GROVE__IMPORTED_XGBOOST;
  (void)err;
  for (size_t from = 0; from < x->rows; from += BLOCK) {
    size_t end = x->rows - from < BLOCK ? x->rows : from + BLOCK;
    for (size_t i = from; i < end; i++) {
      out[i] = m->base;
    }
    for (size_t t = 0; t < m->tree_count; t++) {
      add_tree(m, m->trees[t].nodes, x, from, end, out);
    }
    for (size_t i = from; i < end; i++) {
      out[i] = floats ? link_float(m, (float)out[i] / (float)m->divide)
                      : link_double(m, out[i] / m->divide);
    }
  }
  return GROVE_OK;
}

// ---- file ---------------------------------------------------------------------------------------------
static grove_status save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err)
{
  const struct imported *m = state;
  grove__writer w = {.sink = sink, .put = put};
  (void)err;
  grove__write_u32(&w, GROVE__IMPORTED_VERSION);
  grove__write_u32(&w, m->library);
  grove__write_u32(&w, m->link);
  grove__write_u32(&w, m->features);
  grove__write_u32(&w, (uint32_t)m->tree_count);
  grove__write_u32(&w, (uint32_t)m->word_count);
  grove__write_double(&w, m->base);
  grove__write_double(&w, m->divide);
  grove__write_double(&w, m->scale);
  for (size_t t = 0; t < m->tree_count; t++) {
    grove__write_u64(&w, m->trees[t].count);
  }
  for (size_t t = 0; t < m->tree_count; t++) {
    for (size_t i = 0; i < m->trees[t].count; i++) {
      const grove__foreign_node *n = &m->trees[t].nodes[i];
      grove__write_u64(&w, n->bits);
      grove__write_u32(&w, n->feature);
      grove__write_u32(&w, n->left);
    }
  }
  for (size_t i = 0; i < m->word_count; i++) {
    grove__write_u32(&w, m->words[i]);
  }
  return grove__write_end(&w);
}

static void destroy(void *state)
{
  struct imported *m = state;
  grove_allocator a = m->allocator;
  for (size_t t = 0; m->trees && t < m->tree_count; t++) {
    grove__free(&a, m->trees[t].nodes, m->trees[t].count * sizeof *m->trees[t].nodes);
  }
  grove__free(&a, m->trees, m->tree_count * sizeof *m->trees);
  grove__free(&a, m->words, m->word_count * sizeof *m->words);
  grove__free(&a, m, sizeof *m);
}

// Children must be in the tree and behind their parent, so that every walk ends, and sets must be in the words.
static bool node_is_good(const struct imported *m, const struct tree *tree, size_t i)
{
  const grove__foreign_node *n = &tree->nodes[i];
  if (!n->left) {
    return true;
  }
  uint64_t first = (uint32_t)n->bits, count = n->bits >> 32;
  return (n->feature & GROVE__FOREIGN_FEATURE) < m->features && n->left > i &&
         n->left < tree->count - 1 &&
         (!(n->feature & GROVE__FOREIGN_CATEGORY) || first + count <= m->word_count);
}

static grove_status read_tree(
    const struct imported *m, grove__reader *r, uint64_t count, struct tree *tree)
{
  if (count == 0 || count > UINT32_MAX || count > r->left / sizeof *tree->nodes) {
    return GROVE_ECORRUPT;
  }
  tree->nodes = grove__alloc_array(&m->allocator, (size_t)count, sizeof *tree->nodes);
  if (!tree->nodes) {
    return GROVE_ENOMEM;
  }
  tree->count = (size_t)count;
  for (size_t i = 0; i < tree->count; i++) {
    tree->nodes[i].bits = grove__read_u64(r);
    tree->nodes[i].feature = grove__read_u32(r);
    tree->nodes[i].left = grove__read_u32(r);
    if (!node_is_good(m, tree, i)) {
      return GROVE_ECORRUPT;
    }
  }
  return GROVE_OK;
}

static grove_status read_body(struct imported *m, grove__reader *r, uint32_t trees, uint32_t words)
{
  grove__reader sizes = *r;
  if (trees > r->left / 8 || words > r->left / 4 || !grove__read_bytes(r, (size_t)trees * 8)) {
    return GROVE_ECORRUPT;
  }
  m->trees = grove__alloc_zero(&m->allocator, trees * sizeof *m->trees);
  if (!m->trees) {
    return GROVE_ENOMEM;
  }
  m->tree_count = trees;
  m->words = grove__alloc_array(&m->allocator, words, sizeof *m->words);
  if (!m->words) {
    return GROVE_ENOMEM;
  }
  m->word_count = words;
  for (size_t t = 0; t < trees; t++) {
    GROVE__TRY(read_tree(m, r, grove__read_u64(&sizes), &m->trees[t]));
  }
  for (size_t i = 0; i < words; i++) {
    m->words[i] = grove__read_u32(r);
  }
  return r->failed || r->left ? GROVE_ECORRUPT : GROVE_OK;
}

static grove_status read_all(struct imported *m, grove__reader *r, grove_error *err)
{
  uint32_t version = grove__read_u32(r);
  if (!r->failed && version != GROVE__IMPORTED_VERSION) {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "trees of another library, in form %u; this library reads form %d", version,
        GROVE__IMPORTED_VERSION);
  }
  m->library = grove__read_u32(r);
  m->link = grove__read_u32(r);
  m->features = grove__read_u32(r);
  uint32_t trees = grove__read_u32(r), words = grove__read_u32(r);
  m->base = grove__read_double(r);
  m->divide = grove__read_double(r);
  m->scale = grove__read_double(r);
  bool library = m->library == GROVE__IMPORTED_XGBOOST || m->library == GROVE__IMPORTED_LIGHTGBM;
  if (r->failed || !library || m->link >= GROVE__LINK_COUNT || m->features == 0) {
    return GROVE_ECORRUPT;
  }
  return read_body(m, r, trees, words);
}

static grove_status load_in(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  grove_error own = {.at = -1};
  grove__reader r = {.at = bytes, .left = n};
  struct imported *m = grove__alloc_zero(a, sizeof *m);
  if (!m) {
    return grove__error_memory(err, "an imported model", sizeof *m);
  }
  m->allocator = *a;
  grove_status s = read_all(m, &r, &own);
  if (s) {
    destroy(m);
    return own.text[0]         ? grove__error(err, s, own.at, "%s", own.text)
           : s == GROVE_ENOMEM ? grove__error_memory(err, "trees", n)
                               : grove__error(err, s, -1, "the trees are damaged");
  }
  *state = m;
  return GROVE_OK;
}

static grove_status load(const void *bytes, size_t n, void **state, grove_error *err)
{
  return load_in(&grove__allocator_malloc, bytes, n, state, err);
}

// ---- the table ----------------------------------------------------------------------------------------
static const grove_parameter_info parameters[] = {
    {"library", "0", "whose model it was", 0, 2, NULL, "unknown=0 xgboost=1 lightgbm=2", 1},
    {"library_version", "0", "the version that it was written by", 0, 1e9, NULL, NULL, 0},
    {"link", "0", "from the sum of the trees to the prediction", 0, GROVE__LINK_COUNT - 1, NULL,
        "identity=0 exp=1 logistic=2 signed_square=3 log1p_exp=4", 1},
    {"trees", "0", "how many there are", 0, 4294967295.0, NULL, NULL, 1},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

static grove_status create_in(
    const grove_allocator *a, const double *values, void **state, grove_error *err)
{
  (void)a;
  (void)values;
  (void)state;
  return grove__error(err, GROVE_ENOTSUP, -1,
      "a model of kind \"imported\" is not made, it comes from grove_model_import");
}

static grove_status create(const double *values, void **state, grove_error *err)
{
  return create_in(NULL, values, state, err);
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  (void)state;
  (void)x;
  (void)y;
  (void)seed;
  (void)work;
  return grove__error(err, GROVE_ENOTSUP, -1, "an imported model can't be fitted");
}

static size_t features_of(const void *state)
{
  return ((const struct imported *)state)->features;
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "imported",
    .parameters = parameters,
    .create = create,
    .destroy = destroy,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .flags = GROVE_LEARNER_MISSING};
const grove__builtin grove__imported = {&learner, create_in, load_in, features_of};
