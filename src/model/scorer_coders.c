// Which thresholds and categories each feature is compared with, and the columns of bytes that follow from them.
#include "base/status.h"
#include "model/scorer.h"
#include <math.h>

enum {
  CLASSES_MOST = 255,       // and one for the missing
  COLUMNS_MOST = 65535,     // a column's number has 16 bits
  CATEGORIES_MOST = 1 << 24 // of one feature
};

/// A split by a threshold.
struct item {
  uint32_t feature;
  uint32_t flags; // its kind, and which side the missing go
  double value;
};

static uint32_t kind_of(uint32_t flags)
{
  return flags & GROVE__NODE_CATEGORY
             ? GROVE__NODE_CATEGORY
             : flags & (GROVE__NODE_NAN_IS_ZERO | GROVE__NODE_ZERO_MISSING);
}

static bool is_before(const struct item *a, const struct item *b)
{
  uint32_t p = kind_of(a->flags), q = kind_of(b->flags);
  return a->feature != b->feature ? a->feature < b->feature : p != q ? p < q : a->value < b->value;
}

// By merging runs of 1, 2, 4 ...; the sorted items are where the result points.
static struct item *sort(struct item *from, struct item *to, size_t n)
{
  for (size_t run = 1; run < n; run *= 2) {
    for (size_t low = 0; low < n; low += 2 * run) {
      size_t middle = n - low < run ? n : low + run;
      size_t high = n - low < 2 * run ? n : low + 2 * run;
      size_t a = low, b = middle;
      for (size_t i = low; i < high; i++) {
        bool second = a == middle || (b < high && is_before(&from[b], &from[a]));
        to[i] = second ? from[b++] : from[a++];
      }
    }
    struct item *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

// A category has no value here: all of a feature are one run.
static size_t collect(const grove__ensemble *e, struct item *out, bool *fits)
{
  size_t n = 0;
  for (size_t t = 0; t < e->count; t++) {
    for (size_t i = 0; i < e->trees[t].count; i++) {
      const grove__node *node = &e->trees[t].nodes[i];
      if (!node->left) {
        continue;
      }
      bool category = node->feature & GROVE__NODE_CATEGORY;
      double value = category                                     ? 0
                     : e->arithmetic == GROVE__ARITHMETIC_XGBOOST ? (double)(float)node->value
                                                                  : node->value;
      *fits &= value == value;
      if (out) {
        out[n] = (struct item){
            node->feature & GROVE__NODE_FEATURE, node->feature & ~GROVE__NODE_FEATURE, value};
      }
      n++;
    }
  }
  return n;
}

static bool same_coder(const struct item *a, const struct item *b)
{
  return a->feature == b->feature && kind_of(a->flags) == kind_of(b->flags);
}

// Thresholds are searched in halves of a power of two: so much room has a list, with NaN behind its end.
static size_t room_of(size_t thresholds)
{
  size_t room = 1;
  while (room <= thresholds) {
    room *= 2;
  }
  return room;
}

static grove_status reserve_coders(grove__scorer *s, const struct item *items, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    s->coder_count += i == 0 || !same_coder(&items[i - 1], &items[i]);
  }
  s->coders = grove__alloc_zero(&s->allocator, s->coder_count * sizeof *s->coders);
  return s->coders ? GROVE_OK : GROVE_ENOMEM;
}

// Counts first, so that all thresholds have one block.
static void measure(grove__scorer *s, const struct item *items, size_t n, bool *fits)
{
  grove__coder *c = s->coders;
  uint64_t columns = 0;
  for (size_t i = 0, end; i < n; i = end, c++) {
    *c = (grove__coder){.feature = items[i].feature, .flags = kind_of(items[i].flags)};
    for (end = i; end < n && same_coder(&items[i], &items[end]); end++) {
      c->flags |= items[end].flags & GROVE__NODE_MISSING_LEFT;
      c->count += end == i || items[end - 1].value < items[end].value;
    }
    c->columns = 1;
    if (c->flags & GROVE__NODE_CATEGORY) {
      c->flags = GROVE__NODE_CATEGORY; // its missing have a class
    } else {
      c->first = s->threshold_count;
      s->threshold_count += room_of(c->count);
      c->columns = (uint32_t)((c->count - 1) / GROVE__COLUMN_THRESHOLDS + 1);
    }
    c->column = (uint32_t)columns;
    columns += (uint64_t)c->columns << (c->flags & GROVE__NODE_MISSING_LEFT ? 1 : 0);
    *fits &= columns <= COLUMNS_MOST;
  }
  s->columns = (uint32_t)columns;
}

static grove_status fill_thresholds(
    grove__scorer *s, const grove__ensemble *e, const struct item *items, size_t n)
{
  bool floats = e->arithmetic == GROVE__ARITHMETIC_XGBOOST;
  const grove__coder *c = s->coders;
  if (floats) {
    s->floats = grove__alloc_array(&s->allocator, s->threshold_count, sizeof *s->floats);
  } else {
    s->doubles = grove__alloc_array(&s->allocator, s->threshold_count, sizeof *s->doubles);
  }
  if (!s->floats && !s->doubles) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < s->threshold_count; i++) {
    if (floats) {
      s->floats[i] = NAN;
    } else {
      s->doubles[i] = NAN;
    }
  }
  for (size_t i = 0, end; i < n; i = end, c++) {
    size_t at = c->first;
    for (end = i; end < n && same_coder(&items[i], &items[end]); end++) {
      if (c->flags & GROVE__NODE_CATEGORY ||
          (end > i && !(items[end - 1].value < items[end].value))) {
        continue;
      }
      if (floats) {
        s->floats[at++] = (float)items[end].value;
      } else {
        s->doubles[at++] = items[end].value;
      }
    }
  }
  return GROVE_OK;
}

