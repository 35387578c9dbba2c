// The model file, version 3; all numbers little-endian, texts a u32 length and UTF-8:
//   magic "grovemdl", u32 version, u32 order (0x01020304: little-endian), u32 flags (1: ended by time), text kind,
//   text target, u32 features, a text and a u32 (GROVE__KIND_*) each, u32 parameters, a text and a double each, u64 seed, u64 rows,
//   u32 GROVE_ENDED_*, u32 losses, a double each,
//   u64 bytes of the learner's part, zeros to a multiple of 16 bytes, the learner's part, u64 hash of all before it
// The part of tree learners is in tree_form.h. Version 2 had no kinds of features and no losses, version 1 no order and no zeros,
// either: both are read still.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/model_bytes.h"
#include "model/model_object.h"
#include "model/parameters.h"
#include <string.h>

enum {
  OLDEST = 1,
  WITH_KINDS = 3,
  ENDED_EARLY = 1,
  MAGIC_BYTES = 8,
  HASH_BYTES = 8,
  NAMES_MOST = 1 << 24
};
static const char magic[MAGIC_BYTES] = {'g', 'r', 'o', 'v', 'e', 'm', 'd', 'l'};

// ---- save -------------------------------------------------------------------------------------------
static grove_status count_bytes(void *sink, const void *bytes, size_t n)
{
  (void)bytes;
  *(uint64_t *)sink += n;
  return GROVE_OK;
}

struct hashing {
  grove__hash hash;
  void *sink;
  grove_status (*put)(void *sink, const void *, size_t);
};

static grove_status put_hashed(void *sink, const void *bytes, size_t n)
{
  struct hashing *h = sink;
  grove__hash_add(&h->hash, bytes, n);
  return h->put ? h->put(h->sink, bytes, n) : GROVE_OK;
}

static grove_status write_head(const grove_model *m, struct hashing *h, uint64_t part)
{
  grove__writer w = {.sink = h, .put = put_hashed};
  grove__write_bytes(&w, magic, sizeof magic);
  grove__write_u32(&w, GROVE__MODEL_VERSION);
  grove__write_u32(&w, GROVE__MODEL_ORDER);
  grove__write_u32(&w, m->ended == GROVE_ENDED_TIME ? ENDED_EARLY : 0);
  grove__write_text(&w, m->learner.name);
  grove__write_text(&w, m->target);
  grove__write_u32(&w, (uint32_t)m->feature_count);
  for (size_t i = 0; i < m->feature_count; i++) {
    grove__write_text(&w, m->features[i]);
    grove__write_u32(&w, m->kinds[i]);
  }
  grove__write_u32(&w, (uint32_t)m->value_count);
  for (size_t i = 0; i < m->value_count; i++) {
    grove__write_text(&w, m->learner.parameters[i].name);
    grove__write_double(&w, m->values[i]);
  }
  grove__write_u64(&w, m->seed);
  grove__write_u64(&w, m->rows);
  grove__write_u32(&w, (uint32_t)m->ended);
  grove__write_u32(&w, (uint32_t)m->loss_count);
  for (size_t i = 0; i < m->loss_count; i++) {
    grove__write_double(&w, m->losses[i]);
  }
  grove__write_u64(&w, part);
  grove__write_align(&w, GROVE__MODEL_ALIGN);
  return grove__write_end(&w);
}

grove_status grove__model_write(const grove_model *m, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), uint64_t *hash, grove_error *err)
{
  uint64_t part = 0;
  grove_error own = {.at = -1};
  struct hashing h = {.sink = sink, .put = put};
  if (!m->learner.save) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "%s can't be saved: its learner has no save", m->learner.name);
  }
  grove_status s = m->learner.save(m->state, &part, count_bytes, &own);
  s = s ? s : write_head(m, &h, part);
  s = s ? s : m->learner.save(m->state, &h, put_hashed, &own);
  if (s) {
    return grove__error(
        err, s, own.at, "%s: %s", m->learner.name, own.text[0] ? own.text : grove_status_text(s));
  }
  *hash = grove__hash_end(&h.hash);
  return GROVE_OK;
}

// Bytes that grow as they come.
struct buffer {
  const grove_allocator *a;
  char *bytes;
  size_t used;
  size_t room;
};

