// LightGBM's text model, version v4.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "exchange/foreign.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>

/// What a writer of one list of a tree is given: a node, and its place among the splits or leaves.
struct tree_view {
  const grove__foreign *f;
  const grove__foreign_tree *tree;
  uint32_t *number; // of each node among the splits, or among the leaves
  uint32_t *set;    // of each categorical split among those
  double *weight;   // of each node
  size_t leaves;
  double add; // to each leaf
};

// The largest double that rounds to a float below t: each double goes where XGBoost sends its float.
static double threshold_of(const grove__foreign *f, double t)
{
  if (f->library == GROVE__ARITHMETIC_LIGHTGBM) {
    return t;
  }
  if (t > FLT_MAX) {
    return nextafter(0x1.ffffffp+127, 0);
  }
  float above = (float)t, below = nextafterf(above, -INFINITY);
  double middle = (double)below * 0.5 + (double)above * 0.5;
  return (float)middle < above ? middle : nextafter(middle, -INFINITY);
}

static bool swaps(const grove__foreign *f, const grove__foreign_node *n)
{
  return f->library == GROVE__ARITHMETIC_XGBOOST && n->feature & GROVE__NODE_CATEGORY;
}

static void put_child(grove__output *out, const struct tree_view *v, uint32_t child)
{
  int64_t number = v->number[child];
  grove__output_format(out, "%" PRId64, v->tree->nodes[child].left ? number : -1 - number);
}

static void put_feature(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  (void)v;
  grove__output_format(out, "%u", (unsigned)(n->feature & GROVE__NODE_FEATURE));
}

static void put_zero(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  (void)v;
  (void)n;
  grove__output_text(out, "0");
}

static void put_threshold(
    grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  if (!(n->feature & GROVE__NODE_CATEGORY)) {
    grove__output_double(out, threshold_of(v->f, grove__double_of(n->bits)));
    return;
  }
  grove__output_format(out, "%u", (unsigned)v->set[n - v->tree->nodes]);
}

static void put_decision(
    grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  uint32_t bits = n->feature & GROVE__NODE_CATEGORY ? 1 : 0;
  bits |= n->feature & GROVE__NODE_MISSING_LEFT && !bits ? 2 : 0;
  if (!(n->feature & (GROVE__NODE_NAN_IS_ZERO | GROVE__NODE_ZERO_MISSING))) {
    bits |= 2 << 2;
  } else if (n->feature & GROVE__NODE_ZERO_MISSING) {
    bits |= 1 << 2;
  }
  (void)v;
  grove__output_format(out, "%u", (unsigned)bits);
}

static void put_left(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  put_child(out, v, n->left + swaps(v->f, n));
}

static void put_right(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  put_child(out, v, n->left + !swaps(v->f, n));
}

static void put_value(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  grove__output_double(out, grove__double_of(n->bits) + v->add);
}

static void put_weight(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  grove__output_double(out, v->weight[n - v->tree->nodes]);
}

static void put_count(grove__output *out, const struct tree_view *v, const grove__foreign_node *n)
{
  double rows = rint(v->weight[n - v->tree->nodes]);
  grove__output_format(out, "%" PRId64, rows >= 0 && rows < INT32_MAX ? (int64_t)rows : 0);
}

static void put_list(grove__output *out, const char *key, const struct tree_view *v, bool leaves,
    void (*put)(grove__output *, const struct tree_view *, const grove__foreign_node *))
{
  const char *between = "";
  grove__output_text(out, key);
  for (size_t i = 0; i < v->tree->count; i++) {
    if ((v->tree->nodes[i].left == 0) == leaves) {
      grove__output_text(out, between);
      put(out, v, &v->tree->nodes[i]);
      between = " ";
    }
  }
  grove__output_text(out, "\n");
}

static void put_sets(grove__output *out, const struct tree_view *v)
{
  uint64_t end = 0;
  const char *between = "";
  grove__output_text(out, "cat_boundaries=0");
  for (size_t i = 0; i < v->tree->count; i++) {
    const grove__foreign_node *n = &v->tree->nodes[i];
    if (n->left && n->feature & GROVE__NODE_CATEGORY) {
      end += n->bits >> 32;
      grove__output_format(out, " %" PRIu64, end);
    }
  }
  grove__output_text(out, "\ncat_threshold=");
  for (size_t i = 0; i < v->tree->count; i++) {
    const grove__foreign_node *n = &v->tree->nodes[i];
    for (uint64_t w = 0; n->left && n->feature & GROVE__NODE_CATEGORY && w < n->bits >> 32; w++) {
      grove__output_format(out, "%s%u", between, (unsigned)v->f->words[(uint32_t)n->bits + w]);
      between = " ";
    }
  }
  grove__output_text(out, "\n");
}

// LightGBM sends NaN of a categorical split to where all that is not in the set goes.
static grove_status check_tree(
    const grove__foreign *f, const grove__foreign_tree *tree, size_t *sets, grove_error *err)
{
  *sets = 0;
  for (size_t i = 0; i < tree->count; i++) {
    const grove__foreign_node *n = &tree->nodes[i];
    if (!n->left) {
      if (!isfinite(grove__double_of(n->bits))) {
        return grove__error(err, GROVE_ENOTSUP, -1, "a leaf that is not finite");
      }
      continue;
    }
    *sets += (n->feature & GROVE__NODE_CATEGORY) != 0;
    bool own = f->arithmetic == GROVE__ARITHMETIC_OWN && n->feature & GROVE__NODE_CATEGORY;
    bool missing_left = n->feature & GROVE__NODE_MISSING_LEFT;
    if ((swaps(f, n) && !missing_left) || (own && missing_left)) {
      return grove__error(err, GROVE_ENOTSUP, -1,
          "LightGBM has no words for a categorical split whose missing go with its set");
    }
  }
  return GROVE_OK;
}

