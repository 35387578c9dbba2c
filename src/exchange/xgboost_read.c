// XGBoost's model documents, versions 1.x to 3.x. What changed between them is read in both forms: default_left as
// booleans (before 1.6) and as integers, base_score as "5E-1" and (from 3.1) "[5E-1]", split types that are not there
// (before 1.3), objects that came later. What is not known is refused by name.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/number.h"
#include "exchange/document.h"
#include "exchange/foreign.h"
#include <math.h>

struct objective {
  const char *name;
  uint32_t link;
  uint32_t margin; // the link whose inverse the base score goes through
};
static const struct objective objectives[] = {
    {"reg:squarederror", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
    {"reg:linear", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY}, // the former's name up to 0.90
    {"reg:squaredlogerror", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
    {"reg:absoluteerror", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
    {"reg:pseudohubererror", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
    {"reg:quantileerror", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
    {"count:poisson", GROVE__LINK_EXP, GROVE__LINK_EXP},
    {"reg:gamma", GROVE__LINK_EXP, GROVE__LINK_EXP},
    {"reg:tweedie", GROVE__LINK_EXP, GROVE__LINK_EXP},
    {"binary:logistic", GROVE__LINK_LOGISTIC, GROVE__LINK_LOGISTIC},
    {"reg:logistic", GROVE__LINK_LOGISTIC, GROVE__LINK_LOGISTIC},
    {"binary:logitraw", GROVE__LINK_IDENTITY, GROVE__LINK_IDENTITY},
};

static grove_status refuse(grove_error *err, const char *what, const char *which)
{
  return grove__error(
      err, GROVE_ENOTSUP, -1, "XGBoost: %s \"%.100s\" is not supported", what, which);
}

static grove_status lack(grove_error *err, const char *what)
{
  return grove__error(
      err, GROVE_ECORRUPT, -1, "XGBoost: %s is missing or of the wrong shape", what);
}

// A number, also one that is written as a text, as XGBoost's parameters are.
static bool read_number(const json_t *v, double *out)
{
  const char *text = json_string_value(v);
  if (text) {
    size_t n = json_string_length(v);
    bool list = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    return grove__double_read(text + list, n - 2 * list, out);
  }
  if (json_is_boolean(v)) {
    *out = json_is_true(v);
    return true;
  }
  *out = json_number_value(v);
  return json_is_number(v);
}

static bool read_whole(const json_t *v, int64_t low, int64_t high, int64_t *out)
{
  double d;
  if (!read_number(v, &d) || !(d >= (double)low && d <= (double)high) || d != floor(d)) {
    return false;
  }
  *out = (int64_t)d;
  return true;
}

// ---- the head -----------------------------------------------------------------------------------------
static grove_status read_version(const json_t *root, grove__foreign *f, grove_error *err)
{
  int64_t major, minor;
  const json_t *v = json_object_get(root, "version");
  if (!json_object_get(root, "learner")) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "a JSON document, but no XGBoost model: it has no \"learner\"");
  }
  if (!read_whole(json_array_get(v, 0), 0, 1000000, &major) ||
      !read_whole(json_array_get(v, 1), 0, 1000000, &minor)) {
    return lack(err, "version");
  }
  if (major < 1 || major > 3) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "XGBoost: a model of version %d.%d is not supported; 1.x to 3.x are", (int)major,
        (int)minor);
  }
  f->version = (double)major + (double)minor / 1000;
  return GROVE_OK;
}

// 0 and 1 say the same of classes and targets: one number a row.
static grove_status check_single(
    const json_t *param, const char *key, bool wanted, grove_error *err)
{
  int64_t n = 0;
  const json_t *v = json_object_get(param, key);
  if (!v && !wanted) {
    return GROVE_OK;
  }
  if (!read_whole(v, 0, INT32_MAX, &n)) {
    return lack(err, key);
  }
  return n <= 1 ? GROVE_OK
                : grove__error(err, GROVE_ENOTSUP, -1,
                      "XGBoost: %s is %d: models with more than one number a row are not supported",
                      key, (int)n);
}

static grove_status read_base(
    const json_t *param, const struct objective *o, grove__foreign *f, grove_error *err)
{
  double d;
  if (!read_number(json_object_get(param, "base_score"), &d)) {
    const char *text = json_string_value(json_object_get(param, "base_score"));
    return grove__error(err, GROVE_ENOTSUP, -1, "XGBoost: base_score \"%.80s\" is not one number",
        text ? text : "");
  }
  float base = (float)d;
  if (o->margin == GROVE__LINK_LOGISTIC) {
    base = -logf(1.0f / base - 1.0f);
  } else if (o->margin == GROVE__LINK_EXP) {
    base = logf(base);
  }
  f->base = (double)base;
  return isfinite(base) ? GROVE_OK
                        : grove__error(err, GROVE_ECORRUPT, -1,
                              "XGBoost: the base score %g is out of range for %s", d, o->name);
}

static grove_status read_objective(
    const json_t *learner, const struct objective **out, grove_error *err)
{
  const char *name =
      json_string_value(json_object_get(json_object_get(learner, "objective"), "name"));
  if (!name) {
    return lack(err, "objective.name");
  }
  for (size_t i = 0; i < GROVE__COUNT(objectives); i++) {
    if (strcmp(objectives[i].name, name) == 0) {
      *out = &objectives[i];
      return GROVE_OK;
    }
  }
  return refuse(err, "the objective", name);
}

static grove_status read_features(
    const json_t *learner, const json_t *param, grove__foreign *f, grove_error *err)
{
  int64_t n;
  const json_t *names = json_object_get(learner, "feature_names");
  if (!read_whole(json_object_get(param, "num_feature"), 1, GROVE__NODE_FEATURE, &n)) {
    return lack(err, "num_feature");
  }
  // Names are not always there, and a number alone may ask for gigabytes of them.
  if (n > 1 << 20 && json_array_size(names) == 0) {
    return grove__error(
        err, GROVE_ELIMIT, -1, "XGBoost: num_feature is above %d, without names", 1 << 20);
  }
  if (json_array_size(names) != 0 && json_array_size(names) != (size_t)n) {
    return lack(err, "feature_names");
  }
  GROVE__TRY(grove__foreign_features(f, (size_t)n, err));
  for (size_t i = 0; i < json_array_size(names); i++) {
    const json_t *name = json_array_get(names, i);
    if (!json_is_string(name)) {
      return lack(err, "feature_names");
    }
    GROVE__TRY(grove__foreign_name(f, i, json_string_value(name), json_string_length(name), err));
  }
  return GROVE_OK;
}

// ---- trees --------------------------------------------------------------------------------------------
struct arrays {
  const json_t *left, *right, *feature, *value, *missing;
  const json_t *type;          // NULL: none is categorical
  const json_t *weight, *gain; // NULL: not known
};

static grove_status find_arrays(const json_t *tree, size_t n, struct arrays *a, grove_error *err)
{
  const struct {
    const char *key;
    const json_t **to;
    bool wanted;
  } all[] = {{"left_children", &a->left, true}, {"right_children", &a->right, true},
      {"split_indices", &a->feature, true}, {"split_conditions", &a->value, true},
      {"default_left", &a->missing, true}, {"split_type", &a->type, false},
      {"sum_hessian", &a->weight, false}, {"loss_changes", &a->gain, false}};
  for (size_t i = 0; i < GROVE__COUNT(all); i++) {
    *all[i].to = json_object_get(tree, all[i].key);
    if ((*all[i].to || all[i].wanted) && json_array_size(*all[i].to) != n) {
      return lack(err, all[i].key);
    }
  }
  return GROVE_OK;
}

static grove_status read_node(
    const struct arrays *a, size_t i, grove__loose_node *out, grove_error *err)
{
  double value;
  int64_t feature, missing, type = 0;
  if (!read_number(json_array_get(a->value, i), &value) ||
      !read_whole(json_array_get(a->left, i), -1, INT32_MAX, &out->left) ||
      !read_whole(json_array_get(a->right, i), -1, INT32_MAX, &out->right)) {
    return grove__error(
        err, GROVE_ECORRUPT, -1, "node %zu has a value or child that is no number", i);
  }
  out->bits = grove__bits_of((double)(float)value);
  out->feature = 0;
  out->weight = out->gain = 0;
  if (a->weight && a->gain &&
      (!read_number(json_array_get(a->weight, i), &out->weight) ||
          !read_number(json_array_get(a->gain, i), &out->gain))) {
    return grove__error(err, GROVE_ECORRUPT, -1, "node %zu: sum_hessian or loss_changes", i);
  }
  if (out->left < 0) {
    return GROVE_OK;
  }
  if (!read_whole(json_array_get(a->feature, i), 0, GROVE__NODE_FEATURE, &feature) ||
      !read_whole(json_array_get(a->missing, i), 0, 1, &missing) ||
      (a->type && !read_whole(json_array_get(a->type, i), 0, INT32_MAX, &type))) {
    return grove__error(
        err, GROVE_ECORRUPT, -1, "node %zu: feature, default_left or split_type", i);
  }
  if (type > 1) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "node %zu has the unknown split_type %d", i, (int)type);
  }
  out->feature = (uint32_t)feature | (missing ? GROVE__NODE_MISSING_LEFT : 0) |
                 (type ? GROVE__NODE_CATEGORY : 0);
  if (type) {
    out->bits = 0; // an empty set until its categories are read
  }
  return GROVE_OK;
}

