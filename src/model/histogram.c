#include "model/category_split.h"
#include "model/grow_kernels.h"
#include "model/scan_judge.h"
#include <math.h>

enum {
  WORDS = GROVE__BIN_COUNT * GROVE__BLOCK // of a block
};

static unsigned bits_of(uint64_t x)
{
  unsigned n = 0;
  while (x) {
    n++;
    x >>= 1;
  }
  return n;
}

grove_status grove__pack_choose(double most, uint64_t weight, bool wide, grove__pack *out)
{
  unsigned sum = bits_of(weight);
  out->wide = wide || weight >= GROVE__PACK_WEIGHT_MAX;
  unsigned shift = sum < GROVE__PACK_SHIFT_MIN ? GROVE__PACK_SHIFT_MIN : sum;
  out->shift = out->wide ? 0 : shift;
  // Sums of q stay below 2^50, where doubles are exact, and (narrow) leave `shift` bits for the weights.
  int room = out->wide ? 50 : 62 - (int)shift;
  room = (room > 50 ? 50 : room) - (int)sum;
  if (room < 4) {
    return GROVE_ELIMIT;
  }
  int exponent = 0;
  frexp(most, &exponent); // most < 2^exponent
  exponent = most > 0 ? room - exponent : 0;
  exponent = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
  out->scale = ldexp(1, exponent);
  out->unit = ldexp(1, -exponent);
  return GROVE_OK;
}

// ---- the scan ---------------------------------------------------------------------------------------
static void scan_wide(const int64_t *h, const int64_t *hw, const int64_t *from,
    const int64_t *from_weight, size_t bins, const grove__scan_terms *t, grove__scan_lanes *l)
{
  int64_t sum[GROVE__BLOCK], weight[GROVE__BLOCK];
  double s[GROVE__BLOCK], w[GROVE__BLOCK];
  memcpy(sum, from, sizeof sum);
  memcpy(weight, from_weight, sizeof weight);
  for (size_t b = 0; b < bins; b++) {
    for (int k = 0; k < GROVE__BLOCK; k++) {
      sum[k] += h[b * GROVE__BLOCK + k];
      weight[k] += hw[b * GROVE__BLOCK + k];
      s[k] = (double)sum[k];
      w[k] = (double)weight[k];
    }
    judge(t, s, w, (int64_t)b, l);
  }
}

static const int64_t zeros[GROVE__BLOCK];

static void scan_block(const grove__bins *b, const grove__pack *p, const int64_t *h, size_t block,
    const uint8_t *use, const grove__scan_terms *t, grove__scan_fn scan, bool missing_left,
    grove__scan_lanes *l)
{
  size_t bins = 1, first = block * GROVE__BLOCK;
  unsigned lanes = 0;
  for (size_t f = first; f < first + GROVE__BLOCK && f < b->features; f++) {
    bool wanted = (!use || use[f]) && !grove__bins_are_categories(b, f);
    bins = wanted && b->bin_count[f] > bins ? b->bin_count[f] : bins;
    lanes |= (unsigned)wanted << (f - first);
  }
  for (int k = 0; k < GROVE__BLOCK; k++) {
    l->top[k] = -1;
    l->under[k] = 1;
    l->bin[k] = 0;
  }
  const int64_t *at = h + block * WORDS, *at_weight = h + (b->blocks + block) * WORDS;
  size_t nan = (size_t)GROVE__BIN_MISSING * GROVE__BLOCK;
  if (p->wide) {
    scan_wide(at, at_weight, missing_left ? at + nan : zeros,
        missing_left ? at_weight + nan : zeros, bins, t, l);
  } else {
    scan(at, p->shift, missing_left ? at + nan : zeros, bins, t, lanes, l);
  }
}

static bool node_has_missing(
    const grove__bins *b, const grove__pack *p, const int64_t *h, size_t block)
{
  const int64_t *at = h + (block + (p->wide ? b->blocks : 0)) * WORDS;
  int64_t any = 0;
  for (int k = 0; k < GROVE__BLOCK; k++) {
    any |= at[GROVE__BIN_MISSING * GROVE__BLOCK + k];
  }
  return any != 0;
}

static size_t bin_at(uint32_t feature, uint32_t bin)
{
  return (feature / GROVE__BLOCK * GROVE__BIN_COUNT + bin) * GROVE__BLOCK + feature % GROVE__BLOCK;
}

static grove__sum bin_sum(const grove__bins *b, const grove__pack *p, const int64_t *h, size_t at)
{
  return p->wide ? (grove__sum){h[at], h[b->blocks * WORDS + at]} : grove__unpack(p, h[at]);
}

