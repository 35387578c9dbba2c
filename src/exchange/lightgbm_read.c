// LightGBM's text models, versions v2 to v4: lines of key=value, a block for each tree.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/number.h"
#include "exchange/foreign.h"
#include <math.h>

/// A piece of the file. NULL: not there.
typedef struct span {
  const char *at;
  size_t n;
} span;

struct reading {
  const char *start;
  const char *at;
  const char *end;
  grove__foreign *f;
  grove_error *err;
};

static grove_status fail(const struct reading *r, grove_status s, const char *what, span which)
{
  return grove__error(r->err, s, r->at - r->start, "LightGBM: %s \"%.*s\"", what,
      (int)(which.n < 80 ? which.n : 80), which.at ? which.at : "");
}

static grove_status lack(const struct reading *r, const char *key)
{
  return grove__error(r->err, GROVE_ECORRUPT, r->at - r->start,
      "LightGBM: %s is missing or of the wrong shape", key);
}

static bool is_word(span s, const char *word)
{
  return s.n == strlen(word) && memcmp(s.at, word, s.n) == 0;
}

static bool take_line(struct reading *r, span *line)
{
  if (r->at == r->end) {
    return false;
  }
  const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
  *line = (span){r->at, (size_t)((end ? end : r->end) - r->at)};
  r->at = end ? end + 1 : r->end;
  line->n -= line->n && line->at[line->n - 1] == '\r';
  return true;
}

static bool take_word(span *text, span *word)
{
  if (!text->at) {
    return false;
  }
  while (text->n && *text->at == ' ') {
    text->at++;
    text->n--;
  }
  size_t n = 0;
  while (n < text->n && text->at[n] != ' ') {
    n++;
  }
  *word = (span){text->at, n};
  text->at += n;
  text->n -= n;
  return n > 0;
}

/// The wanted keys of a block, by place.
struct key {
  const char *name;
  span value;
};

static void note_key(struct key *keys, size_t count, span line)
{
  const char *sign = memchr(line.at, '=', line.n);
  span name = {line.at, sign ? (size_t)(sign - line.at) : line.n};
  for (size_t i = 0; i < count; i++) {
    if (is_word(name, keys[i].name)) {
      keys[i].value = sign ? (span){sign + 1, line.n - name.n - 1} : (span){line.at + line.n, 0};
    }
  }
}

static bool read_whole(span s, double low, double high, double *out)
{
  return s.at && grove__double_read(s.at, s.n, out) && *out >= low && *out <= high &&
         *out == floor(*out);
}

// ---- the head -----------------------------------------------------------------------------------------
enum { VERSION, CLASSES, PER_ITERATION, MAX_FEATURE, OBJECTIVE, NAMES, AVERAGE, SIZES, HEAD_KEYS };

static grove_status read_objective(struct reading *r, span text)
{
  static const struct {
    const char *name;
    uint32_t link;
  } all[] = {{"regression", GROVE__LINK_IDENTITY}, {"regression_l2", GROVE__LINK_IDENTITY},
      {"regression_l1", GROVE__LINK_IDENTITY}, {"huber", GROVE__LINK_IDENTITY},
      {"fair", GROVE__LINK_IDENTITY}, {"quantile", GROVE__LINK_IDENTITY},
      {"mape", GROVE__LINK_IDENTITY}, {"custom", GROVE__LINK_IDENTITY},
      {"poisson", GROVE__LINK_EXP}, {"gamma", GROVE__LINK_EXP}, {"tweedie", GROVE__LINK_EXP},
      {"binary", GROVE__LINK_LOGISTIC}, {"cross_entropy", GROVE__LINK_LOGISTIC},
      {"cross_entropy_lambda", GROVE__LINK_LOG1P_EXP}};
  static const char sigmoid[] = "sigmoid:";
  span word, rest = text;
  r->f->link = GROVE__LINK_IDENTITY;
  if (!take_word(&rest, &word)) {
    return GROVE_OK; // an objective of the user's own: LightGBM gives the plain sums
  }
  size_t i = 0;
  while (i < GROVE__COUNT(all) && !is_word(word, all[i].name)) {
    i++;
  }
  if (i == GROVE__COUNT(all)) {
    return fail(r, GROVE_ENOTSUP, "not supported is the objective", word);
  }
  r->f->link = all[i].link;
  while (take_word(&rest, &word)) {
    if (is_word(word, "sqrt") && r->f->link == GROVE__LINK_IDENTITY) {
      r->f->link = GROVE__LINK_SIGNED_SQUARE;
    }
    if (word.n > sizeof sigmoid - 1 && memcmp(word.at, sigmoid, sizeof sigmoid - 1) == 0 &&
        !(grove__double_read(word.at + 8, word.n - 8, &r->f->scale) && r->f->scale > 0)) {
      return fail(r, GROVE_ECORRUPT, "no number above 0 is", word);
    }
  }
  return GROVE_OK;
}

