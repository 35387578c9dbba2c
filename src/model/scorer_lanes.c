#include "model/scorer_lanes.h"
#include "base/status.h"

enum {
  ALIGN = 64,
  SLACK = 64, // tables are read by 64 bytes
  PATHS = 1 << GROVE__LANE_DEPTH,
  NUMBERS = 256, // nodes of a tree that is walked by their numbers
  FEW = 64       // so few that it is better at any depth
};

/// One tree while it is laid out.
struct layout {
  grove__scorer *s;
  const grove__ensemble *e;
  const grove__tree *tree;
  size_t first; // of its nodes in the walk
  uint32_t depth;
  bool by_number;
  uint32_t bits;
  uint32_t at[PATHS]; // node by path, level by level; or by number
  uint8_t child[NUMBERS];
  int8_t threshold[2 * PATHS];
  uint8_t column[2 * PATHS];
  grove__lane_level level[GROVE__LANE_DEPTH];
  uint16_t lists[GROVE__LANE_DEPTH * GROVE__LANE_COLUMNS];
  size_t list_count;
};

/// Bytes that grow; offsets stay.
struct buffer {
  const grove_allocator *a;
  unsigned char *bytes;
  size_t used;
  size_t room;
};

static grove_status append(
    struct buffer *b, const void *bytes, size_t n, size_t slack, uint32_t *at, size_t from)
{
  size_t end = (b->used + n + slack + ALIGN - 1) / ALIGN * ALIGN;
  if (end > b->room) {
    size_t room = end * 2;
    unsigned char *more = grove__realloc(b->a, b->bytes, b->room, room);
    if (!more) {
      return GROVE_ENOMEM;
    }
    b->bytes = more;
    b->room = room;
  }
  if (n) {
    memcpy(b->bytes + b->used, bytes, n);
  }
  memset(b->bytes + b->used + n, 0, end - b->used - n);
  *at = (uint32_t)(b->used - from);
  b->used = end;
  return GROVE_OK;
}

// ---- a level ------------------------------------------------------------------------------------------
// The place of a column in the level's list. False: there are too many.
static bool place_column(
    struct layout *l, grove__lane_level *level, uint32_t column, uint8_t *place)
{
  uint16_t *list = l->lists + level->list;
  uint32_t i = 0;
  while (i < level->columns && list[i] != column) {
    i++;
  }
  if (i == GROVE__LANE_COLUMNS) {
    return false;
  }
  if (i == level->columns) {
    list[level->columns++] = (uint16_t)column;
  }
  *place = (uint8_t)i;
  return true;
}

static bool put_split(
    struct layout *l, grove__lane_level *level, size_t at, uint32_t path, const uint32_t *set_of)
{
  const grove__node *n = &l->tree->nodes[l->at[path]];
  l->threshold[at] = GROVE__CODE_NEVER;
  l->column[at] = 0;
  if (!n->left) {
    return true;
  }
  grove__coded c;
  uint8_t place;
  grove__scorer_place(l->s, n, &c);
  if (!place_column(l, level, c.column, &place)) {
    return false;
  }
  l->column[at] = (uint8_t)(place | (c.missing_left ? GROVE__LANE_MISSING : 0));
  l->threshold[at] = (int8_t)(c.threshold + c.missing_left);
  level->missing |= c.missing_left;
  if (set_of[l->at[path]]) {
    uint32_t bytes = c.class_most / 8 + 1u;
    l->column[at] |= GROVE__LANE_SET;
    while (1u << level->set_shift < bytes) {
      level->set_shift++;
    }
    level->sets = 1; // numbered when the level is known to stay
  }
  return true;
}

// Nodes of the next level: both children, or a leaf again on the left.
static void go_down(struct layout *l, uint32_t depth)
{
  uint32_t n = 1u << depth;
  for (uint32_t path = 0; path < n; path++) {
    uint32_t left = l->tree->nodes[l->at[path]].left;
    l->at[path + n] = left ? left + 1 : l->at[path];
    l->at[path] = left ? left : l->at[path];
  }
}

static void lay_out(struct layout *l, uint32_t depth, uint32_t most_shift, const uint32_t *set_of)
{
  l->at[0] = 0;
  for (l->depth = 0; l->depth < depth; l->depth++) {
    grove__lane_level *level = &l->level[l->depth];
    *level = (grove__lane_level){.list = (uint16_t)l->list_count};
    bool good = true;
    for (uint32_t path = 0; good && path < 1u << l->depth; path++) {
      good = put_split(l, level, ((size_t)1 << l->depth) + path, path, set_of);
    }
    if (!good || level->set_shift > most_shift) {
      break; // the rest is walked node by node
    }
    l->list_count += (level->columns + 7u) / 8 * 8;
    go_down(l, l->depth);
  }
  l->bits = l->depth;
}