bool grove__histogram_has(
    const grove__bins *b, const grove__pack *p, const int64_t *h, uint32_t feature, uint32_t bin)
{
  return bin_sum(b, p, h, bin_at(feature, bin)).weight != 0;
}

// The sums of the chosen split, and where the missing go when the node has none: with the heavier side.
static void finish(
    const grove__bins *b, const grove__pack *p, const int64_t *h, grove__sum all, grove__split *s)
{
  grove__sum missing = bin_sum(b, p, h, bin_at(s->feature, GROVE__BIN_MISSING));
  int64_t sum = 0, weight = 0;
  for (uint32_t k = 0; k <= s->bin; k++) {
    size_t at = bin_at(s->feature, k);
    sum += h[at];
    weight += p->wide ? h[b->blocks * WORDS + at] : 0;
  }
  s->left = p->wide ? (grove__sum){sum, weight} : grove__unpack(p, sum);
  if (missing.weight == 0) {
    s->missing_left = 2 * s->left.weight >= all.weight;
  } else if (s->missing_left) {
    s->left.q += missing.q;
    s->left.weight += missing.weight;
  }
}

static void take_lane(
    const grove__scan_lanes *l, size_t feature, bool missing_left, grove__split *s)
{
  size_t k = feature % GROVE__BLOCK;
  double gain = l->top[k] / l->under[k];
  if (gain > s->gain) {
    *s = (grove__split){.gain = gain,
        .feature = (uint32_t)feature,
        .bin = (uint32_t)l->bin[k],
        .missing_left = missing_left};
  }
}

// ---- features that are looked at alone -----------------------------------------------------------------
static void try_split(
    grove__sum all, const grove__gain_rule *rule, grove__split *s, grove__split *best)
{
  s->gain = grove__split_gain(all, s->left, rule, grove__direction(rule, s->feature));
  if (s->gain > best->gain) {
    *best = *s;
  }
}

// All places between bins, without and with the missing on the left: for values that have bounds.
static void scan_alone(const grove__bins *b, const grove__pack *p, const int64_t *h, grove__sum all,
    const grove__gain_rule *rule, uint32_t feature, grove__split *best)
{
  grove__sum missing = bin_sum(b, p, h, bin_at(feature, GROVE__BIN_MISSING));
  for (int side = 0; side < (missing.weight ? 2 : 1); side++) {
    grove__split s = {.feature = feature, .missing_left = side != 0};
    s.left = side ? missing : (grove__sum){0, 0};
    for (s.bin = 0; s.bin < b->bin_count[feature]; s.bin++) {
      grove__sum one = bin_sum(b, p, h, bin_at(feature, s.bin));
      s.left.q += one.q;
      s.left.weight += one.weight;
      if (one.weight) {
        try_split(all, rule, &s, best);
      }
    }
  }
}

static void scan_categories(const grove__bins *b, const grove__pack *p, const int64_t *h,
    grove__sum all, const grove__gain_rule *rule, uint32_t feature, double cut, grove__split *best)
{
  grove__category c[GROVE__BIN_VALUES];
  grove__sum missing = bin_sum(b, p, h, bin_at(feature, GROVE__BIN_MISSING));
  const double *edge = b->edge + (size_t)feature * GROVE__BIN_VALUES;
  bool rest = false;
  size_t n = 0;
  for (uint32_t bin = 0; bin < b->bin_count[feature]; bin++) {
    grove__sum one = bin_sum(b, p, h, bin_at(feature, bin));
    if (one.weight && isnan(edge[bin])) {
      rest = true;
    } else if (one.weight) {
      c[n++] = (grove__category){.sum = one, .id = bin};
    }
  }
  grove__category_cut found = grove__category_split(c, n, all, missing, rest, rule, cut);
  if (found.gain > best->gain) {
    *best = (grove__split){.gain = found.gain,
        .feature = feature,
        .missing_left = found.missing_left,
        .by_set = true,
        .left = found.left};
    for (size_t i = found.from; i < found.end; i++) {
      best->set[c[i].id / 32] |= (uint32_t)1 << c[i].id % 32;
    }
  }
}

// One block's best splits, without and (where the node has some) with the missing on the left.
struct scanned {
  const grove__bins *bins;
  const grove__pack *pack;
  const int64_t *h;
  grove__sum all;
  const grove__gain_rule *rule;
  grove__scan_lanes plain;
  grove__scan_lanes with_missing;
  bool missing;
};