static void put_block(grove__output *out, const struct tree_view *v, size_t index, size_t sets)
{
  grove__output_format(out, "Tree=%zu\nnum_leaves=%zu\nnum_cat=%zu\n", index, v->leaves, sets);
  put_list(out, "split_feature=", v, false, put_feature);
  put_list(out, "split_gain=", v, false, put_zero);
  put_list(out, "threshold=", v, false, put_threshold);
  put_list(out, "decision_type=", v, false, put_decision);
  put_list(out, "left_child=", v, false, put_left);
  put_list(out, "right_child=", v, false, put_right);
  put_list(out, "leaf_value=", v, true, put_value);
  put_list(out, "leaf_weight=", v, true, put_weight);
  put_list(out, "leaf_count=", v, true, put_count);
  put_list(out, "internal_value=", v, false, put_zero);
  put_list(out, "internal_weight=", v, false, put_weight);
  put_list(out, "internal_count=", v, false, put_count);
  if (sets) {
    put_sets(out, v);
  }
  grove__output_text(out, "is_linear=0\nshrinkage=1\n\n\n");
}

static grove_status put_tree(grove__output *out, const grove__foreign *f,
    const grove__foreign_tree *tree, size_t index, double add, grove_error *err)
{
  struct tree_view v = {.f = f, .tree = tree, .add = add};
  size_t sets, splits = 0;
  GROVE__TRY(check_tree(f, tree, &sets, err));
  const size_t each = sizeof *v.weight + 2 * sizeof *v.number;
  v.weight = grove__alloc_array(&f->allocator, tree->count, each);
  if (!v.weight) {
    return grove__error_memory(err, "a tree", tree->count * each);
  }
  v.number = (uint32_t *)(void *)(v.weight + tree->count);
  v.set = v.number + tree->count;
  grove__foreign_weights(tree, v.weight);
  uint32_t set = 0;
  for (size_t i = 0; i < tree->count; i++) {
    bool categorical = tree->nodes[i].left && tree->nodes[i].feature & GROVE__NODE_CATEGORY;
    v.set[i] = categorical ? set++ : 0;
    v.number[i] = (uint32_t)(tree->nodes[i].left ? splits++ : v.leaves++);
  }
  put_block(out, &v, index, sets);
  grove__free(&f->allocator, v.weight, tree->count * each);
  return GROVE_OK;
}

// Names are divided by blanks, and LightGBM refuses what would need quotes in JSON: such signs become "_".
static void put_names(grove__output *out, const grove__foreign *f)
{
  grove__output_text(out, "feature_names=");
  for (size_t i = 0; i < f->features; i++) {
    grove__output_text(out, i ? " " : "");
    for (const char *p = f->names[i]; *p; p++) {
      bool bad = (unsigned char)*p <= ' ' || strchr("\",:[]{}", *p);
      grove__output_put(out, bad ? "_" : p, 1);
    }
    grove__output_text(out, f->names[i][0] ? "" : "_");
  }
  grove__output_text(out, "\nfeature_infos=");
  for (size_t i = 0; i < f->features; i++) {
    grove__output_text(out, i ? " [-inf:inf]" : "[-inf:inf]");
  }
  grove__output_text(out, "\n");
}

static void put_head(grove__output *out, const grove__foreign *f, bool average)
{
  static const char *const objectives[GROVE__LINK_COUNT] = {[GROVE__LINK_IDENTITY] = "regression",
      [GROVE__LINK_EXP] = "poisson",
      [GROVE__LINK_SIGNED_SQUARE] = "regression sqrt",
      [GROVE__LINK_LOG1P_EXP] = "cross_entropy_lambda"};
  grove__output_text(
      out, "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n");
  grove__output_format(out, "max_feature_idx=%u\nobjective=", (unsigned)f->features - 1);
  if (f->link == GROVE__LINK_LOGISTIC) {
    grove__output_text(out, "binary sigmoid:");
    grove__output_double(out, f->scale);
  } else {
    grove__output_text(out, objectives[f->link]);
  }
  grove__output_text(out, average ? "\naverage_output\n" : "\n");
  put_names(out, f);
  grove__output_text(out, "\n");
}

grove_status grove__lightgbm_write(const grove__foreign *f, grove__output *out, grove_error *err)
{
  grove__foreign_node leaf = {.bits = 0};
  const grove__foreign_tree lone = {&leaf, 1};
  size_t n = f->tree_count ? f->tree_count : 1;
  bool average = f->divide != 1;
  if (average && f->divide != (double)f->tree_count) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "LightGBM divides by the number of trees, %zu, not by %g", f->tree_count, f->divide);
  }
  put_head(out, f, average);
  for (size_t t = 0; t < n; t++) {
    // The base goes into the first tree: the sum begins with just the same number.
    GROVE__TRY(put_tree(out, f, f->tree_count ? &f->trees[t] : &lone, t, t ? 0 : f->base, err));
  }
  grove__output_text(out, "end of trees\n\npandas_categorical:null\n");
  return GROVE_OK;
}
