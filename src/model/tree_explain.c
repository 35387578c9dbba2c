// TreeSHAP, with paths weighted by what fit saw: Lundberg, Erion and Lee, "Consistent individualized feature
// attribution for tree ensembles", 2018, algorithm 2. A path of d splits costs d * d steps a leaf.
#include "model/tree_explain.h"
#include "base/error.h"
#include "base/status.h"
#include "model/tree_step.h"

enum { DEPTH_MOST = 256 }; // levels: a path has memory, and the walk a frame, for each

/// A feature of the path, and the share of orders of features that a prefix of it has.
struct grove__path_step {
  uint32_t feature;
  double without; // share of the weight that comes along when the feature is not known
  double with;    // 1: the row goes this way; 0: it does not
  double share;
};
typedef struct grove__path_step step;

// ---- make ---------------------------------------------------------------------------------------------
static size_t measure_depth(const grove__tree *t, double *depth)
{
  size_t most = 0;
  depth[0] = 0;
  for (size_t i = 0; i < t->count; i++) {
    uint32_t left = t->nodes[i].left;
    if (left) {
      depth[left] = depth[left + 1] = depth[i] + 1;
      most = depth[i] + 1 > (double)most ? (size_t)depth[i] + 1 : most;
    }
  }
  return most;
}

// Children are behind their parents, so from the end on their weights are known.
static void weigh(const grove__tree *t, double *weight)
{
  for (size_t i = t->count; i-- > 0;) {
    const grove__node *n = &t->nodes[i];
    weight[i] = n->left ? weight[n->left] + weight[n->left + 1] : grove__node_weight(n);
  }
}

static double expect(const grove__tree *t, const double *weight)
{
  double sum = 0;
  for (size_t i = 0; i < t->count; i++) {
    sum += t->nodes[i].left ? 0 : t->nodes[i].value * weight[i];
  }
  return sum / weight[0];
}

static grove_status make_tree(grove__explainer *x, size_t t, size_t *depth, grove_error *err)
{
  const grove__tree *tree = &x->ensemble->trees[t];
  double *weight = grove__alloc_array(&x->allocator, tree->count, sizeof *weight);
  if (!weight) {
    return grove__error_memory(err, "weights of nodes", tree->count * sizeof *weight);
  }
  x->weight[t] = weight;
  size_t own = measure_depth(tree, weight);
  *depth = own > *depth ? own : *depth;
  weigh(tree, weight);
  if (!(weight[0] > 0) || !isfinite(weight[0])) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "tree %zu does not say what its leaves weigh, which explaining needs: its file had no "
        "weights",
        t);
  }
  x->expected += expect(tree, weight);
  return GROVE_OK;
}

static grove_status make_all(grove__explainer *x, grove_error *err)
{
  const grove__ensemble *e = x->ensemble;
  size_t depth = 0;
  x->weight = grove__alloc_zero(&x->allocator, e->count * sizeof *x->weight);
  if (!x->weight) {
    return grove__error_memory(err, "weights of trees", e->count * sizeof *x->weight);
  }
  x->expected = e->base;
  for (size_t t = 0; t < e->count; t++) {
    GROVE__TRY(make_tree(x, t, &depth, err));
  }
  if (depth > DEPTH_MOST) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "a tree has %zu levels; trees of at most %d are explained", depth, DEPTH_MOST);
  }
  x->path_room = (depth + 2) * (depth + 3) / 2;
  x->path = grove__alloc_array(&x->allocator, x->path_room, sizeof *x->path);
  return x->path ? GROVE_OK : grove__error_memory(err, "paths", x->path_room * sizeof *x->path);
}

grove_status grove__explainer_make(
    const grove_allocator *a, const grove__ensemble *e, grove__explainer *out, grove_error *err)
{
  *out = (grove__explainer){.allocator = *a, .ensemble = e};
  grove_status s = make_all(out, err);
  if (s) {
    grove__explainer_free(out);
  }
  return s;
}

void grove__explainer_free(grove__explainer *x)
{
  for (size_t t = 0; x->weight && t < x->ensemble->count; t++) {
    size_t bytes = x->ensemble->trees[t].count * sizeof **x->weight;
    grove__free(&x->allocator, x->weight[t], bytes);
  }
  if (x->weight) {
    grove__free(&x->allocator, x->weight, x->ensemble->count * sizeof *x->weight);
  }
  grove__free(&x->allocator, x->path, x->path_room * sizeof *x->path);
  *x = (grove__explainer){.ensemble = NULL};
}

