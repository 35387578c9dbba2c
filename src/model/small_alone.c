// What a small node looks at one split at a time: sets of categories, and values under bounds.
#include "base/status.h"
#include "model/small_rows.h"
#include <math.h>

grove__gain_rule grove__small_rule(
    const struct grove__small *s, const grove__job *job, const grove__bounds *bounds)
{
  grove__gain_rule rule = grove__grow_rule(job, bounds);
  rule.alpha = s->alpha;
  return rule;
}

// ---- categories ---------------------------------------------------------------------------------------
// The end of the rows from i on that have the rank of the i-th, and their sum.
static size_t end_of_run(
    const struct grove__small *s, const grove__small_order *o, size_t i, grove__sum *sum)
{
  uint8_t rank = o->rank[o->row[i]];
  int64_t packed = 0;
  for (; i < o->count && o->rank[o->row[i]] == rank; i++) {
    packed += s->packed[o->row[i]];
  }
  *sum = grove__small_sum(packed);
  return i;
}

static bool is_rest(const struct grove__small *s, const grove__bins *b, uint32_t f, uint8_t row)
{
  return isnan(b->edge[(size_t)f * GROVE__BIN_VALUES + grove__bin_of(b, f, s->row[row])]);
}

grove__category_cut grove__small_by_set(
    struct grove__small *s, const grove__job *job, const grove__small_order *o, double cut)
{
  grove__sum missing = {0, 0}, sum;
  size_t n = 0, present = o->count - o->missing;
  bool rest = false;
  for (size_t i = 0, end; i < o->count; i = end) {
    end = end_of_run(s, o, i, &sum);
    if (i >= present) {
      missing = sum;
    } else if (is_rest(s, job->bins, o->feature, o->row[i])) {
      rest = true;
    } else {
      s->category[n++] = (grove__category){.sum = sum, .id = o->rank[o->row[i]]};
    }
  }
  grove__gain_rule rule = grove__small_rule(s, job, &o->bounds);
  return grove__category_split(
      s->category, n, grove__small_sum(o->packed), missing, rest, &rule, cut);
}

static void list_ranks(
    const struct grove__small *s, const grove__category_cut *cut, uint8_t in[GROVE__SMALL])
{
  memset(in, 0, GROVE__SMALL);
  for (size_t i = cut->from; i < cut->end; i++) {
    in[s->category[i].id] = 1;
  }
}

size_t grove__small_mark_set(struct grove__small *s, const grove__small_order *o,
    const grove__category_cut *cut, int64_t *left)
{
  uint8_t in[GROVE__SMALL];
  size_t n = 0;
  *left = 0;
  list_ranks(s, cut, in);
  for (size_t i = 0; i < o->count; i++) {
    uint8_t row = o->row[i];
    bool l = i >= o->count - o->missing ? cut->missing_left : in[o->rank[row]];
    s->side[row] = l ? 0xff : 0;
    *left += l ? s->packed[row] : 0;
    n += l;
  }
  return n;
}

void grove__small_put_set(const struct grove__small *s, const grove__job *job,
    const grove__small_order *o, const grove__category_cut *cut, uint32_t *words)
{
  uint8_t in[GROVE__SMALL];
  list_ranks(s, cut, in);
  memset(words, 0, GROVE__SET_WORDS * sizeof *words);
  for (size_t i = 0; i < o->count - o->missing; i++) {
    uint8_t row = o->row[i];
    uint32_t bin = grove__bin_of(job->bins, o->feature, s->row[row]);
    words[bin / 32] |= in[o->rank[row]] ? (uint32_t)1 << bin % 32 : 0;
  }
}

// ---- bounds -------------------------------------------------------------------------------------------
double grove__small_gain(
    const struct grove__small *s, const grove__job *job, const grove__small_order *o, int64_t left)
{
  grove__gain_rule rule = grove__small_rule(s, job, &o->bounds);
  return grove__split_gain(grove__small_sum(o->packed), grove__small_sum(left), &rule,
      grove__direction(&rule, o->feature));
}

grove__small_place grove__small_under_bounds(
    const struct grove__small *s, const grove__job *job, const grove__small_order *o)
{
  grove__small_place best = {.gain = -1};
  size_t present = o->count - o->missing;
  int64_t missing = 0;
  for (size_t i = present; i < o->count; i++) {
    missing += s->packed[o->row[i]];
  }
  for (int side = 0; side < (o->missing ? 2 : 1); side++) {
    int64_t left = side ? missing : 0;
    for (size_t i = 0; i < present && i + 1 < o->count; i++) {
      left += s->packed[o->row[i]];
      if (i + 1 < present ? o->rank[o->row[i]] != o->rank[o->row[i + 1]] : side == 0) {
        double gain = grove__small_gain(s, job, o, left);
        best = gain > best.gain ? (grove__small_place){gain, i, side != 0} : best;
      }
    }
  }
  return best;
}
