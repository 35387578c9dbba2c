#include "isolate/wire.h"
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/holds.h"

enum { KEPT_BYTES = 1024 * 1024 }; // of an empty buffer

// ---- bytes ----------------------------------------------------------------------------------------
void grove__wire_buffer_init(grove__wire_buffer *b, const grove_allocator *a)
{
  *b = (grove__wire_buffer){.allocator = *a};
}

void grove__wire_buffer_deinit(grove__wire_buffer *b)
{
  grove__free(&b->allocator, b->bytes, b->room);
  *b = (grove__wire_buffer){.allocator = b->allocator};
}

unsigned char *grove__wire_buffer_reserve(grove__wire_buffer *b, size_t n)
{
  size_t count = grove__wire_buffer_count(b), want;
  if (!grove__add(count, n, &want) || want > SIZE_MAX / 2) {
    return NULL;
  }
  if (b->begin && (b->room - b->end < n || !count)) { // what was taken in front is room, too
    memmove(b->bytes, b->bytes + b->begin, count);
    b->begin = 0;
    b->end = count;
  }
  if (b->room - b->end < n || !b->bytes) {
    size_t room = b->room ? b->room : 4096;
    while (room < want) {
      room *= 2;
    }
    unsigned char *bytes = grove__realloc(&b->allocator, b->bytes, b->room, room);
    if (!bytes) {
      return NULL;
    }
    b->bytes = bytes;
    b->room = room;
  }
  return b->bytes + b->end;
}

grove_status grove__wire_put(grove__wire_buffer *b, const void *bytes, size_t n)
{
  unsigned char *to = grove__wire_buffer_reserve(b, n);
  if (!to) {
    return GROVE_ENOMEM;
  }
  if (n) {
    memcpy(to, bytes, n);
  }
  b->end += n;
  return GROVE_OK;
}

void grove__wire_drop_front(grove__wire_buffer *b, size_t n)
{
  b->begin += n;
  if (b->begin == b->end) {
    b->begin = b->end = 0;
    if (b->room > KEPT_BYTES) { // one long message is no reason to keep so much
      grove__wire_buffer_deinit(b);
    }
  }
}

static void cut(grove__wire_buffer *b, size_t count)
{
  b->end = b->begin + count;
}

// Where a head stands is told from the front of what is in the buffer, which reserve may move.
static grove_status begin(grove__wire_buffer *b, const grove__frame *f, size_t *at)
{
  *at = grove__wire_buffer_count(b);
  return grove__wire_put(b, f, sizeof *f);
}

static void end(grove__wire_buffer *b, size_t at)
{
  grove__frame f;
  unsigned char *head = b->bytes + b->begin + at;
  memcpy(&f, head, sizeof f);
  f.bytes = grove__wire_buffer_count(b) - at - sizeof f;
  memcpy(head, &f, sizeof f);
}

grove_status grove__wire_put_frame(grove__wire_buffer *b, const grove__frame *f, const void *body)
{
  unsigned char *to = grove__wire_buffer_reserve(b, sizeof *f + (size_t)f->bytes);
  if (!to) {
    return GROVE_ENOMEM;
  }
  memcpy(to, f, sizeof *f);
  if (f->bytes) {
    memcpy(to + sizeof *f, body, (size_t)f->bytes);
  }
  b->end += sizeof *f + (size_t)f->bytes;
  return GROVE_OK;
}

grove_status grove__wire_put_message(grove__wire_buffer *b, const grove__frame *f,
    const grove_type *t, const void *value, uint64_t most)
{
  size_t at, count = grove__wire_buffer_count(b);
  grove_status s = begin(b, f, &at);
  s = s ? s : grove__wire_put_value(b, t, value);
  if (!s && grove__wire_buffer_count(b) - count > most) {
    s = GROVE_ELIMIT;
  }
  if (s) {
    cut(b, count);
  } else {
    end(b, at);
  }
  return s;
}

// ---- frames on their way --------------------------------------------------------------------------
static uint64_t frame_bytes(const unsigned char *head)
{
  grove__frame f;
  memcpy(&f, head, sizeof f);
  return sizeof f + f.bytes;
}

