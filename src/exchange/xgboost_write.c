// XGBoost's model document, in the shape that 1.7 to 3.x read.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "exchange/document.h"
#include "exchange/foreign.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NO_PARENT = 2147483647 };

/// One tree in XGBoost's arrays, an entry a node.
struct arrays {
  size_t n;
  int64_t *left, *right, *parent, *feature, *missing_left, *type, *set_node, *set_first, *set_size,
      *place;
  float *value, *zero, *weight;
  int64_t *categories;
  size_t sets, category_count;
  void *block;
  size_t block_bytes;
};

static grove_status make_arrays(
    const grove__foreign *f, const grove__foreign_tree *tree, struct arrays *a, grove_error *err)
{
  size_t n = tree->count, bits = 0;
  for (size_t i = 0; i < n; i++) {
    if (tree->nodes[i].left && tree->nodes[i].feature & GROVE__NODE_CATEGORY) {
      bits += 32 * (size_t)(tree->nodes[i].bits >> 32);
    }
  }
  a->n = n;
  a->block_bytes = (10 * n + bits) * sizeof(int64_t) + 3 * n * sizeof(float);
  int64_t *at = a->block = grove__alloc_zero(&f->allocator, a->block_bytes);
  if (!at) {
    return grove__error_memory(err, "a tree", a->block_bytes);
  }
  int64_t **all[] = {&a->left, &a->right, &a->parent, &a->feature, &a->missing_left, &a->type,
      &a->set_node, &a->set_first, &a->set_size, &a->place, &a->categories};
  for (size_t i = 0; i < GROVE__COUNT(all); i++) {
    *all[i] = at + i * n;
  }
  a->value = (float *)(void *)(a->categories + bits);
  a->zero = a->value + n;
  a->weight = a->zero + n;
  return GROVE_OK;
}

// The least float above a LightGBM threshold: of floats, just those that went left are below it.
static float threshold_of(const grove__foreign *f, double t)
{
  float v = t > FLT_MAX ? FLT_MAX : (float)t;
  if (f->library == GROVE__ARITHMETIC_LIGHTGBM && (double)v <= t) {
    v = nextafterf(v, INFINITY);
  }
  return v > FLT_MAX ? FLT_MAX : v < -FLT_MAX ? -FLT_MAX : v;
}

// XGBoost knows NaN alone as missing.
static grove_status place_missing(
    const grove__foreign *f, const grove__foreign_node *n, int64_t *left, grove_error *err)
{
  bool zero_left = 0 <= grove__double_of(n->bits);
  *left = (n->feature & GROVE__NODE_MISSING_LEFT) != 0;
  if (f->library == GROVE__ARITHMETIC_XGBOOST) {
    return GROVE_OK;
  }
  if (n->feature & GROVE__NODE_NAN_IS_ZERO) {
    *left = zero_left;
  } else if ((n->feature & GROVE__NODE_ZERO_MISSING) && zero_left != (*left != 0)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "XGBoost has no words for a split where zero is missing (LightGBM's zero_as_missing)");
  }
  return GROVE_OK;
}

static void put_set(
    const grove__foreign *f, const grove__foreign_node *n, size_t i, struct arrays *a)
{
  uint32_t first = (uint32_t)n->bits, words = (uint32_t)(n->bits >> 32);
  a->type[i] = 1;
  a->set_node[a->sets] = (int64_t)i;
  a->set_first[a->sets] = (int64_t)a->category_count;
  for (uint32_t c = 0; c < 32 * words; c++) {
    if (f->words[first + c / 32] >> c % 32 & 1) {
      a->categories[a->category_count++] = c;
    }
  }
  a->set_size[a->sets] = (int64_t)a->category_count - a->set_first[a->sets];
  a->sets++;
}

// Where a node stands: XGBoost's right child follows the left one, so a pair whose sides are exchanged changes places.
static void place_nodes(const grove__foreign *f, const grove__foreign_tree *tree, struct arrays *a)
{
  for (size_t i = 0; i < tree->count; i++) {
    const grove__foreign_node *n = &tree->nodes[i];
    bool swap =
        n->left && n->feature & GROVE__NODE_CATEGORY && f->library == GROVE__ARITHMETIC_LIGHTGBM;
    if (n->left) {
      a->place[n->left] = (int64_t)n->left + swap;
      a->place[n->left + 1] = (int64_t)n->left + !swap;
    }
  }
}

static grove_status put_split(const grove__foreign *f, const grove__foreign_node *n, size_t i,
    struct arrays *a, grove_error *err)
{
  a->left[i] = n->left;
  a->right[i] = (int64_t)n->left + 1;
  a->feature[i] = n->feature & GROVE__NODE_FEATURE;
  a->parent[n->left] = a->parent[n->left + 1] = (int64_t)i;
  if (!(n->feature & GROVE__NODE_CATEGORY)) {
    a->value[i] = threshold_of(f, grove__double_of(n->bits));
    return place_missing(f, n, &a->missing_left[i], err);
  }
  put_set(f, n, i, a);
  a->missing_left[i] = (n->feature & GROVE__NODE_MISSING_LEFT) != 0;
  if (f->library == GROVE__ARITHMETIC_LIGHTGBM) {
    // There the set goes left and all else right; here it is the other way round. So do NaN, which LightGBM has on the
    // right, and grove's own trees where they say.
    bool with_set = f->arithmetic == GROVE__ARITHMETIC_OWN && a->missing_left[i];
    a->missing_left[i] = !with_set;
  }
  return GROVE_OK;
}