static grove_status read_names(struct reading *r, span text, double most)
{
  span word, rest = text;
  size_t n = 0;
  while (take_word(&rest, &word)) {
    n++;
  }
  if ((double)n != most + 1) { // so the number of features is bounded by the file
    return lack(r, "feature_names");
  }
  GROVE__TRY(grove__foreign_features(r->f, n, r->err));
  for (size_t i = 0; i < n; i++) {
    (void)take_word(&text, &word);
    if (memchr(word.at, 0, word.n)) {
      return lack(r, "feature_names");
    }
    GROVE__TRY(grove__foreign_name(r->f, i, word.at, word.n, r->err));
  }
  return GROVE_OK;
}

// From the first line to that of the first tree, or of the end of the trees.
static grove_status read_head(struct reading *r, span *line, size_t *trees, bool *average)
{
  struct key k[HEAD_KEYS] = {[VERSION] = {"version", {0}},
      [CLASSES] = {"num_class", {0}},
      [PER_ITERATION] = {"num_tree_per_iteration", {0}},
      [MAX_FEATURE] = {"max_feature_idx", {0}},
      [OBJECTIVE] = {"objective", {0}},
      [NAMES] = {"feature_names", {0}},
      [AVERAGE] = {"average_output", {0}},
      [SIZES] = {"tree_sizes", {0}}};
  double most, n;
  bool more;
  while ((more = take_line(r, line)) && !is_word(*line, "end of trees") &&
         !(line->n > 5 && memcmp(line->at, "Tree=", 5) == 0)) {
    note_key(k, HEAD_KEYS, *line);
  }
  span v = k[VERSION].value;
  if (!v.at || !more) {
    return lack(r, v.at ? "a tree or \"end of trees\"" : "version");
  }
  if (!is_word(v, "v2") && !is_word(v, "v3") && !is_word(v, "v4")) {
    return fail(r, GROVE_ENOTSUP, "v2 to v4 are supported, not the version", v);
  }
  r->f->version = v.at[1] - '0';
  if (!read_whole(k[CLASSES].value, 0, 1e9, &n) || n > 1) {
    return fail(r, k[CLASSES].value.at ? GROVE_ENOTSUP : GROVE_ECORRUPT,
        "one number a row is supported, not num_class", k[CLASSES].value);
  }
  if (!read_whole(k[PER_ITERATION].value, 0, 1e9, &n) || n > 1) {
    return fail(r, k[PER_ITERATION].value.at ? GROVE_ENOTSUP : GROVE_ECORRUPT,
        "one number a row is supported, not num_tree_per_iteration", k[PER_ITERATION].value);
  }
  if (!read_whole(k[MAX_FEATURE].value, 0, GROVE__NODE_FEATURE - 1, &most)) {
    return lack(r, "max_feature_idx");
  }
  *average = k[AVERAGE].value.at != NULL;
  span sizes = k[SIZES].value, word;
  *trees = sizes.at ? 0 : SIZE_MAX;
  while (sizes.at && take_word(&sizes, &word)) {
    ++*trees;
  }
  GROVE__TRY(read_objective(r, k[OBJECTIVE].value));
  return read_names(r, k[NAMES].value, most);
}

// ---- trees --------------------------------------------------------------------------------------------
enum {
  LEAVES,
  SETS,
  FEATURE,
  THRESHOLD,
  DECISION,
  LEFT,
  RIGHT,
  VALUE,
  BOUNDARIES,
  WORDS,
  LINEAR,
  COUNT,
  GAIN,
  TREE_KEYS
};

/// Lists of numbers of one tree, at first without memory.
struct lists {
  grove__output v[TREE_KEYS];
};

static const double *list_of(const struct lists *l, size_t key)
{
  return (const double *)(const void *)l->v[key].bytes;
}