// ---- classes ------------------------------------------------------------------------------------------
/// Classes of one feature's categories, split by one set after the other.
struct classes {
  uint8_t *of;       // by category; 0: in no set, as is all that is not in the table
  size_t total[256]; // categories of a class; of class 0 there is no end
  uint32_t count;
};

// One class more for what a set has of a class of which it has not all.
static bool split_classes(struct classes *c, grove__set set, const uint32_t *words)
{
  size_t in[256] = {0};
  uint8_t to[256];
  for (uint32_t v = 0; v < set.count * 32; v++) {
    in[c->of[v]] += grove__set_has(set, words, v);
  }
  uint32_t was = c->count;
  for (uint32_t k = 0; k < was; k++) {
    to[k] = (uint8_t)k;
    if (in[k] && (k == 0 || in[k] < c->total[k])) {
      if (c->count == CLASSES_MOST) {
        return false;
      }
      to[k] = (uint8_t)c->count;
      c->total[c->count++] = in[k];
      c->total[k] -= in[k];
    }
  }
  for (uint32_t v = 0; v < set.count * 32; v++) {
    if (grove__set_has(set, words, v)) {
      c->of[v] = to[c->of[v]];
    }
  }
  return true;
}

/// Calls `see` for each split by categories of a feature, until it says no.
static bool each_set(const grove__ensemble *e, uint32_t feature,
    bool (*see)(void *user, grove__set set, const uint32_t *words), void *user)
{
  const uint32_t mask = GROVE__NODE_FEATURE | GROVE__NODE_CATEGORY;
  for (size_t t = 0; t < e->count; t++) {
    for (size_t i = 0; i < e->trees[t].count; i++) {
      const grove__node *n = &e->trees[t].nodes[i];
      if (n->left && (n->feature & mask) == (feature | GROVE__NODE_CATEGORY) &&
          !see(user, grove__node_set(n), e->trees[t].words)) {
        return false;
      }
    }
  }
  return true;
}

static bool note_most(void *user, grove__set set, const uint32_t *words)
{
  size_t *most = user;
  (void)words;
  *most = set.count > *most ? set.count : *most;
  return *most <= CATEGORIES_MOST / 32;
}

static bool split_by(void *user, grove__set set, const uint32_t *words)
{
  return split_classes(user, set, words);
}

static grove_status make_classes(grove__scorer *s, const grove__ensemble *e, bool *fits)
{
  for (size_t k = 0; k < s->coder_count && *fits; k++) {
    grove__coder *c = &s->coders[k];
    if (!(c->flags & GROVE__NODE_CATEGORY)) {
      continue;
    }
    size_t words = 0;
    *fits = each_set(e, c->feature, note_most, &words);
    c->first = s->class_count;
    c->count = words * 32;
    if (!*fits) {
      return GROVE_OK;
    }
    uint8_t *more =
        grove__realloc(&s->allocator, s->classes, s->class_count, s->class_count + c->count);
    if (!more) {
      return GROVE_ENOMEM;
    }
    s->classes = more;
    s->class_count += c->count;
    memset(s->classes + c->first, 0, c->count);
    struct classes made = {.of = s->classes + c->first, .count = 1};
    *fits = each_set(e, c->feature, split_by, &made);
    // LightGBM's missing are in no set; others' go where the node says, as a class of their own.
    c->missing = e->arithmetic == GROVE__ARITHMETIC_LIGHTGBM ? 0 : (uint8_t)made.count;
    c->class_most = (uint8_t)(c->missing ? c->missing : made.count - 1);
    while (8u << s->set_shift <= c->class_most) {
      s->set_shift++;
    }
    s->set_mask = (1u << s->set_shift) - 1;
  }
  return GROVE_OK;
}