static grove_status read_set(grove__foreign *f, const json_t *categories, size_t first,
    size_t count, grove__loose_node *node, grove_error *err)
{
  int64_t most = -1, v;
  uint32_t *words;
  for (size_t i = first; i < first + count; i++) {
    if (!read_whole(json_array_get(categories, i), 0, (1 << 24) - 1, &v)) {
      return grove__error(err, GROVE_ECORRUPT, -1, "category %zu is no number below 2^24", i);
    }
    most = v > most ? v : most;
  }
  GROVE__TRY(grove__foreign_set(f, (size_t)(most / 32) + (most >= 0), &node->bits, &words, err));
  for (size_t i = first; i < first + count; i++) {
    (void)read_whole(json_array_get(categories, i), 0, (1 << 24) - 1, &v);
    words[v / 32] |= 1u << v % 32;
  }
  return GROVE_OK;
}

static grove_status read_sets(
    grove__foreign *f, const json_t *tree, grove__loose_node *nodes, size_t n, grove_error *err)
{
  const json_t *which = json_object_get(tree, "categories_nodes");
  const json_t *firsts = json_object_get(tree, "categories_segments");
  const json_t *sizes = json_object_get(tree, "categories_sizes");
  const json_t *categories = json_object_get(tree, "categories");
  size_t all = json_array_size(categories), sets = json_array_size(which);
  size_t left = all, empty = 0; // each category is in one set
  if (json_array_size(firsts) != sets || json_array_size(sizes) != sets) {
    return lack(err, "categories_segments or categories_sizes");
  }
  for (size_t k = 0; k < sets; k++) {
    int64_t i, first, count;
    if (!read_whole(json_array_get(which, k), 0, (int64_t)n - 1, &i) ||
        !read_whole(json_array_get(firsts, k), 0, (int64_t)all, &first) ||
        !read_whole(json_array_get(sizes, k), 0, (int64_t)all - first, &count) ||
        (size_t)count > left) {
      return grove__error(err, GROVE_ECORRUPT, -1, "set %zu of categories is not in the list", k);
    }
    left -= (size_t)count;
    if (!(nodes[i].feature & GROVE__NODE_CATEGORY)) {
      continue; // a node that was pruned
    }
    GROVE__TRY(read_set(f, categories, (size_t)first, (size_t)count, &nodes[i], err));
  }
  for (size_t i = 0; i < n; i++) {
    empty += (nodes[i].feature & GROVE__NODE_CATEGORY) && nodes[i].bits == 0;
  }
  return empty == 0 ? GROVE_OK : lack(err, "categories of a categorical split");
}