static void take_block(
    const struct scanned *d, const uint8_t *use, size_t from, size_t end, grove__split *s)
{
  for (size_t f = from; f < end; f++) {
    if (use && !use[f]) {
      continue;
    }
    if (grove__bins_are_categories(d->bins, f)) {
      scan_categories(d->bins, d->pack, d->h, d->all, d->rule, (uint32_t)f, -1, s);
    } else if (d->rule->monotone) {
      scan_alone(d->bins, d->pack, d->h, d->all, d->rule, (uint32_t)f, s);
    } else {
      take_lane(&d->plain, f, false, s);
      if (d->missing) {
        take_lane(&d->with_missing, f, true, s);
      }
    }
  }
}

static bool block_is_used(const uint8_t *use, size_t from, size_t end)
{
  for (size_t f = from; use && f < end; f++) {
    if (use[f]) {
      return true;
    }
  }
  return !use;
}

grove__split grove__histogram_scan(const grove__bins *b, const grove__pack *p, const int64_t *h,
    grove__sum all, const grove__gain_rule *rule, const uint8_t *use, size_t start)
{
  grove__split s = {.gain = -1};
  grove__scan_terms t = {(double)all.q, (double)all.weight, rule->lambda,
      rule->least_weight > 1 ? rule->least_weight : 1, rule->alpha};
  grove__scan_fn scan = rule->scan ? rule->scan : grove__grow_kernels_portable.scan_packed;
  struct scanned first = {.bins = b, .pack = p, .h = h, .all = all, .rule = rule};
  struct scanned other = first;
  size_t begin = start / GROVE__BLOCK;
  for (size_t i = 0; i < b->blocks; i++) {
    size_t block = begin + i < b->blocks ? begin + i : begin + i - b->blocks;
    size_t from = block * GROVE__BLOCK, end = from + GROVE__BLOCK;
    end = end < b->features ? end : b->features;
    struct scanned *d = i == 0 ? &first : &other;
    if (i > 0 && !block_is_used(use, from, end)) {
      continue;
    }
    d->missing = node_has_missing(b, p, h, block) && !rule->monotone;
    if (!rule->monotone) {
      scan_block(b, p, h, block, use, &t, scan, false, &d->plain);
    }
    if (d->missing) {
      scan_block(b, p, h, block, use, &t, scan, true, &d->with_missing);
    }
    take_block(d, use, i == 0 ? start : from, end, &s);
  }
  take_block(&first, use, begin * GROVE__BLOCK, start, &s); // where the circle closes
  if (s.gain >= 0 && !s.by_set) {
    finish(b, p, h, all, &s);
  }
  return s;
}

// ---- one place a feature ------------------------------------------------------------------------------
// Two whose edges are next to each other have the one place; with the missing, there is one behind all numbers.
static uint32_t bin_of_cut(const double *edge, uint32_t low, uint32_t high, double cut)
{
  uint32_t bin = low;
  if (low < high) {
    double at = edge[low] + cut * (edge[high - 1] - edge[low]);
    while (bin + 1 < high && edge[bin] < at) {
      bin++;
    }
  }
  return bin;
}

void grove__histogram_cut(const grove__bins *b, const grove__pack *p, const int64_t *h,
    grove__sum all, const grove__gain_rule *rule, uint32_t feature, double cut, grove__split *best)
{
  if (grove__bins_are_categories(b, feature)) {
    scan_categories(b, p, h, all, rule, feature, cut, best);
    return;
  }
  uint32_t low = 0, high = b->bin_count[feature] - 1;
  while (low < high && bin_sum(b, p, h, bin_at(feature, low)).weight == 0) {
    low++;
  }
  while (high > low && bin_sum(b, p, h, bin_at(feature, high)).weight == 0) {
    high--;
  }
  grove__sum missing = bin_sum(b, p, h, bin_at(feature, GROVE__BIN_MISSING)), left = {0, 0};
  if (low == high && missing.weight == 0) {
    return;
  }
  uint32_t bin = bin_of_cut(b->edge + (size_t)feature * GROVE__BIN_VALUES, low, high, cut);
  for (uint32_t k = low; k <= bin; k++) {
    grove__sum one = bin_sum(b, p, h, bin_at(feature, k));
    left.q += one.q;
    left.weight += one.weight;
  }
  grove__split s = {.feature = feature, .bin = bin, .left = left};
  s.missing_left = missing.weight == 0 && 2 * left.weight >= all.weight;
  try_split(all, rule, &s, best);
  if (missing.weight) {
    s.missing_left = true;
    s.left.q += missing.q;
    s.left.weight += missing.weight;
    try_split(all, rule, &s, best);
  }
}