// False: it looks at too many columns.
static bool lay_out_numbers(
    struct layout *l, uint32_t depth, uint32_t most_shift, const uint32_t *set_of)
{
  grove__lane_level *level = &l->level[0];
  size_t n = l->tree->count;
  *level = (grove__lane_level){0};
  for (size_t i = 0; i < NUMBERS; i++) {
    l->at[i] = i < n ? (uint32_t)i : 0;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t left = l->tree->nodes[i].left;
    l->child[i] = (uint8_t)(left ? left : i);
    if (!put_split(l, level, i, i, set_of)) {
      return false;
    }
  }
  l->list_count = (level->columns + 7u) / 8 * 8;
  l->by_number = true;
  l->depth = depth;
  l->bits = n <= 64 ? 6 : n <= 128 ? 7 : 8;
  return level->set_shift <= most_shift;
}

// Copies the sets of a level, whose nodes stand from `first` on, behind one another, each half of the paths by itself,
// and numbers them.
static grove_status put_sets(struct layout *l, grove__lane_level *level, uint32_t first, uint32_t n,
    const uint32_t *set_of, struct buffer *b, size_t from)
{
  uint32_t halves = n > 256 ? 2 : 1, most = 0;
  size_t each = (size_t)1 << level->set_shift;
  for (uint32_t h = 0; h < halves; h++) {
    uint32_t count = 0;
    for (uint32_t path = h * 256; path < n && path < (h + 1) * 256; path++) {
      count += (l->column[first + path] & GROVE__LANE_SET) != 0;
    }
    most = count > most ? count : most;
  }
  level->sets = (uint16_t)most;
  size_t bytes = halves * ((most * each + 127) / 128 * 128);
  unsigned char *table = grove__alloc_zero(b->a, bytes);
  if (!table) {
    return GROVE_ENOMEM;
  }
  for (uint32_t h = 0; h < halves; h++) {
    uint32_t number = 0;
    for (uint32_t path = h * 256; path < n && path < (h + 1) * 256; path++) {
      if (l->column[first + path] & GROVE__LANE_SET) {
        const uint8_t *set = l->s->sets + ((size_t)set_of[l->at[path]] << l->s->set_shift);
        memcpy(table + h * (bytes / halves) + number * each, set, each);
        l->threshold[first + path] = (int8_t)(uint8_t)number++;
      }
    }
  }
  grove_status s = append(b, table, bytes, SLACK, &level->table, from);
  grove__free(b->a, table, bytes);
  return s;
}

static grove_status put_all_sets(
    struct layout *l, const uint32_t *set_of, struct buffer *b, size_t from)
{
  if (l->by_number) {
    uint32_t n = (uint32_t)l->tree->count;
    return l->level[0].sets ? put_sets(l, &l->level[0], 0, n, set_of, b, from) : GROVE_OK;
  }
  l->at[0] = 0;
  for (uint32_t d = 0; d < l->depth; d++) {
    if (l->level[d].sets) {
      GROVE__TRY(put_sets(l, &l->level[d], 1u << d, 1u << d, set_of, b, from));
    }
    go_down(l, d);
  }
  return GROVE_OK;
}

// ---- the end of the paths -----------------------------------------------------------------------------
static bool is_whole(const struct layout *l)
{
  for (uint32_t path = 0; path < 1u << l->bits && !l->by_number; path++) {
    if (l->tree->nodes[l->at[path]].left) {
      return false;
    }
  }
  return true;
}

static grove_status put_planes(
    const struct layout *l, struct buffer *b, grove__lane_tree *h, size_t from)
{
  unsigned char plane[4][PATHS] = {{0}};
  size_t n = (size_t)1 << l->bits;
  for (size_t path = 0; path < n; path++) {
    union {
      float v;
      uint32_t bits;
    } u = {.v = (float)l->tree->nodes[l->at[path]].value};
    for (size_t k = 0; k < 4; k++) {
      plane[k][path] = (unsigned char)(u.bits >> (8 * k));
    }
  }
  h->plane_bytes = (uint32_t)(n < ALIGN ? ALIGN : n);
  for (size_t k = 0; k < 4; k++) {
    uint32_t at;
    GROVE__TRY(append(b, plane[k], h->plane_bytes, 0, &at, from));
    h->plane = k ? h->plane : at;
  }
  return GROVE_OK;
}