static grove_status put_buffer(void *sink, const void *bytes, size_t n)
{
  struct buffer *b = sink;
  if (n > b->room - b->used) {
    size_t room = b->room + b->room / 2 + n;
    char *more = grove__realloc(b->a, b->bytes, b->room, room);
    if (!more) {
      return GROVE_ENOMEM;
    }
    b->bytes = more;
    b->room = room;
  }
  memcpy(b->bytes + b->used, bytes, n);
  b->used += n;
  return GROVE_OK;
}

static grove_status save_all(const grove_model *m, struct buffer *b, grove_error *err)
{
  uint64_t hash;
  GROVE__TRY(grove__model_write(m, b, put_buffer, &hash, err));
  grove__writer w = {.sink = b, .put = put_buffer};
  grove__write_u64(&w, hash);
  if (grove__write_end(&w)) {
    return grove__error_memory(err, "the saved model", b->used);
  }
  // Freed by its size, so the block must be of just that size.
  char *fit = grove__realloc(b->a, b->bytes, b->room, b->used);
  if (!fit) {
    return grove__error_memory(err, "the saved model", b->used);
  }
  b->bytes = fit;
  b->room = b->used;
  return GROVE_OK;
}

grove_status grove_model_save(
    const grove_model *m, const grove_allocator *a, void **bytes, size_t *n, grove_error *err)
{
  grove_allocator own = grove__allocator_of(a);
  struct buffer b = {.a = &own};
  if (!m || !bytes || !n) {
    return grove__error(err, GROVE_EINVAL, -1, "a model, and places for bytes and their number");
  }
  *bytes = NULL;
  *n = 0;
  if (m->stage != GROVE__MODEL_FITTED) {
    return grove__error(err, GROVE_EINVAL, -1, "this %s is not fitted", m->learner.name);
  }
  grove_status s = save_all(m, &b, err);
  if (s) {
    grove__free(&own, b.bytes, b.room);
    return s;
  }
  *bytes = b.bytes;
  *n = b.used;
  return GROVE_OK;
}

uint64_t grove_model_hash(const grove_model *m)
{
  if (!m || m->stage != GROVE__MODEL_FITTED || !m->learner.save) {
    return 0;
  }
  grove_model *cache = (grove_model *)(uintptr_t)m;
  // Relaxed: only the number itself is passed on, and all threads compute the same.
  uint64_t hash = atomic_load_explicit(&cache->hash, memory_order_relaxed);
  if (hash == 0 && grove__model_write(m, NULL, NULL, &hash, NULL) == GROVE_OK) {
    atomic_store_explicit(&cache->hash, hash, memory_order_relaxed);
  }
  return hash;
}

// ---- load -------------------------------------------------------------------------------------------
static grove_status check_shape(const unsigned char *b, size_t n, grove_error *err)
{
  static const char lightgbm[] = "tree\nversion=";
  if (n >= sizeof magic && memcmp(b, magic, sizeof magic) == 0) {
    return GROVE_OK;
  }
  if (n >= sizeof lightgbm && memcmp(b, lightgbm, sizeof lightgbm - 1) == 0) {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "this looks like a LightGBM text model: grove_model_import reads it, "
        "of grove/exchange.h");
  }
  if (n >= 2 && b[0] == '{' && strchr("iUIlLuS$#", b[1]) && b[1]) {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "this looks like an XGBoost UBJSON model: grove_model_import reads it, "
        "of grove/exchange.h");
  }
  size_t i = 0;
  while (i < n && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t')) {
    i++;
  }
  if (i < n && b[i] == '{') {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "this looks like an XGBoost JSON model: grove_model_import reads it, "
        "of grove/exchange.h");
  }
  return grove__error(err, GROVE_ECORRUPT, 0,
      "not a grove model: %zu bytes that do not begin "
      "with \"grovemdl\"",
      n);
}