static grove_status read_list(
    struct reading *r, const struct key *k, size_t key, size_t wanted, struct lists *l)
{
  span rest = k[key].value, word;
  size_t n = 0;
  double v;
  while (rest.at && n <= wanted && take_word(&rest, &word)) {
    if (!grove__double_read(word.at, word.n, &v)) {
      return fail(r, GROVE_ECORRUPT, "no number is", word);
    }
    grove__output_put(&l->v[key], &v, sizeof v);
    n++;
  }
  if (l->v[key].failed) {
    return grove__error_memory(r->err, "a tree", l->v[key].used);
  }
  return n == wanted ? GROVE_OK : lack(r, k[key].name);
}

static bool is_whole(double v, double low, double high)
{
  return v >= low && v <= high && v == floor(v);
}

static grove_status read_set(
    struct reading *r, const struct lists *l, size_t sets, double index, grove__loose_node *out)
{
  uint32_t *words;
  const double *bounds = list_of(l, BOUNDARIES), *in = list_of(l, WORDS);
  if (!is_whole(index, 0, (double)sets - 1)) {
    return lack(r, "the set of a categorical split");
  }
  double first = bounds[(size_t)index], end = bounds[(size_t)index + 1];
  double most = (double)(l->v[WORDS].used / sizeof(double));
  if (!is_whole(first, 0, most) || !is_whole(end, first, most)) {
    return lack(r, "cat_boundaries");
  }
  GROVE__TRY(grove__foreign_set(r->f, (size_t)(end - first), &out->bits, &words, r->err));
  for (size_t i = 0; i < (size_t)(end - first); i++) {
    if (!is_whole(in[(size_t)first + i], 0, UINT32_MAX)) {
      return lack(r, "cat_threshold");
    }
    words[i] = (uint32_t)in[(size_t)first + i];
  }
  return GROVE_OK;
}

// Leaves stand behind the splits: child -1 is leaf 0.
static int64_t place_of(double child, size_t splits)
{
  return child >= 0 ? (int64_t)child : (int64_t)splits - 1 - (int64_t)child;
}

static grove_status read_split(struct reading *r, const struct lists *l, size_t i, size_t splits,
    size_t sets, grove__loose_node *out)
{
  double decision = list_of(l, DECISION)[i], feature = list_of(l, FEATURE)[i];
  double left = list_of(l, LEFT)[i], right = list_of(l, RIGHT)[i], value = list_of(l, THRESHOLD)[i];
  static const uint32_t kinds[] = {GROVE__NODE_NAN_IS_ZERO, GROVE__NODE_ZERO_MISSING, 0};
  if (!is_whole(feature, 0, GROVE__NODE_FEATURE) || !is_whole(left, -1e9, 1e9) ||
      !is_whole(right, -1e9, 1e9) || isnan(value)) {
    return lack(r, "split_feature, threshold, left_child or right_child");
  }
  if (!is_whole(decision, 0, 11)) {
    return grove__error(r->err, GROVE_ENOTSUP, r->at - r->start,
        "LightGBM: the decision_type %g is not supported", decision);
  }
  uint32_t bits = (uint32_t)decision;
  *out = (grove__loose_node){.bits = grove__bits_of(value),
      .left = place_of(left, splits),
      .right = place_of(right, splits),
      .feature = (uint32_t)feature | (bits & 2 ? GROVE__NODE_MISSING_LEFT : 0) | kinds[bits >> 2]};
  if (bits & 1) {
    out->feature |= GROVE__NODE_CATEGORY;
    return read_set(r, l, sets, value, out);
  }
  return GROVE_OK;
}

static grove_status build_tree(struct reading *r, const struct lists *l, size_t leaves, size_t sets)
{
  size_t splits = leaves - 1, count = leaves + splits;
  grove__loose_node *nodes = grove__alloc_array(&r->f->allocator, count, sizeof *nodes);
  if (!nodes) {
    return grove__error_memory(r->err, "a tree", count * sizeof *nodes);
  }
  grove_status s = GROVE_OK;
  for (size_t i = 0; s == GROVE_OK && i < splits; i++) {
    s = read_split(r, l, i, splits, sets, &nodes[i]);
    nodes[i].gain = l->v[GAIN].used ? list_of(l, GAIN)[i] : 0;
  }
  for (size_t i = 0; s == GROVE_OK && i < leaves; i++) {
    nodes[splits + i] = (grove__loose_node){.bits = grove__bits_of(list_of(l, VALUE)[i]),
        .left = -1,
        .right = -1,
        .weight = l->v[COUNT].used ? list_of(l, COUNT)[i] : 0};
  }
  s = s ? s : grove__foreign_add(r->f, nodes, count, r->err);
  grove__free(&r->f->allocator, nodes, count * sizeof *nodes);
  return s;
}

