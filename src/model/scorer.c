#include "model/scorer.h"
#include "base/processor.h"
#include "base/status.h"
#include "model/scorer_lanes.h"
#include "model/tree_step.h"

enum {
  ALIGN = 64,
  TREES_LEAST = 8,
  NODES_LEAST = 256,
  FEW = 8,                // rows that are predicted one by one
  BLOCK_MOST = 2048,      // rows that all trees see before the next ones
  BLOCK_BYTES = 64 * 1024 // of codes, so that they stay in a near cache
};

static const grove__scorer_body *body_of(uint32_t instructions)
{
#if defined(__x86_64__) && defined(__GNUC__)
  switch (instructions) {
  case GROVE_INSTRUCTIONS_AVX512: return &grove__scorer_avx512;
  case GROVE_INSTRUCTIONS_AVX2: return &grove__scorer_avx2;
  default: break;
  }
#elif defined(__aarch64__)
  if (instructions == GROVE_INSTRUCTIONS_NEON) {
    return &grove__scorer_neon;
  }
#endif
  (void)instructions;
  return &grove__scorer_portable;
}

static uint32_t choose(uint32_t most)
{
  uint32_t has = grove__processor();
  bool best = most == GROVE_INSTRUCTIONS_BEST;
  if ((best || most == GROVE_INSTRUCTIONS_NEON) && has & GROVE__PROCESSOR_NEON) {
    return GROVE_INSTRUCTIONS_NEON;
  }
  if ((best || most == GROVE_INSTRUCTIONS_AVX512) && has & GROVE__PROCESSOR_VBMI) {
    return GROVE_INSTRUCTIONS_AVX512;
  }
  return most != GROVE_INSTRUCTIONS_PORTABLE && most != GROVE_INSTRUCTIONS_NEON &&
                 has & GROVE__PROCESSOR_AVX2
             ? GROVE_INSTRUCTIONS_AVX2
             : GROVE_INSTRUCTIONS_PORTABLE;
}

// ---- make ---------------------------------------------------------------------------------------------
// Children are behind their parent, so depths are known when a node is met.
static grove_status measure_depth(const grove_allocator *a, const grove__tree *t, uint32_t *depth)
{
  uint32_t *at = grove__alloc_array(a, t->count, sizeof *at);
  if (!at) {
    return GROVE_ENOMEM;
  }
  *depth = 0;
  at[0] = 0;
  for (size_t i = 0; i < t->count; i++) {
    if (t->nodes[i].left) {
      at[t->nodes[i].left] = at[t->nodes[i].left + 1] = at[i] + 1;
      *depth = at[i] + 1 > *depth ? at[i] + 1 : *depth;
    }
  }
  grove__free(a, at, t->count * sizeof *at);
  return GROVE_OK;
}

static grove_status measure_trees(grove__scorer *s, const grove__ensemble *e, bool *wide)
{
  s->trees = grove__alloc_zero(&s->allocator, e->count * sizeof *s->trees);
  if (!s->trees) {
    return GROVE_ENOMEM;
  }
  s->tree_count = e->count;
  s->set_room = 1;
  *wide = s->columns > 256;
  for (size_t t = 0; t < e->count; t++) {
    const grove__tree *tree = &e->trees[t];
    s->trees[t] = (grove__score_tree){
        .first = s->node_count, .count = (uint32_t)tree->count, .lanes = SIZE_MAX};
    GROVE__TRY(measure_depth(&s->allocator, tree, &s->trees[t].depth));
    s->node_count += tree->count;
    *wide |= tree->count > 65536;
    for (size_t i = 0; i < tree->count; i++) {
      s->set_room += tree->nodes[i].left && tree->nodes[i].feature & GROVE__NODE_CATEGORY;
    }
  }
  *wide |= s->set_room > 1;
  return GROVE_OK;
}