// The version is looked at before the hash: a later version may hash otherwise.
static grove_status check_frame(const unsigned char *b, size_t n, grove_error *err)
{
  GROVE__TRY(check_shape(b, n, err));
  grove__reader r = {.at = b + sizeof magic, .left = n - sizeof magic};
  uint32_t version = grove__read_u32(&r);
  if (r.failed || n < sizeof magic + 4 + HASH_BYTES) {
    return grove__error(err, GROVE_ECORRUPT, (int64_t)n, "the model is cut short: %zu bytes", n);
  }
  grove__hash h = {{0}, 0, 0, {0}};
  grove__reader tail = {.at = b + n - HASH_BYTES, .left = HASH_BYTES};
  grove__hash_add(&h, b, n - HASH_BYTES);
  bool whole = grove__hash_end(&h) == grove__read_u64(&tail);
  bool known = version >= OLDEST && version <= GROVE__MODEL_VERSION;
  if (!known && (version > 1000 || version == 0) && !whole) {
    return grove__error(
        err, GROVE_ECORRUPT, 8, "the model is damaged: its version reads %u", version);
  }
  if (!known) {
    return grove__error(err, GROVE_ENOTSUP, 8,
        "a model file of version %u; this library reads versions %d to %d", version, OLDEST,
        GROVE__MODEL_VERSION);
  }
  return whole ? GROVE_OK
               : grove__error(err, GROVE_ECORRUPT, -1,
                     "the model is cut short or damaged: its bytes do not fit their checksum");
}

// A copy with a final zero. NULL: damaged or no memory.
static char *copy_text(const grove_model *m, grove__reader *r)
{
  size_t n;
  const char *text = grove__read_text(r, &n);
  char *copy = text ? grove__alloc(&m->allocator, n + 1) : NULL;
  if (copy) {
    memcpy(copy, text, n);
    copy[n] = 0;
  }
  return copy;
}

static grove_status read_columns(grove_model *m, uint32_t version, grove__reader *r)
{
  m->target = copy_text(m, r);
  uint32_t n = grove__read_u32(r);
  if (r->failed || n == 0 || n > r->left / 4 || n > NAMES_MOST) {
    return GROVE_ECORRUPT;
  }
  m->features = grove__alloc_zero(&m->allocator, n * sizeof *m->features);
  if (!m->target || !m->features) {
    return GROVE_ENOMEM;
  }
  m->feature_count = n;
  if (!(m->kinds = grove__alloc_zero(&m->allocator, n))) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < n; i++) {
    m->features[i] = copy_text(m, r);
    if (!m->features[i]) {
      return r->failed ? GROVE_ECORRUPT : GROVE_ENOMEM;
    }
    uint32_t kind = version >= WITH_KINDS ? grove__read_u32(r) : 0;
    m->kinds[i] = (uint8_t)kind;
    if (kind > GROVE__KIND_ALL) {
      return GROVE_ECORRUPT;
    }
  }
  return GROVE_OK;
}

// The file's values by name; one that the file does not have stays at its default.
static grove_status read_parameters(grove_model *m, grove__reader *r, grove_error *err)
{
  uint32_t n = grove__read_u32(r);
  for (uint32_t i = 0; i < n && !r->failed; i++) {
    size_t length, k = 0;
    const char *name = grove__read_text(r, &length);
    double value = grove__read_double(r);
    while (name && k < m->value_count &&
           (strlen(m->learner.parameters[k].name) != length ||
               memcmp(m->learner.parameters[k].name, name, length) != 0)) {
      k++;
    }
    if (!r->failed && k == m->value_count) {
      return grove__error(err, GROVE_ENOTSUP, -1,
          "%s has no parameter %.*s: the model was written "
          "by another version",
          m->learner.name, (int)(length < 60 ? length : 60), name);
    }
    if (!r->failed) {
      m->values[k] = value;
    }
  }
  return r->failed ? GROVE_ECORRUPT : GROVE_OK;
}

static grove_status read_summary(grove_model *m, grove__reader *r)
{
  uint32_t ended = grove__read_u32(r), n = grove__read_u32(r);
  if (r->failed || ended > GROVE_ENDED_EARLY || n > r->left / sizeof *m->losses) {
    return GROVE_ECORRUPT;
  }
  m->ended = (int32_t)ended;
  GROVE__TRY(grove__model_keep_losses(m, NULL, n));
  for (uint32_t i = 0; i < n; i++) {
    m->losses[i] = grove__read_double(r);
  }
  return GROVE_OK;
}