static grove_status read_tree_nodes(
    grove__foreign *f, const json_t *tree, grove__loose_node *nodes, size_t n, grove_error *err)
{
  struct arrays a;
  GROVE__TRY(find_arrays(tree, n, &a, err));
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(read_node(&a, i, &nodes[i], err));
  }
  GROVE__TRY(read_sets(f, tree, nodes, n, err));
  return grove__foreign_add(f, nodes, n, err);
}

static grove_status read_tree(grove__foreign *f, const json_t *tree, size_t index, grove_error *err)
{
  int64_t id;
  size_t n = json_array_size(json_object_get(tree, "left_children"));
  const json_t *param = json_object_get(tree, "tree_param");
  GROVE__TRY(check_single(param, "size_leaf_vector", false, err));
  if (json_object_get(tree, "id") &&
      (!read_whole(json_object_get(tree, "id"), 0, INT32_MAX, &id) || (size_t)id != index)) {
    return lack(err, "the order of trees (id)");
  }
  grove__loose_node *nodes = grove__alloc_array(&f->allocator, n, sizeof *nodes);
  if (!nodes) {
    return grove__error_memory(err, "a tree", n * sizeof *nodes);
  }
  grove_status s = read_tree_nodes(f, tree, nodes, n, err);
  grove__free(&f->allocator, nodes, n * sizeof *nodes);
  return s;
}

static grove_status check_booster(const json_t *booster, const json_t **model, grove_error *err)
{
  const char *name = json_string_value(json_object_get(booster, "name"));
  if (!name) {
    return lack(err, "gradient_booster.name");
  }
  if (strcmp(name, "gbtree") != 0) {
    return refuse(err, "the booster", name);
  }
  *model = json_object_get(booster, "model");
  const json_t *enc = json_object_get(json_object_get(*model, "cats"), "enc");
  if (json_array_size(enc) > 0) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "XGBoost: \"cats\" is not supported: the model recodes the categories of a data frame");
  }
  return check_single(
      json_object_get(*model, "gbtree_model_param"), "size_leaf_vector", false, err);
}