static grove_status reserve_nodes(grove__scorer *s, const grove__ensemble *e, bool wide)
{
  const grove_allocator *a = &s->allocator;
  size_t n = s->node_count;
  if (wide) {
    s->wide = grove__alloc_array(a, n, sizeof *s->wide);
  } else {
    s->narrow = grove__alloc_array(a, n, sizeof *s->narrow);
  }
  if (e->arithmetic == GROVE__ARITHMETIC_XGBOOST) {
    s->leaf_floats = grove__alloc_array(a, n, sizeof *s->leaf_floats);
  } else {
    s->leaf_doubles = grove__alloc_array(a, n, sizeof *s->leaf_doubles);
  }
  s->sets = grove__alloc_zero(a, s->set_room << s->set_shift);
  s->set_count = 1;
  return (s->wide || s->narrow) && (s->leaf_floats || s->leaf_doubles) && s->sets ? GROVE_OK
                                                                                  : GROVE_ENOMEM;
}

static void put_node(
    grove__scorer *s, const grove__ensemble *e, const grove__tree *tree, size_t i, size_t first)
{
  const grove__node *n = &tree->nodes[i];
  grove__coded c = {.threshold = GROVE__CODE_NEVER};
  uint32_t child = n->left ? n->left : (uint32_t)i;
  if (n->left) {
    grove__scorer_code(s, e, tree, n, &c);
  }
  if (s->wide) {
    s->wide[first + i] = (grove__wide_node){
        .child = child, .set = c.set, .column = (uint16_t)c.twin, .threshold = c.threshold};
  } else {
    s->narrow[first + i] = child << 16 | c.twin << 8 | (uint8_t)c.threshold;
  }
  double value = n->left ? 0 : n->value;
  if (s->leaf_floats) {
    s->leaf_floats[first + i] = (float)value;
  } else {
    s->leaf_doubles[first + i] = value;
  }
}

static grove_status make(grove__scorer *s, const grove__ensemble *e, bool *fits)
{
  bool wide;
  GROVE__TRY(grove__scorer_coders(s, e, fits));
  if (!*fits) {
    return GROVE_OK;
  }
  GROVE__TRY(measure_trees(s, e, &wide));
  GROVE__TRY(reserve_nodes(s, e, wide));
  for (size_t t = 0; t < e->count; t++) {
    for (size_t i = 0; i < e->trees[t].count; i++) {
      put_node(s, e, &e->trees[t], i, s->trees[t].first);
    }
  }
  const grove__scorer_body *body = body_of(s->instructions);
  s->planes = body->planes && s->leaf_floats;
  return body->lanes ? grove__scorer_lanes(s, e, body->most_shift) : GROVE_OK;
}

// A model of a few nodes is walked in no time, and a program may hold a million of them.
bool grove__scorer_pays(const grove__ensemble *e)
{
  size_t nodes = 0;
  for (size_t t = 0; t < e->count; t++) {
    nodes += e->trees[t].count;
  }
  return e->count >= TREES_LEAST && nodes >= NODES_LEAST;
}

grove_status grove__scorer_make(
    const grove_allocator *a, const grove__ensemble *e, uint32_t instructions, grove__scorer **out)
{
  bool fits = true;
  *out = NULL;
  grove__scorer *s = grove__alloc_zero(a, sizeof *s);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->allocator = *a;
  s->instructions = choose(instructions);
  grove_status status = make(s, e, &fits);
  if (status || !fits) {
    grove__scorer_free(s);
    return status;
  }
  *out = s;
  return GROVE_OK;
}