// `add` is what the first tree has to say beyond its leaves. A float plus a float is rounded as XGBoost's own sum
// would be.
static grove_status fill(const grove__foreign *f, const grove__foreign_tree *tree, double add,
    struct arrays *a, grove_error *err)
{
  double scale =
      f->library == GROVE__ARITHMETIC_LIGHTGBM && f->link == GROVE__LINK_LOGISTIC ? f->scale : 1;
  a->parent[0] = NO_PARENT;
  place_nodes(f, tree, a);
  // By the places, for it looks sets up in a list that ascends. Pairs change places, so a place's node is at its place.
  for (size_t at = 0; at < tree->count; at++) {
    const grove__foreign_node *n = &tree->nodes[a->place[at]];
    if (n->left) {
      GROVE__TRY(put_split(f, n, at, a, err));
      continue;
    }
    a->left[at] = a->right[at] = -1;
    a->value[at] = (float)((grove__double_of(n->bits) + add) / f->divide * scale);
    if (!isfinite(a->value[at])) {
      return grove__error(
          err, GROVE_ENOTSUP, -1, "a leaf of %g is no finite float", grove__double_of(n->bits));
    }
  }
  return GROVE_OK;
}

static void put_number_text(grove__document *d, const char *key, uint64_t v)
{
  char text[32];
  snprintf(text, sizeof text, "%" PRIu64, v);
  grove__document_text(d, key, text);
}

static void put_tree(const grove__foreign *f, grove__document *d, const struct arrays *a, size_t id)
{
  grove__document_object(d, NULL);
  grove__document_floats(d, "base_weights", a->zero, a->n);
  grove__document_ints(d, "categories", 'l', a->categories, a->category_count);
  grove__document_ints(d, "categories_nodes", 'l', a->set_node, a->sets);
  grove__document_ints(d, "categories_segments", 'L', a->set_first, a->sets);
  grove__document_ints(d, "categories_sizes", 'L', a->set_size, a->sets);
  grove__document_ints(d, "default_left", 'U', a->missing_left, a->n);
  grove__document_int(d, "id", (int64_t)id);
  grove__document_ints(d, "left_children", 'l', a->left, a->n);
  grove__document_floats(d, "loss_changes", a->zero, a->n);
  grove__document_ints(d, "parents", 'l', a->parent, a->n);
  grove__document_ints(d, "right_children", 'l', a->right, a->n);
  grove__document_floats(d, "split_conditions", a->value, a->n);
  grove__document_ints(d, "split_indices", 'l', a->feature, a->n);
  grove__document_ints(d, "split_type", 'U', a->type, a->n);
  grove__document_floats(d, "sum_hessian", a->weight, a->n);
  grove__document_object(d, "tree_param");
  grove__document_text(d, "num_deleted", "0");
  put_number_text(d, "num_feature", f->features);
  put_number_text(d, "num_nodes", a->n);
  grove__document_text(d, "size_leaf_vector", "1");
  grove__document_object_end(d);
  grove__document_object_end(d);
}

// Of the places that nodes have there. A rounding less, in doubles, would need an array more.
static void weigh(const grove__foreign_tree *tree, struct arrays *a)
{
  for (size_t i = tree->count; i-- > 0;) {
    const grove__foreign_node *n = &tree->nodes[i];
    const grove__node leaf = {.feature = n->feature};
    a->weight[a->place[i]] = n->left
                                 ? a->weight[a->place[n->left]] + a->weight[a->place[n->left + 1]]
                                 : (float)grove__node_weight(&leaf);
  }
}

static grove_status put_one(const grove__foreign *f, grove__document *d,
    const grove__foreign_tree *tree, size_t id, double add, grove_error *err)
{
  struct arrays a = {0};
  GROVE__TRY(make_arrays(f, tree, &a, err));
  grove_status s = fill(f, tree, add, &a, err);
  if (s == GROVE_OK) {
    weigh(tree, &a);
    put_tree(f, d, &a, id);
  }
  grove__free(&f->allocator, a.block, a.block_bytes);
  return s;
}