void grove__outbox_wrote(grove__outbox *o, size_t n)
{
  while (n) {
    if (!o->begun) {
      o->begun = (size_t)frame_bytes(o->bytes.bytes + o->bytes.begin);
    }
    size_t some = n < o->begun ? n : o->begun;
    grove__wire_drop_front(&o->bytes, some);
    o->begun -= some;
    n -= some;
  }
}

bool grove__outbox_recall(grove__outbox *o, uint64_t id)
{
  grove__wire_buffer *b = &o->bytes;
  for (size_t at = b->begin + o->begun, next; at < b->end; at = next) {
    grove__frame f;
    memcpy(&f, b->bytes + at, sizeof f);
    next = at + sizeof f + (size_t)f.bytes;
    if (f.kind == GROVE__WIRE_CALL && f.id == id) {
      memmove(b->bytes + at, b->bytes + next, b->end - next);
      b->end -= next - at;
      return true;
    }
  }
  return false;
}

// ---- reading --------------------------------------------------------------------------------------
grove_status grove__wire_take(grove__wire_reader *r, void *out, size_t n)
{
  if (n > r->left) {
    return GROVE_ECORRUPT;
  }
  if (n) {
    memcpy(out, r->at, n);
  }
  r->at += n;
  r->left -= n;
  return GROVE_OK;
}

grove_status grove__wire_put_text(grove__wire_buffer *b, const char *text)
{
  uint32_t n = (uint32_t)strlen(text);
  GROVE__TRY(grove__wire_put(b, &n, sizeof n));
  return grove__wire_put(b, text, n);
}

grove_status grove__wire_take_text(grove__wire_reader *r, char *out, size_t room)
{
  uint32_t n;
  GROVE__TRY(grove__wire_take(r, &n, sizeof n));
  if (n >= room) {
    return GROVE_ECORRUPT;
  }
  out[n] = 0;
  return grove__wire_take(r, out, n);
}

// ---- values ---------------------------------------------------------------------------------------
// A value is what encode makes of it; else its bytes, and behind them those of each shared member, their number first.
static bool encodes(const grove_type *t)
{
  return t->encode && t->decode;
}

grove_status grove__wire_check(const grove_type *t, grove_error *err)
{
  if (encodes(t) || (t->flags & GROVE_TYPE_FLAT) ||
      ((t->flags & GROVE_TYPE_PLAIN) && !t->holds)) {
    return GROVE_OK;
  }
  return grove__error(err, GROVE_ENOTSUP, -1,
      "%s can't go to another process: it is neither GROVE_TYPE_PLAIN nor GROVE_TYPE_FLAT, and has "
      "no encode and decode",
      t->name);
}

static grove_status put(void *sink, const void *bytes, size_t n)
{
  return grove__wire_put(sink, bytes, n);
}

grove_status grove__wire_put_value(grove__wire_buffer *b, const grove_type *t, const void *value)
{
  if (encodes(t)) {
    return t->encode(value, b, put);
  }
  GROVE__TRY(grove__wire_put(b, value, t->bytes));
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_shared s = grove__hold_read(t, value, i);
    uint64_t n = s.bytes;
    GROVE__TRY(grove__wire_put(b, &n, sizeof n));
    GROVE__TRY(grove__wire_put(b, s.ptr, s.bytes));
  }
  return GROVE_OK;
}

static grove_status get_hold(grove *g, grove__wire_reader *r, grove_shared *out)
{
  uint64_t n;
  GROVE__TRY(grove__wire_take(r, &n, sizeof n));
  if (n > r->left) {
    return GROVE_ECORRUPT;
  }
  GROVE__TRY(grove_share_copy(g, r->at, (size_t)n, out));
  r->at += n;
  r->left -= (size_t)n;
  return GROVE_OK;
}

