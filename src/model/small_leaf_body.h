// How small nodes write leaves and splits. Part of small_body.h.

// ---- leaves -----------------------------------------------------------------------------------------
static inline size_t lowest_bit(uint64_t x)
{
#if defined(__GNUC__)
  return (size_t)__builtin_ctzll(x);
#else
  size_t n = 0;
  for (; !(x & 1); x >>= 1) {
    n++;
  }
  return n;
#endif
}

// Rows are taken in the order of their numbers, whichever order they are found in.
static size_t list_rows(const struct grove__small *s, const struct part *p, uint8_t *out)
{
  uint64_t set[N / 64] = {0};
  const uint8_t *order = order_of(s, p, p->live[0]); // sorted still, even if it is constant by now
  size_t n = 0;
  for (size_t i = 0; i < p->count; i++) {
    set[order[i] / 64] |= (uint64_t)1 << (order[i] % 64);
  }
  for (size_t k = 0; k < N / 64; k++) {
    for (; set[k]; set[k] &= set[k] - 1) {
      out[n++] = (uint8_t)(k * 64 + lowest_bit(set[k]));
    }
  }
  return n;
}

// Only means and quantiles depend on the order in which their rows are taken.
static inline bool order_matters(const grove__job *job)
{
  return job->target || job->renew;
}

// From the units of the node, and never beyond what it was given.
static grove__bounds leaf_bounds(const struct grove__small *s, const struct part *p)
{
  double low = s->center + s->unit * p->bounds.low, high = s->center + s->unit * p->bounds.high;
  return (grove__bounds){grove__clip(low, s->bounds.low, s->bounds.high),
      grove__clip(high, s->bounds.low, s->bounds.high)};
}

static void make_leaf_of(grove__grower *g, const struct grove__small *s, uint32_t node,
    int64_t packed, grove__bounds bounds, const uint8_t *list, size_t n)
{
  uint32_t rows[N];
  for (size_t i = 0; i < n; i++) {
    rows[i] = s->row[list[i]];
  }
  grove__pending leaf = {.node = node, .count = (uint32_t)n, .bounds = bounds};
  if (g->job->target) {
    leaf.all.weight = (uint32_t)packed;
  } else {
    leaf.all = grove__grow_sum(g->job, rows, n);
  }
  grove__grow_leaf(g, &leaf, rows);
}

// A leaf of one row, whose mean is its target.
static inline void make_single(
    grove__grower *g, const struct grove__small *s, uint32_t node, uint8_t row)
{
  double cover = (double)low_word(s->packed[row]) * g->job->weight_unit;
  g->nodes[node] = grove__node_leaf(s->target[row], cover);
  g->facts[node] = (grove__node_fact){.cover = (float)cover};
}

// Whether leaves of one row are no more than that.
static inline bool singles_are_plain(const grove__job *job)
{
  return job->target && !job->prediction && !job->monotone;
}

static void make_leaf(grove__grower *g, const struct grove__small *s, const struct part *p)
{
  uint8_t list[N + 1];
  const uint8_t *order = order_of(s, p, p->live[0]);
  if (p->count == 1 && singles_are_plain(g->job)) {
    make_single(g, s, p->node, order[0]);
    return;
  }
  if (p->count > 1 && order_matters(g->job)) {
    list_rows(s, p, list);
    order = list;
  }
  make_leaf_of(g, s, p->node, p->packed, leaf_bounds(s, p), order, p->count);
}

// What splits of sums alone gain is told of all of the node at once: divisions side by side.
static void tell_gains(const grove__grower *g, struct grove__small *s)
{
  double gain[N];
  const size_t n = s->fact_count;
  for (size_t i = 0; i < n; i++) {
    // q*q/w + r*r/v - (q+r)*(q+r)/(w+v) on one line, with nothing that cancels out
    double all = s->facts.weight[i], w = s->facts.left_weight[i], q = s->facts.left_sum[i];
    double r = (double)s->facts.sum[i] - q, d = q * (all - w) - r * w;
    gain[i] = d * d / (w * (all - w) * all) * s->unit2;
  }
  for (size_t i = 0; i < n; i++) {
    double all = s->facts.weight[i];
    g->facts[s->facts.node[i]] =
        (grove__node_fact){(float)gain[i], (float)(all * g->job->weight_unit)};
  }
  s->fact_count = 0;
}

static void note_split(const grove__grower *g, struct grove__small *s, uint32_t node,
    const struct terms *t, int64_t left)
{
  double lambda = g->job->lambda;
  if (lambda > 0 || s->alpha > 0) {
    double all = t->weight, w = low_word(left);
    double q = grove__soften(high_word(left), s->alpha);
    double r = grove__soften((double)t->sum - high_word(left), s->alpha);
    double gain = q * q / (w + lambda) + r * r / (all - w + lambda);
    double more = grove__more_gain(gain, grove__soften(t->sum, s->alpha), all + lambda, s->unit2);
    g->facts[node] = (grove__node_fact){(float)more, (float)(all * g->job->weight_unit)};
    return;
  }
  size_t i = s->fact_count++;
  s->facts.node[i] = node;
  s->facts.sum[i] = t->sum;
  s->facts.weight[i] = t->weight;
  s->facts.left_sum[i] = high_word(left);
  s->facts.left_weight[i] = low_word(left);
}

// ---- thresholds -------------------------------------------------------------------------------------
// The two values around a split lie anywhere in their column. So they are asked of memory when the split is known, and all
// values of the node read together in the end, when reading one waits for none of the others.
static inline void ask_threshold(
    const grove__job *job, const struct grove__small *s, uint32_t feature, uint8_t row)
{
  grove__values x = grove__feature(job->column, feature);
  grove__prefetch(x.doubles ? (const void *)&x.doubles[s->row[row]] : &x.floats[s->row[row]]);
}

static inline void note_threshold(struct grove__small *s, uint32_t node, uint8_t last, uint8_t next)
{
  s->late[s->late_count].node = node;
  s->late[s->late_count].last = last;
  s->late[s->late_count++].next = next;
}

static void read_thresholds(const grove__grower *g, struct grove__small *s)
{
  const grove__job *job = g->job;
  const grove__bins *b = job->bins;
  for (size_t i = 0; i < s->late_count; i++) {
    grove__node *n = &g->nodes[s->late[i].node];
    uint32_t f = n->feature & GROVE__NODE_FEATURE, row = s->row[s->late[i].last];
    if (b->rank) {
      grove__values x = grove__feature(job->column, f);
      n->value = grove__between(grove__value(x, row), grove__value(x, s->row[s->late[i].next]));
    } else {
      n->value = b->edge[(size_t)f * GROVE__BIN_VALUES + grove__bin_of(b, f, row)];
    }
  }
  s->late_count = 0;
}

// Writes a split behind the row `last`. `cut`: drawn, if places are.
static void put_split(grove__grower *g, struct grove__small *s, uint32_t node, uint32_t feature,
    uint8_t last, uint8_t next, bool next_is_missing, double cut, bool missing_left, uint32_t left)
{
  bool ranks = g->job->bins->rank != NULL;
  double known = next_is_missing ? HUGE_VAL : cut;
  grove__node_split(&g->nodes[node], feature, known, missing_left, left);
  if (!ranks || !(next_is_missing || g->job->random_cuts)) {
    note_threshold(s, node, last, next);
    if (ranks) {
      ask_threshold(g->job, s, feature, last);
      ask_threshold(g->job, s, feature, next);
    }
  }
}