static grove_status read_lists(struct reading *r, const struct key *k, struct lists *l)
{
  double leaves, sets = 0;
  if (!read_whole(k[LEAVES].value, 1, 1e9, &leaves)) {
    return lack(r, "num_leaves");
  }
  if (k[SETS].value.at && !read_whole(k[SETS].value, 0, 1e9, &sets)) {
    return lack(r, "num_cat");
  }
  if (k[LINEAR].value.at && !is_word(k[LINEAR].value, "0")) {
    return fail(r, GROVE_ENOTSUP, "not supported are linear trees: is_linear is", k[LINEAR].value);
  }
  static const size_t of_splits[] = {FEATURE, THRESHOLD, DECISION, LEFT, RIGHT};
  GROVE__TRY(read_list(r, k, VALUE, (size_t)leaves, l));
  for (size_t i = 0; leaves > 1 && i < GROVE__COUNT(of_splits); i++) {
    GROVE__TRY(read_list(r, k, of_splits[i], (size_t)leaves - 1, l));
  }
  if (leaves > 1 && k[COUNT].value.n && k[GAIN].value.n) {
    GROVE__TRY(read_list(r, k, COUNT, (size_t)leaves, l));
    GROVE__TRY(read_list(r, k, GAIN, (size_t)leaves - 1, l));
  }
  if (sets > 0) {
    GROVE__TRY(read_list(r, k, BOUNDARIES, (size_t)sets + 1, l));
    double words = list_of(l, BOUNDARIES)[(size_t)sets];
    if (!is_whole(words, 0, 1e9)) {
      return lack(r, "cat_boundaries");
    }
    GROVE__TRY(read_list(r, k, WORDS, (size_t)words, l));
  }
  return build_tree(r, l, (size_t)leaves, (size_t)sets);
}

// One block; *line is the first that is not of it.
static grove_status read_tree(struct reading *r, span *line)
{
  static const char *const names[TREE_KEYS] = {"num_leaves", "num_cat", "split_feature",
      "threshold", "decision_type", "left_child", "right_child", "leaf_value", "cat_boundaries",
      "cat_threshold", "is_linear", "leaf_count", "split_gain"};
  struct key k[TREE_KEYS];
  struct lists l;
  bool more;
  for (size_t i = 0; i < TREE_KEYS; i++) {
    k[i] = (struct key){names[i], {0}};
    l.v[i] = (grove__output){.allocator = &r->f->allocator};
  }
  while ((more = take_line(r, line)) && !is_word(*line, "end of trees") &&
         !(line->n > 5 && memcmp(line->at, "Tree=", 5) == 0)) {
    note_key(k, TREE_KEYS, *line);
  }
  if (!more) {
    return lack(r, "\"end of trees\"");
  }
  grove_status s = read_lists(r, k, &l);
  for (size_t i = 0; i < TREE_KEYS; i++) {
    grove__output_free(&l.v[i]);
  }
  return s;
}

static grove_status read_rest(struct reading *r)
{
  static const char key[] = "pandas_categorical:";
  span line;
  while (take_line(r, &line)) {
    if (line.n < sizeof key - 1 || memcmp(line.at, key, sizeof key - 1) != 0) {
      continue;
    }
    span v = {line.at + sizeof key - 1, line.n - (sizeof key - 1)};
    if (!is_word(v, "null") && !is_word(v, "[]")) {
      return fail(r, GROVE_ENOTSUP,
          "not supported is a model that recodes the categories of a data frame: "
          "pandas_categorical is",
          v);
    }
  }
  return GROVE_OK;
}

grove_status grove__lightgbm_read(const char *bytes, size_t n, grove__foreign *f, grove_error *err)
{
  struct reading r = {.start = bytes, .at = bytes, .end = bytes + n, .f = f, .err = err};
  span line;
  size_t trees = 0;
  bool average = false;
  f->library = GROVE__ARITHMETIC_LIGHTGBM;
  GROVE__TRY(read_head(&r, &line, &trees, &average));
  while (!is_word(line, "end of trees")) {
    grove_status s = read_tree(&r, &line);
    if (s) {
      return grove__error_prefix(err, s, "tree %zu", f->tree_count);
    }
  }
  if (trees != SIZE_MAX && trees != f->tree_count) {
    return lack(&r, "a tree of tree_sizes");
  }
  f->divide = average && f->tree_count ? (double)f->tree_count : 1;
  return read_rest(&r);
}
