#include "model/category_split.h"

// ---- the order ----------------------------------------------------------------------------------------
// By the mean, equal ones by the id: there are no two of one place, so any way to sort gives the same.
static bool is_before(const grove__category *a, const grove__category *b)
{
  return a->mean != b->mean ? a->mean < b->mean : a->id < b->id;
}

static void sift(grove__category *c, size_t i, size_t n)
{
  grove__category one = c[i];
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    child += child + 1 < n && is_before(&c[child], &c[child + 1]);
    if (!is_before(&one, &c[child])) {
      break;
    }
    c[i] = c[child];
  }
  c[i] = one;
}

static void sort(grove__category *c, size_t n, double smooth)
{
  for (size_t i = 0; i < n; i++) {
    c[i].mean = (double)c[i].sum.q / ((double)c[i].sum.weight + smooth);
  }
  for (size_t i = n / 2; i-- > 0;) {
    sift(c, i, n);
  }
  for (size_t end = n; end-- > 1;) {
    grove__category last = c[end];
    c[end] = c[0];
    c[0] = last;
    sift(c, 0, end);
  }
}

// Those that are too light to be told apart get behind the others; gives how many are left.
static size_t part_light(grove__category *c, size_t n, double least)
{
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if ((double)c[i].sum.weight >= least) {
      grove__category one = c[i];
      c[i] = c[kept];
      c[kept++] = one;
    }
  }
  return kept;
}

// ---- the scan -----------------------------------------------------------------------------------------
struct scan {
  grove__category *c;
  size_t n;
  grove__sum all;
  grove__sum missing;
  grove__gain_rule rule;
  grove__category_rule of; // zeros where they do not hold in this node
  grove__category_cut best;
};

static void try_set(struct scan *s, size_t from, size_t end, grove__sum left)
{
  for (int side = 0; side < (s->missing.weight ? 2 : 1); side++) {
    grove__sum sum = {
        left.q + (side ? s->missing.q : 0), left.weight + (side ? s->missing.weight : 0)};
    double gain = grove__split_gain(s->all, sum, &s->rule, 0);
    if (gain > s->best.gain) {
      s->best = (grove__category_cut){gain, from, end, side != 0, sum};
    }
  }
}

static void try_each(struct scan *s)
{
  for (size_t i = 0; i < s->n; i++) {
    try_set(s, i, i + 1, s->c[i].sum);
  }
}

// The ends of up to `most` categories, from below or from above.
static void try_ends(struct scan *s, bool above, size_t most)
{
  grove__sum left = {0, 0};
  double step = 0;
  for (size_t k = 1; k <= most; k++) {
    const grove__category *c = &s->c[above ? s->n - k : k - 1];
    left.q += c->sum.q;
    left.weight += c->sum.weight;
    step += (double)c->sum.weight;
    if ((double)(s->all.weight - left.weight) < s->of.group) {
      return;
    }
    if (step >= s->of.group) {
      step = 0;
      try_set(s, above ? s->n - k : 0, above ? s->n : k, left);
    }
  }
}

static void try_one_end(struct scan *s, double cut)
{
  size_t k = s->n > 1 ? 1 + (size_t)(cut * (double)(s->n - 1)) : s->n;
  k = s->n > 1 && k >= s->n ? s->n - 1 : k;
  grove__sum left = {0, 0};
  for (size_t i = 0; i < k; i++) {
    left.q += s->c[i].sum.q;
    left.weight += s->c[i].sum.weight;
  }
  try_set(s, 0, k, left);
}

// The set is what weighs less: so what is in no set, as a category that comes later, goes with the heavier side.
static void turn(struct scan *s)
{
  grove__category_cut *b = &s->best;
  if (b->gain < 0 || b->end - b->from == s->n || 2 * b->left.weight <= s->all.weight ||
      (b->from && b->end < s->n)) {
    return;
  }
  size_t from = b->from ? 0 : b->end, end = b->from ? b->from : s->n;
  b->from = from;
  b->end = end;
  b->left = (grove__sum){s->all.q - b->left.q, s->all.weight - b->left.weight};
  b->missing_left = s->missing.weight && !b->missing_left;
}

grove__category_cut grove__category_split(grove__category *c, size_t n, grove__sum all,
    grove__sum missing, bool rest, const grove__gain_rule *rule, double cut)
{
  struct scan s = {.c = c, .all = all, .missing = missing, .rule = *rule, .best = {.gain = -1}};
  bool alone = n <= rule->category.one_hot;
  if (!alone) {
    s.of = rule->category;
    s.rule.lambda += s.of.lambda;
  }
  s.n = part_light(c, n, s.of.smooth);
  sort(c, s.n, s.of.smooth);
  size_t most = s.of.most && s.of.most < s.n ? s.of.most : s.n;
  bool outside = rest || s.n < n;
  if (cut >= 0) {
    try_one_end(&s, cut);
  } else if (alone && rule->category.one_hot) {
    try_each(&s);
  } else {
    try_ends(&s, false, most);
    if (outside || most < s.n || s.of.group > 0) {
      try_ends(&s, true, most);
    }
  }
  if (!outside) {
    turn(&s);
  }
  return s.best;
}