// ---- paths --------------------------------------------------------------------------------------------
static void extend(step *p, size_t depth, double without, double with, uint32_t feature)
{
  p[depth] = (step){feature, without, with, depth == 0 ? 1 : 0};
  for (size_t i = depth; i-- > 0;) {
    double more = (double)(i + 1) / (double)(depth + 1);
    double less = (double)(depth - i) / (double)(depth + 1);
    p[i + 1].share += with * p[i].share * more;
    p[i].share = without * p[i].share * less;
  }
}

// Takes the i-th feature out again, as if it had never been split by.
static void unwind(step *p, size_t depth, size_t at)
{
  double with = p[at].with, without = p[at].without, next = p[depth].share;
  for (size_t i = depth; i-- > 0;) {
    if (with != 0) {
      double was = p[i].share;
      p[i].share = next * (double)(depth + 1) / ((double)(i + 1) * with);
      next = was - p[i].share * without * (double)(depth - i) / (double)(depth + 1);
    } else {
      p[i].share = p[i].share * (double)(depth + 1) / (without * (double)(depth - i));
    }
  }
  for (size_t i = at; i < depth; i++) {
    p[i].feature = p[i + 1].feature;
    p[i].without = p[i + 1].without;
    p[i].with = p[i + 1].with;
  }
}

static double sum_without(const step *p, size_t depth, size_t at)
{
  double with = p[at].with, without = p[at].without, next = p[depth].share, sum = 0;
  for (size_t i = depth; i-- > 0;) {
    if (with != 0) {
      double share = next * (double)(depth + 1) / ((double)(i + 1) * with);
      sum += share;
      next = p[i].share - share * without * (double)(depth - i) / (double)(depth + 1);
    } else if (without != 0) {
      sum += p[i].share / without / ((double)(depth - i) / (double)(depth + 1));
    }
  }
  return sum;
}

/// One row in one tree.
struct walk {
  const grove__tree *tree;
  const double *weight;
  uint32_t arithmetic;
  const double *const *column;
  size_t row;
  double *out;
};

static void visit(const struct walk *w, uint32_t at, step *parent, size_t depth, double without,
    double with, uint32_t feature);

static void visit_children(const struct walk *w, uint32_t at, step *p, size_t depth)
{
  const grove__node *n = &w->tree->nodes[at];
  uint32_t feature = n->feature & GROVE__NODE_FEATURE;
  double x = w->column[feature][w->row], with = 1, without = 1;
  uint32_t hot = n->left + grove__goes_right(w->arithmetic, n, w->tree->words, x);
  uint32_t cold = hot == n->left ? n->left + 1 : n->left;
  size_t before = 1;
  while (before <= depth && p[before].feature != feature) {
    before++;
  }
  if (before <= depth) {
    with = p[before].with;
    without = p[before].without;
    unwind(p, depth, before);
    depth--;
  }
  double all = w->weight[at], share = all > 0 ? w->weight[hot] / all : 0;
  double rest = all > 0 ? w->weight[cold] / all : 0;
  visit(w, hot, p, depth + 1, share * without, with, feature);
  visit(w, cold, p, depth + 1, rest * without, 0, feature);
}

static void visit(const struct walk *w, uint32_t at, step *parent, size_t depth, double without,
    double with, uint32_t feature)
{
  const grove__node *n = &w->tree->nodes[at];
  if (with == 0 && without == 0) {
    return; // nobody comes here: the row does not, and no row of the fit did
  }
  step *p = parent + depth; // behind the parent's own, which its other child still needs
  memcpy(p, parent, depth * sizeof *p);
  extend(p, depth, without, with, feature);
  if (n->left) {
    visit_children(w, at, p, depth);
    return;
  }
  for (size_t i = 1; i <= depth; i++) {
    w->out[p[i].feature] += sum_without(p, depth, i) * (p[i].with - p[i].without) * n->value;
  }
}

void grove__explainer_row(grove__explainer *x, const double *const *column, size_t row, double *out)
{
  const grove__ensemble *e = x->ensemble;
  for (uint32_t f = 0; f < e->features; f++) {
    out[f] = 0;
  }
  for (size_t t = 0; t < e->count; t++) {
    struct walk w = {&e->trees[t], x->weight[t], e->arithmetic, column, row, out};
    visit(&w, 0, x->path, 0, 1, 1, UINT32_MAX);
  }
  for (uint32_t f = 0; f < e->features; f++) {
    out[f] /= e->divide;
  }
  out[e->features] = x->expected / e->divide;
}