grove_status grove__wire_get_value(
    grove *g, const grove_type *t, const void *bytes, size_t n, void *value)
{
  memset(value, 0, t->bytes);
  if (encodes(t)) {
    grove_status s = t->decode(g, bytes, n, value);
    if (s) {
      memset(value, 0, t->bytes);
    }
    return s;
  }
  grove__wire_reader r = {bytes, n};
  GROVE__TRY(grove__wire_take(&r, value, t->bytes));
  // The pointers in it are the other side's: all are cleared before one can be released.
  for (uint32_t i = 0; i < t->holds; i++) {
    grove__hold_write(t, value, i, (grove_shared){0});
  }
  grove_status s = GROVE_OK;
  for (uint32_t i = 0; i < t->holds && !s; i++) {
    grove_shared held = {0};
    s = get_hold(g, &r, &held);
    grove__hold_write(t, value, i, held);
  }
  if (!s && r.left) {
    s = GROVE_ECORRUPT;
  }
  if (s) {
    grove__holds_release(t, value);
    memset(value, 0, t->bytes);
  }
  return s;
}

// ---- classes --------------------------------------------------------------------------------------
uint32_t grove__class_methods(const grove_class *c)
{
  uint32_t n = 0;
  while (c->methods && c->methods[n]) {
    n++;
  }
  return n;
}

static grove_status put_type(grove__wire_buffer *b, const grove_type *t)
{
  uint32_t bytes = t ? t->bytes : 0;
  GROVE__TRY(grove__wire_put_text(b, t ? t->name : ""));
  return grove__wire_put(b, &bytes, sizeof bytes);
}

grove_status grove__wire_put_class(grove__wire_buffer *b, const grove_class *c)
{
  uint32_t n = grove__class_methods(c);
  GROVE__TRY(grove__wire_put_text(b, c->name));
  GROVE__TRY(put_type(b, c->start_arg));
  GROVE__TRY(grove__wire_put(b, &n, sizeof n));
  for (uint32_t i = 0; i < n; i++) {
    GROVE__TRY(grove__wire_put_text(b, c->methods[i]->name));
    GROVE__TRY(put_type(b, c->methods[i]->arg));
    GROVE__TRY(put_type(b, c->methods[i]->reply));
  }
  return GROVE_OK;
}

// Whether the type is the same here.
static grove_status take_type(
    grove__wire_reader *r, const grove_type *t, const char *of, grove_error *err)
{
  char name[256];
  uint32_t bytes;
  GROVE__TRY(grove__wire_take_text(r, name, sizeof name));
  GROVE__TRY(grove__wire_take(r, &bytes, sizeof bytes));
  if (bytes != (t ? t->bytes : 0) || strcmp(name, t ? t->name : "") != 0) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "%s takes or gives %s of %u bytes, and %s of %u bytes in the program that it is to live in",
        of, name, bytes, t ? t->name : "nothing", t ? t->bytes : 0);
  }
  return GROVE_OK;
}

static grove_status take_methods(grove__wire_reader *r, const grove_class *c, grove_error *err)
{
  uint32_t n, here = grove__class_methods(c);
  GROVE__TRY(grove__wire_take(r, &n, sizeof n));
  for (uint32_t i = 0; i < n; i++) {
    char name[256];
    GROVE__TRY(grove__wire_take_text(r, name, sizeof name));
    if (i >= here || strcmp(name, c->methods[i]->name) != 0) {
      return grove__error(err, GROVE_ENOTSUP, -1,
          "method %u of %s is %s, and %s in the program that it is to live in", i, c->name, name,
          i < here ? c->methods[i]->name : "none");
    }
    GROVE__TRY(take_type(r, c->methods[i]->arg, name, err));
    GROVE__TRY(take_type(r, c->methods[i]->reply, name, err));
  }
  return GROVE_OK;
}

grove_status grove__wire_take_class(grove__wire_reader *r, const grove_class *const *classes,
    const grove_class **out, grove_error *err)
{
  char name[256];
  GROVE__TRY(grove__wire_take_text(r, name, sizeof name));
  const grove_class *found = NULL;
  for (const grove_class *const *c = classes; *c && !found; c++) {
    found = strcmp((*c)->name, name) == 0 ? *c : NULL;
  }
  if (!found) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "the program knows no class %s: its main gives grove_isolated_main a list without it",
        name);
  }
  GROVE__TRY(take_type(r, found->start_arg, name, err));
  GROVE__TRY(take_methods(r, found, err));
  *out = found;
  return GROVE_OK;
}