static grove_status put_ends(
    const struct layout *l, struct buffer *b, grove__lane_tree *h, size_t from)
{
  size_t n = (size_t)1 << l->bits;
  float floats[PATHS];
  double doubles[PATHS];
  h->whole = is_whole(l);
  if (!h->whole) {
    return append(b, l->at, n * sizeof *l->at, 0, &h->exit, from);
  }
  if (l->s->planes) {
    return put_planes(l, b, h, from);
  }
  for (size_t path = 0; path < n; path++) {
    doubles[path] = l->tree->nodes[l->at[path]].value;
    floats[path] = (float)doubles[path];
  }
  return l->s->leaf_floats ? append(b, floats, n * sizeof *floats, 0, &h->leaf, from)
                           : append(b, doubles, n * sizeof *doubles, 0, &h->leaf, from);
}

static grove_status put_tree(struct layout *l, const uint32_t *set_of, struct buffer *b, size_t *at)
{
  grove__lane_tree h = {.depth = l->depth, .by_number = l->by_number, .bits = l->bits};
  uint32_t head;
  size_t from = b->used, n = (size_t)1 << l->bits;
  GROVE__TRY(append(b, &h, sizeof h, 0, &head, from));
  GROVE__TRY(put_all_sets(l, set_of, b, from));
  GROVE__TRY(append(b, l->threshold, n, 2 * SLACK, &h.threshold, from));
  GROVE__TRY(append(b, l->column, n, 2 * SLACK, &h.column, from));
  GROVE__TRY(append(b, l->child, l->by_number ? n : 0, l->by_number ? SLACK : 0, &h.child, from));
  GROVE__TRY(append(b, l->lists, l->list_count * sizeof *l->lists, 0, &h.lists, from));
  GROVE__TRY(put_ends(l, b, &h, from));
  memcpy(h.level, l->level, sizeof h.level);
  memcpy(b->bytes + from, &h, sizeof h);
  *at = from;
  return GROVE_OK;
}

// The set of each node, as the walk has them.
static void note_sets(const grove__scorer *s, size_t first, uint32_t *set_of, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    set_of[i] = s->wide ? s->wide[first + i].set : 0;
  }
}

static grove_status put_trees(grove__scorer *s, const grove__ensemble *e, struct layout *l,
    uint32_t most_shift, struct buffer *b)
{
  for (size_t t = 0; t < s->tree_count; t++) {
    grove__score_tree *to = &s->trees[t];
    uint32_t depth = to->depth < GROVE__LANE_DEPTH ? to->depth : GROVE__LANE_DEPTH;
    if (depth == 0) {
      continue;
    }
    uint32_t *set_of = grove__alloc_array(b->a, to->count, sizeof *set_of);
    if (!set_of) {
      return GROVE_ENOMEM;
    }
    note_sets(s, to->first, set_of, to->count);
    *l = (struct layout){.s = s, .e = e, .tree = &e->trees[t], .first = to->first};
    bool small = to->count <= FEW || (to->count <= NUMBERS && to->depth > GROVE__LANE_DEPTH);
    if (!small || !lay_out_numbers(l, to->depth, most_shift, set_of)) {
      *l = (struct layout){.s = s, .e = e, .tree = &e->trees[t], .first = to->first};
      lay_out(l, depth, most_shift, set_of);
    }
    size_t at = SIZE_MAX;
    grove_status status = l->depth ? put_tree(l, set_of, b, &at) : GROVE_OK;
    grove__free(b->a, set_of, to->count * sizeof *set_of);
    GROVE__TRY(status);
    to->lanes = at;
  }
  return GROVE_OK;
}

grove_status grove__scorer_lanes(grove__scorer *s, const grove__ensemble *e, uint32_t most_shift)
{
  struct buffer b = {.a = &s->allocator};
  struct layout *l = grove__alloc(&s->allocator, sizeof *l);
  if (!l) {
    return GROVE_ENOMEM;
  }
  grove_status status = put_trees(s, e, l, most_shift, &b);
  grove__free(&s->allocator, l, sizeof *l);
  if (status == GROVE_OK) {
    s->lanes_bytes = b.used + ALIGN;
    s->lanes_block = grove__alloc(&s->allocator, s->lanes_bytes);
    status = s->lanes_block ? GROVE_OK : GROVE_ENOMEM;
  }
  if (status == GROVE_OK) {
    uintptr_t at = (uintptr_t)s->lanes_block;
    s->lanes = (unsigned char *)s->lanes_block + (ALIGN - at % ALIGN) % ALIGN;
    if (b.used) {
      memcpy(s->lanes, b.bytes, b.used);
    }
  }
  grove__free(&s->allocator, b.bytes, b.room);
  return status;
}