grove_status grove__scorer_coders(grove__scorer *s, const grove__ensemble *e, bool *fits)
{
  size_t n = collect(e, NULL, fits), bytes;
  if (!*fits) {
    return GROVE_OK;
  }
  if (!grove__multiply(n, 2 * sizeof(struct item), &bytes)) {
    return GROVE_ENOMEM;
  }
  struct item *block = grove__alloc(&s->allocator, bytes);
  if (!block) {
    return GROVE_ENOMEM;
  }
  (void)collect(e, block, fits);
  const struct item *items = sort(block, block + n, n);
  grove_status status = reserve_coders(s, items, n);
  if (status == GROVE_OK) {
    measure(s, items, n, fits);
    status = *fits ? fill_thresholds(s, e, items, n) : GROVE_OK;
  }
  grove__free(&s->allocator, block, bytes);
  return status || !*fits ? status : make_classes(s, e, fits);
}

// ---- a node's place -----------------------------------------------------------------------------------
static const grove__coder *coder_of(const grove__scorer *s, const grove__node *n)
{
  uint32_t feature = n->feature & GROVE__NODE_FEATURE, kind = kind_of(n->feature);
  size_t low = 0, high = s->coder_count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    const grove__coder *c = &s->coders[middle];
    bool after = c->feature != feature ? c->feature > feature : kind_of(c->flags) > kind;
    low = after ? low : middle;
    high = after ? middle : high;
  }
  return &s->coders[low];
}

static size_t rank_of(const grove__scorer *s, const grove__coder *c, double value)
{
  size_t low = 0, high = c->count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    double there = s->floats ? (double)s->floats[c->first + middle] : s->doubles[c->first + middle];
    bool after = there > value;
    low = after ? low : middle;
    high = after ? middle : high;
  }
  return low;
}

static uint32_t add_set(grove__scorer *s, const grove__ensemble *e, const grove__coder *c,
    const grove__node *n, const uint32_t *words)
{
  size_t bytes = (size_t)1 << s->set_shift;
  uint8_t *bits = s->sets + s->set_count * bytes;
  bool set_right = e->arithmetic == GROVE__ARITHMETIC_XGBOOST;
  grove__set in = grove__node_set(n);
  memset(bits, set_right ? 0 : 0xff, bytes);
  for (uint32_t v = 0; v < in.count * 32; v++) {
    if (grove__set_has(in, words, v)) {
      uint8_t class = s->classes[c->first + v];
      bits[class / 8] = (uint8_t)(set_right ? bits[class / 8] | 1u << class % 8
                                            : bits[class / 8] & ~(1u << class % 8));
    }
  }
  if (c->missing) {
    bool right = !(n->feature & GROVE__NODE_MISSING_LEFT);
    uint8_t bit = (uint8_t)(1u << c->missing % 8);
    bits[c->missing / 8] =
        (uint8_t)(right ? bits[c->missing / 8] | bit : bits[c->missing / 8] & ~bit);
  }
  return (uint32_t)s->set_count++;
}

void grove__scorer_code(grove__scorer *s, const grove__ensemble *e, const grove__tree *t,
    const grove__node *n, grove__coded *out)
{
  grove__scorer_place(s, n, out);
  if (n->feature & GROVE__NODE_CATEGORY) {
    out->set = add_set(s, e, coder_of(s, n), n, t->words);
  }
}

void grove__scorer_place(const grove__scorer *s, const grove__node *n, grove__coded *out)
{
  const grove__coder *c = coder_of(s, n);
  *out = (grove__coded){.column = c->column, .twin = c->column, .threshold = GROVE__CODE_NEVER};
  if (c->flags & GROVE__NODE_CATEGORY) {
    out->class_most = c->class_most;
    return;
  }
  size_t rank = rank_of(s, c, s->floats ? (double)(float)n->value : n->value);
  out->column += (uint32_t)(rank / GROVE__COLUMN_THRESHOLDS);
  out->twin = out->column;
  out->threshold = (int8_t)((int)(rank % GROVE__COLUMN_THRESHOLDS) + GROVE__CODE_LOWEST);
  out->missing_left = n->feature & GROVE__NODE_MISSING_LEFT;
  out->twin += out->missing_left ? c->columns : 0;
}