// Every block, with its size: freed, or counted.
static size_t each_block(grove__scorer *s, bool release)
{
  const struct {
    void *at;
    size_t bytes;
  } all[] = {{s->coders, s->coder_count * sizeof *s->coders},
      {s->floats, s->threshold_count * sizeof *s->floats},
      {s->doubles, s->threshold_count * sizeof *s->doubles}, {s->classes, s->class_count},
      {s->trees, s->tree_count * sizeof *s->trees}, {s->narrow, s->node_count * sizeof *s->narrow},
      {s->wide, s->node_count * sizeof *s->wide},
      {s->leaf_floats, s->node_count * sizeof *s->leaf_floats},
      {s->leaf_doubles, s->node_count * sizeof *s->leaf_doubles},
      {s->sets, s->set_room << s->set_shift}, {s->lanes_block, s->lanes_bytes}};
  size_t sum = sizeof *s;
  for (size_t i = 0; i < GROVE__COUNT(all); i++) {
    sum += all[i].at ? all[i].bytes : 0;
    if (release) {
      grove__free(&s->allocator, all[i].at, all[i].bytes);
    }
  }
  return sum;
}

void grove__scorer_free(grove__scorer *s)
{
  if (s) {
    grove_allocator a = s->allocator;
    (void)each_block(s, true);
    grove__free(&a, s, sizeof *s);
  }
}

size_t grove__scorer_bytes(const grove__scorer *s)
{
  return each_block((grove__scorer *)(uintptr_t)s, false);
}

// ---- predict ------------------------------------------------------------------------------------------
static size_t bytes_of_group(const grove__scorer *s)
{
  return (s->columns + sizeof(double)) * GROVE__GROUP;
}

size_t grove__scorer_scratch(const grove__scorer *s, size_t rows)
{
  if (rows < FEW) {
    return grove__scorer_scratch_least(s);
  }
  size_t groups = BLOCK_BYTES / bytes_of_group(s);
  groups = groups < 2 ? 2 : groups > BLOCK_MOST / GROVE__GROUP ? BLOCK_MOST / GROVE__GROUP : groups;
  size_t wanted = (rows + GROVE__GROUP - 1) / GROVE__GROUP;
  return (groups < wanted ? groups : wanted) * bytes_of_group(s);
}

size_t grove__scorer_scratch_least(const grove__scorer *s)
{
  return ((size_t)s->columns + ALIGN - 1) / ALIGN * ALIGN;
}

static void predict_block(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    size_t from, size_t rows, int8_t *codes, double *out)
{
  const grove__scorer_body *body = body_of(s->instructions);
  size_t groups = (rows + GROVE__GROUP - 1) / GROVE__GROUP;
  void *sums = codes + groups * s->columns * GROVE__GROUP;
  float *floats = sums;
  double *doubles = sums;
  for (size_t g = 0; g < groups; g++) {
    size_t first = g * GROVE__GROUP, n = rows - first < GROVE__GROUP ? rows - first : GROVE__GROUP;
    body->code(s, e, x, from + first, n, codes + first * s->columns);
  }
  for (size_t i = 0; i < groups * GROVE__GROUP; i++) {
    if (s->leaf_floats) {
      floats[i] = (float)e->base;
    } else {
      doubles[i] = e->base;
    }
  }
  for (size_t t = 0; t < s->tree_count; t++) {
    bool lanes = s->trees[t].lanes != SIZE_MAX;
    (lanes ? body->lanes : body->walk)(s, &s->trees[t], codes, groups, sums);
  }
  for (size_t i = 0; i < rows; i++) {
    out[i] = grove__ensemble_finish(
        e, s->leaf_floats ? (double)floats[grove__lane_place(s, i)] : doubles[i]);
  }
}

void grove__scorer_predict(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    void *scratch, size_t bytes, double *out)
{
  size_t block = bytes / bytes_of_group(s) * GROVE__GROUP, i = 0;
  while (block && x->rows - i >= FEW) {
    size_t n = x->rows - i < block ? x->rows - i : block;
    predict_block(s, e, x, i, n, scratch, out + i);
    i += n;
  }
  for (; i < x->rows; i++) {
    double sum = body_of(s->instructions)->one(s, e, x, i, scratch);
    out[i] = grove__ensemble_finish(e, sum);
  }
}
