#include "exchange/foreign.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include <stdio.h>

enum { WORDS_MOST = 1 << 24 }; // 64 MB: a few bytes of a file may ask for megabytes of sets

void grove__foreign_init(grove__foreign *f, const grove_allocator *a)
{
  *f = (grove__foreign){.allocator = grove__allocator_of(a), .divide = 1, .scale = 1};
}

void grove__foreign_deinit(grove__foreign *f)
{
  const grove_allocator *a = &f->allocator;
  for (size_t i = 0; f->names && i < f->features; i++) {
    grove__free_text(a, f->names[i]);
  }
  grove__free(a, f->names, f->features * sizeof *f->names);
  for (size_t t = 0; t < f->tree_count; t++) {
    grove__free(a, f->trees[t].nodes, f->trees[t].count * sizeof *f->trees[t].nodes);
  }
  grove__free(a, f->trees, f->tree_room * sizeof *f->trees);
  grove__free(a, f->gain, f->features * sizeof *f->gain);
  grove__free(a, f->words, f->word_room * sizeof *f->words);
  grove__foreign_init(f, a);
}

grove_status grove__foreign_features(grove__foreign *f, size_t n, grove_error *err)
{
  char name[32];
  f->names = grove__alloc_zero(&f->allocator, n * sizeof *f->names);
  if (!f->names) {
    return grove__error_memory(err, "names of features", n * sizeof *f->names);
  }
  f->features = (uint32_t)n;
  f->gain = grove__alloc_zero(&f->allocator, n * sizeof *f->gain);
  if (!f->gain) {
    return grove__error_memory(err, "gains of features", n * sizeof *f->gain);
  }
  for (size_t i = 0; i < n; i++) {
    snprintf(name, sizeof name, "f%zu", i);
    GROVE__TRY(grove__foreign_name(f, i, name, strlen(name), err));
  }
  return GROVE_OK;
}

grove_status grove__foreign_name(
    grove__foreign *f, size_t feature, const char *name, size_t length, grove_error *err)
{
  char *copy = grove__alloc(&f->allocator, length + 1);
  if (!copy) {
    return grove__error_memory(err, "the name of a feature", length + 1);
  }
  memcpy(copy, name, length);
  copy[length] = 0;
  grove__free_text(&f->allocator, f->names[feature]);
  f->names[feature] = copy;
  return GROVE_OK;
}

static grove_status reserve_tree(grove__foreign *f, grove_error *err)
{
  if (f->tree_count == f->tree_room) {
    size_t room = f->tree_room ? f->tree_room * 2 : 64;
    grove__foreign_tree *more =
        grove__realloc(&f->allocator, f->trees, f->tree_room * sizeof *more, room * sizeof *more);
    if (!more) {
      return grove__error_memory(err, "trees", room * sizeof *more);
    }
    f->trees = more;
    f->tree_room = room;
  }
  return GROVE_OK;
}

// Copies each pair of children when their parent is met. `from` says which node a copy is of. More copies than
// nodes mean a circle or a shared child.
static grove_status copy_levels(grove__foreign *f, const grove__loose_node *nodes, size_t count,
    grove__foreign_node *to, size_t *from, size_t *used, grove_error *err)
{
  from[0] = 0;
  *used = 1;
  for (size_t i = 0; i < *used; i++) {
    const grove__loose_node *n = &nodes[from[i]];
    to[i] = (grove__foreign_node){.bits = n->bits};
    if (n->left < 0) {
      to[i].feature = grove__node_leaf(0, n->weight).feature;
      continue;
    }
    if ((uint64_t)n->left >= count || n->right < 0 || (uint64_t)n->right >= count) {
      return grove__error(
          err, GROVE_ECORRUPT, -1, "node %zu has a child that is not there", from[i]);
    }
    if ((n->feature & GROVE__NODE_FEATURE) >= f->features) {
      return grove__error(err, GROVE_ECORRUPT, -1, "node %zu splits by feature %u of %u", from[i],
          (unsigned)(n->feature & GROVE__NODE_FEATURE), (unsigned)f->features);
    }
    if (*used + 2 > count) {
      return grove__error(err, GROVE_ECORRUPT, -1, "node %zu has a child of another node", from[i]);
    }
    to[i].feature = n->feature;
    f->gain[n->feature & GROVE__NODE_FEATURE] += n->gain;
    to[i].left = (uint32_t)*used;
    from[(*used)++] = (size_t)n->left;
    from[(*used)++] = (size_t)n->right;
  }
  return GROVE_OK;
}

grove_status grove__foreign_add(
    grove__foreign *f, const grove__loose_node *nodes, size_t count, grove_error *err)
{
  size_t used = 0;
  if (count == 0 || count > INT32_MAX) {
    return grove__error(err, GROVE_ECORRUPT, -1, "a tree of %zu nodes", count);
  }
  GROVE__TRY(reserve_tree(f, err));
  grove__foreign_node *to = grove__alloc_array(&f->allocator, count, sizeof *to);
  size_t *from = grove__alloc_array(&f->allocator, count, sizeof *from);
  grove_status s = to && from ? copy_levels(f, nodes, count, to, from, &used, err)
                              : grove__error_memory(err, "a tree", count * sizeof *to);
  grove__free(&f->allocator, from, count * sizeof *from);
  grove__foreign_node *fit = NULL;
  if (s == GROVE_OK) {
    fit = grove__realloc(&f->allocator, to, count * sizeof *to, used * sizeof *to);
    s = fit ? GROVE_OK : grove__error_memory(err, "a tree", used * sizeof *to);
  }
  if (s) {
    grove__free(&f->allocator, to, count * sizeof *to);
    return s;
  }
  f->trees[f->tree_count++] = (grove__foreign_tree){fit, used};
  return GROVE_OK;
}

void grove__foreign_weights(const grove__foreign_tree *tree, double *weight)
{
  for (size_t i = tree->count; i-- > 0;) {
    const grove__foreign_node *n = &tree->nodes[i];
    const grove__node leaf = {.feature = n->feature};
    weight[i] = n->left ? weight[n->left] + weight[n->left + 1] : grove__node_weight(&leaf);
  }
}

grove_status grove__foreign_set(
    grove__foreign *f, size_t count, uint64_t *bits, uint32_t **words, grove_error *err)
{
  if (count > WORDS_MOST - f->word_count) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "the sets of categories take more than %d words of 4 bytes", WORDS_MOST);
  }
  if (count > f->word_room - f->word_count) {
    size_t room = f->word_room * 2 + count;
    uint32_t *more =
        grove__realloc(&f->allocator, f->words, f->word_room * sizeof *more, room * sizeof *more);
    if (!more) {
      return grove__error_memory(err, "sets of categories", room * sizeof *more);
    }
    f->words = more;
    f->word_room = room;
  }
  *bits = (uint64_t)count << 32 | f->word_count;
  *words = count ? f->words + f->word_count : NULL;
  f->word_count += count;
  for (size_t i = 0; i < count; i++) {
    (*words)[i] = 0;
  }
  return GROVE_OK;
}

bool *grove__foreign_categorical(const grove__foreign *f)
{
  bool *is = grove__alloc_zero(&f->allocator, f->features * sizeof *is);
  for (size_t t = 0; is && t < f->tree_count; t++) {
    for (size_t i = 0; i < f->trees[t].count; i++) {
      const grove__foreign_node *n = &f->trees[t].nodes[i];
      if (n->left && n->feature & GROVE__NODE_CATEGORY) {
        is[n->feature & GROVE__NODE_FEATURE] = true;
      }
    }
  }
  return is;
}