// The base score of XGBoost goes through the link, which rounds it; where there is one, the base is put into the
// leaves of the first tree instead, and the base score is that of a margin of just zero.
static grove_status put_trees(
    const grove__foreign *f, grove__document *d, double add, grove_error *err)
{
  grove__foreign_node leaf = {.bits = 0};
  const grove__foreign_tree lone = {&leaf, 1};
  size_t n = f->tree_count ? f->tree_count : 1;
  grove__document_array(d, "iteration_indptr", n + 1);
  for (size_t t = 0; t <= n; t++) {
    grove__document_int(d, NULL, (int64_t)t);
  }
  grove__document_array_end(d);
  grove__document_array(d, "tree_info", n);
  for (size_t t = 0; t < n; t++) {
    grove__document_int(d, NULL, 0);
  }
  grove__document_array_end(d);
  grove__document_array(d, "trees", n);
  for (size_t t = 0; t < n; t++) {
    GROVE__TRY(put_one(f, d, f->tree_count ? &f->trees[t] : &lone, t, t ? 0 : add, err));
  }
  grove__document_array_end(d);
  return GROVE_OK;
}

static grove_status put_features(const grove__foreign *f, grove__document *d, grove_error *err)
{
  bool *categorical = grove__foreign_categorical(f);
  if (!categorical) {
    return grove__error_memory(err, "features", f->features);
  }
  grove__document_array(d, "feature_names", f->features);
  for (size_t i = 0; i < f->features; i++) {
    grove__document_text(d, NULL, f->names[i]);
  }
  grove__document_array_end(d);
  grove__document_array(d, "feature_types", f->features);
  for (size_t i = 0; i < f->features; i++) {
    grove__document_text(d, NULL, categorical[i] ? "c" : "float");
  }
  grove__document_array_end(d);
  grove__free(&f->allocator, categorical, f->features * sizeof *categorical);
  return GROVE_OK;
}

static void put_objective(const grove__foreign *f, grove__document *d)
{
  grove__document_object(d, "objective");
  if (f->link == GROVE__LINK_EXP) {
    grove__document_text(d, "name", "count:poisson");
    grove__document_object(d, "poisson_regression_param");
    grove__document_text(d, "max_delta_step", "0.7");
  } else {
    grove__document_text(
        d, "name", f->link == GROVE__LINK_LOGISTIC ? "binary:logistic" : "reg:squarederror");
    grove__document_object(d, "reg_loss_param");
    grove__document_text(d, "scale_pos_weight", "1");
  }
  grove__document_object_end(d);
  grove__document_object_end(d);
}

static void put_parameters(const grove__foreign *f, grove__document *d, float base)
{
  grove__output text = {.allocator = &f->allocator};
  grove__output_float(&text, base);
  grove__output_put(&text, "", 1);
  grove__document_object(d, "learner_model_param");
  grove__document_text(d, "base_score", text.failed ? "0" : text.bytes);
  grove__document_text(d, "boost_from_average", "1");
  grove__document_text(d, "num_class", "0");
  put_number_text(d, "num_feature", f->features);
  grove__document_text(d, "num_target", "1");
  grove__document_object_end(d);
  d->out->failed |= text.failed;
  grove__output_free(&text);
}

static grove_status put_learner(const grove__foreign *f, grove__document *d, grove_error *err)
{
  bool plain = f->link == GROVE__LINK_IDENTITY && f->divide == 1 && isfinite((float)f->base);
  grove__document_object(d, "attributes");
  grove__document_object_end(d);
  GROVE__TRY(put_features(f, d, err));
  grove__document_object(d, "gradient_booster");
  grove__document_object(d, "model");
  grove__document_object(d, "gbtree_model_param");
  grove__document_text(d, "num_parallel_tree", "1");
  put_number_text(d, "num_trees", f->tree_count ? f->tree_count : 1);
  grove__document_text(d, "size_leaf_vector", "0");
  grove__document_object_end(d);
  GROVE__TRY(put_trees(f, d, plain ? 0 : f->base, err));
  grove__document_object_end(d);
  grove__document_text(d, "name", "gbtree");
  grove__document_object_end(d);
  put_parameters(f, d,
      f->link == GROVE__LINK_LOGISTIC ? 0.5f
      : f->link == GROVE__LINK_EXP    ? 1.0f
      : plain                         ? (float)f->base
                                      : 0.0f);
  put_objective(f, d);
  return GROVE_OK;
}

grove_status grove__xgboost_write(
    const grove__foreign *f, bool binary, grove__output *out, grove_error *err)
{
  static const int64_t version[] = {2, 1, 0};
  grove__document d = {.out = out, .binary = binary};
  if (f->link != GROVE__LINK_IDENTITY && f->link != GROVE__LINK_EXP &&
      f->link != GROVE__LINK_LOGISTIC) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "XGBoost has no objective with the link of this model: %s",
        f->link == GROVE__LINK_SIGNED_SQUARE ? "signed_square" : "log1p_exp");
  }
  grove__document_object(&d, NULL);
  grove__document_object(&d, "learner");
  GROVE__TRY(put_learner(f, &d, err));
  grove__document_object_end(&d);
  grove__document_array(&d, "version", GROVE__COUNT(version));
  for (size_t i = 0; i < GROVE__COUNT(version); i++) {
    grove__document_int(&d, NULL, version[i]);
  }
  grove__document_array_end(&d);
  grove__document_object_end(&d);
  return GROVE_OK;
}
