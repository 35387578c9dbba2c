// A table or a model as shared data: a small box around the pointer, which the runtime counts.
#include <grove/train.h>
#include "base/alloc.h"
#include "base/status.h"

// The box says what is in it and where it lies, so that foreign shared data is recognised: `kind` is the address
// of an object of this file, and `self` fails for a copy of a box's bytes.
struct box {
  const void *kind;
  const void *self;
  void *content;
};

static const char table_kind = 't';
static const char model_kind = 'm';

static void destroy_box(void *ptr, void *user)
{
  struct box *b = ptr;
  (void)user;
  if (b->kind == &table_kind) {
    grove_table_release(b->content);
  } else {
    grove_model_destroy(b->content);
  }
  grove__free(&grove__allocator_malloc, b, sizeof *b);
}

static grove_status share_box(
    grove *g, const void *kind, void *content, uint64_t bytes, grove_shared *out)
{
  *out = (grove_shared){0};
  struct box *b = grove__alloc(&grove__allocator_malloc, sizeof *b);
  if (!b) {
    return GROVE_ENOMEM;
  }
  *b = (struct box){.kind = kind, .self = b, .content = content};
  // Never less than the box, or content_of would not look into it.
  size_t counted = bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes;
  counted = counted < sizeof *b ? sizeof *b : counted;
  grove_status s = grove_share(g, b, counted, destroy_box, NULL, out);
  if (s) {
    grove__free(&grove__allocator_malloc, b, sizeof *b);
  }
  return s;
}

static void *content_of(grove_shared s, const void *kind)
{
  struct box b;
  if (!s.ptr || s.bytes < sizeof b) {
    return NULL;
  }
  memcpy(&b, s.ptr, sizeof b); // foreign data need not be aligned
  return b.kind == kind && b.self == s.ptr ? b.content : NULL;
}

grove_status grove_share_table(grove *g, grove_table *t, grove_shared *out)
{
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = (grove_shared){0};
  if (!g || !t) {
    return GROVE_EINVAL;
  }
  return share_box(g, &table_kind, t, grove_table_bytes(t), out);
}

grove_status grove_share_model(grove *g, grove_model *m, grove_shared *out)
{
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = (grove_shared){0};
  if (!g || !m) {
    return GROVE_EINVAL;
  }
  return share_box(g, &model_kind, m, sizeof(struct box), out);
}

const grove_table *grove_table_of(grove_shared s)
{
  return content_of(s, &table_kind);
}

const grove_model *grove_model_of(grove_shared s)
{
  return content_of(s, &model_kind);
}