static grove_status read_trees(const json_t *booster, grove__foreign *f, grove_error *err)
{
  const json_t *model = NULL;
  GROVE__TRY(check_booster(booster, &model, err));
  const json_t *trees = json_object_get(model, "trees"),
               *groups = json_object_get(model, "tree_info");
  int64_t count, group;
  if (!json_is_array(trees) || json_array_size(groups) != json_array_size(trees)) {
    return lack(err, "trees or tree_info");
  }
  const json_t *param = json_object_get(model, "gbtree_model_param");
  if (!read_whole(json_object_get(param, "num_trees"), 0, INT32_MAX, &count) ||
      (size_t)count != json_array_size(trees)) {
    return lack(err, "num_trees");
  }
  for (size_t t = 0; t < (size_t)count; t++) {
    if (!read_whole(json_array_get(groups, t), 0, INT32_MAX, &group) || group != 0) {
      return refuse(err, "a tree of another class or target in", "tree_info");
    }
    grove_status s = read_tree(f, json_array_get(trees, t), t, err);
    if (s) {
      return grove__error_prefix(err, s, "tree %zu", t);
    }
  }
  return GROVE_OK;
}

static grove_status read_root(const json_t *root, grove__foreign *f, grove_error *err)
{
  const struct objective *o = NULL;
  const json_t *learner = json_object_get(root, "learner");
  const json_t *param = json_object_get(learner, "learner_model_param");
  const json_t *booster = json_object_get(learner, "gradient_booster");
  const char *name = json_string_value(json_object_get(booster, "name"));
  GROVE__TRY(read_version(root, f, err));
  if (name && strcmp(name, "gbtree") != 0) {
    return refuse(err, "the booster", name);
  }
  GROVE__TRY(check_single(param, "num_class", true, err));
  GROVE__TRY(check_single(param, "num_target", false, err));
  GROVE__TRY(read_objective(learner, &o, err));
  f->library = GROVE__ARITHMETIC_XGBOOST;
  f->link = o->link;
  GROVE__TRY(read_base(param, o, f, err));
  GROVE__TRY(read_features(learner, param, f, err));
  return read_trees(booster, f, err);
}

// XGBoost writes NaN and Infinity as bare words (1.7 in categorical splits), which are no JSON: they become texts,
// which are read as numbers anyway.
static void quote_words(const char *bytes, size_t n, grove__output *out)
{
  static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
  bool inside = false; // a text
  size_t from = 0;
  for (size_t i = 0; i < n; i++) {
    if (bytes[i] == '"') {
      inside = !inside;
    } else if (inside) {
      i += bytes[i] == '\\';
    } else if (bytes[i] == 'N' || bytes[i] == '-' || bytes[i] == 'I') {
      for (size_t w = 0; w < GROVE__COUNT(words); w++) {
        size_t length = strlen(words[w]);
        if (n - i >= length && memcmp(bytes + i, words[w], length) == 0) {
          grove__output_put(out, bytes + from, i - from);
          grove__output_format(out, "\"%s\"", words[w]);
          from = i + length;
          i = from - 1;
          break;
        }
      }
    }
  }
  grove__output_put(out, bytes + from, n - from);
}

grove_status grove__xgboost_read_json(
    const char *bytes, size_t n, grove__foreign *f, grove_error *err)
{
  json_error_t why = {.line = 0};
  grove__output text = {.allocator = &f->allocator};
  quote_words(bytes, n, &text);
  json_t *root =
      text.failed ? NULL : json_loadb(text.bytes, text.used, JSON_REJECT_DUPLICATES, &why);
  bool failed = text.failed;
  grove__output_free(&text);
  if (failed) {
    return grove__error_memory(err, "an XGBoost model", n);
  }
  if (!root) {
    return grove__error(
        err, GROVE_ECORRUPT, why.position, "XGBoost JSON, line %d: %s", why.line, why.text);
  }
  grove_status s = read_root(root, f, err);
  json_decref(root);
  return s;
}

grove_status grove__xgboost_read_ubjson(
    const unsigned char *bytes, size_t n, grove__foreign *f, grove_error *err)
{
  json_t *root = NULL;
  GROVE__TRY(grove__ubjson_read(bytes, n, &root, err));
  grove_status s = read_root(root, f, err);
  json_decref(root);
  return s;
}