struct loading {
  uint32_t version;
  bool in_place;
};

static grove_status load_part(
    grove_model *m, const struct loading *l, const grove__reader *r, grove_error *err)
{
  if (!m->inside) {
    return m->learner.load(r->at, r->left, &m->state, err);
  }
  bool in_place = l->in_place && m->inside->load_in_place;
  return (in_place ? m->inside->load_in_place : m->inside->load)(
      &m->allocator, r->at, r->left, &m->state, err);
}

static grove_status load_state(
    grove_model *m, const struct loading *l, grove__reader *r, grove_error *err)
{
  grove_error own = {.at = -1};
  m->seed = grove__read_u64(r);
  m->rows = grove__read_u64(r);
  if (l->version >= WITH_KINDS) {
    GROVE__TRY(read_summary(m, r));
  }
  uint64_t part = grove__read_u64(r);
  if (l->version > OLDEST) {
    grove__read_align(r, GROVE__MODEL_ALIGN);
  }
  if (r->failed || part != r->left) {
    return GROVE_ECORRUPT;
  }
  if (!m->inside && !m->learner.load) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "%s can't be loaded: its learner has no load", m->learner.name);
  }
  grove_status s = load_part(m, l, r, &own);
  if (s) {
    m->state = NULL;
    return grove__error(
        err, s, own.at, "%s: %s", m->learner.name, own.text[0] ? own.text : grove_status_text(s));
  }
  if (m->inside && m->inside->features(m->state) != m->feature_count) {
    return grove__error(err, GROVE_ECORRUPT, -1, "%s has %zu features and %zu names of features",
        m->learner.name, m->inside->features(m->state), m->feature_count);
  }
  return GROVE_OK;
}

static grove_status read_model(const grove_registry *r, struct loading *l, grove__reader *in,
    grove_model **out, grove_error *err)
{
  char name[256];
  size_t length;
  l->version = grove__read_u32(in);
  if (l->version > OLDEST && grove__read_u32(in) != GROVE__MODEL_ORDER) {
    return GROVE_ECORRUPT;
  }
  uint32_t flags = grove__read_u32(in);
  const char *text = grove__read_text(in, &length);
  if (!text || length >= sizeof name) {
    return GROVE_ECORRUPT;
  }
  memcpy(name, text, length);
  name[length] = 0;
  GROVE__TRY(grove__model_make(r, name, out, err));
  grove_model *m = *out;
  m->ended = flags & ENDED_EARLY ? GROVE_ENDED_TIME : GROVE_ENDED_WHOLE;
  GROVE__TRY(grove__parameters_read(&m->learner, NULL, &m->allocator, m->values, &m->notes, err));
  GROVE__TRY(read_columns(m, l->version, in));
  GROVE__TRY(read_parameters(m, in, err));
  GROVE__TRY(load_state(m, l, in, err));
  m->stage = GROVE__MODEL_FITTED;
  return l->in_place ? GROVE_OK : grove__model_prepare(m);
}

static grove_status load(const grove_registry *r, const void *bytes, size_t n, bool in_place,
    grove_model **out, grove_error *err)
{
  struct loading l = {.in_place = in_place};
  grove_error own = {.at = -1};
  grove_model *m = NULL;
  if (!out || (!bytes && n)) {
    return grove__error(err, GROVE_EINVAL, -1, "bytes of a model, and a place for it");
  }
  *out = NULL;
  GROVE__TRY(check_frame(bytes, n, err));
  grove__reader in = {.start = bytes,
      .at = (const unsigned char *)bytes + sizeof magic,
      .left = n - sizeof magic - HASH_BYTES};
  grove_status s = read_model(r, &l, &in, &m, &own);
  if (s) {
    grove_model_destroy(m);
    return grove__error(err, s, own.at, "%s",
        own.text[0]           ? own.text
        : s == GROVE_ECORRUPT ? "the model's head is damaged"
                              : grove_status_text(s));
  }
  *out = m;
  return GROVE_OK;
}

grove_status grove_model_load(
    const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err)
{
  return load(r, bytes, n, false, out, err);
}

grove_status grove_model_load_in_place(
    const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err)
{
  return load(r, bytes, n, true, out, err);
}
