#include "model/model_bytes.h"
#include "base/random.h"
#include <string.h>

// ---- writing ----------------------------------------------------------------------------------------
static void flush(grove__writer *w)
{
  if (w->status == GROVE_OK && w->used) {
    w->status = w->put(w->sink, w->bytes, w->used);
  }
  w->used = 0;
}

void grove__write_bytes(grove__writer *w, const void *bytes, size_t n)
{
  const unsigned char *at = bytes;
  w->total += n;
  if (n >= sizeof w->bytes) { // not worth a copy
    flush(w);
    w->status = w->status ? w->status : w->put(w->sink, at, n);
    return;
  }
  while (n) {
    size_t room = sizeof w->bytes - w->used, m = n < room ? n : room;
    memcpy(w->bytes + w->used, at, m);
    w->used += m;
    at += m;
    n -= m;
    if (w->used == sizeof w->bytes) {
      flush(w);
    }
  }
}

void grove__write_u32(grove__writer *w, uint32_t v)
{
  unsigned char b[4];
  for (int i = 0; i < 4; i++) {
    b[i] = (unsigned char)(v >> (8 * i));
  }
  grove__write_bytes(w, b, sizeof b);
}

void grove__write_u64(grove__writer *w, uint64_t v)
{
  unsigned char b[8];
  for (int i = 0; i < 8; i++) {
    b[i] = (unsigned char)(v >> (8 * i));
  }
  grove__write_bytes(w, b, sizeof b);
}

void grove__write_double(grove__writer *w, double v)
{
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  grove__write_u64(w, bits);
}

void grove__write_text(grove__writer *w, const char *text)
{
  size_t n = strlen(text);
  grove__write_u32(w, (uint32_t)n);
  grove__write_bytes(w, text, n);
}

void grove__write_align(grove__writer *w, size_t to)
{
  while (w->total % to) {
    grove__write_bytes(w, "", 1);
  }
}

grove_status grove__write_end(grove__writer *w)
{
  flush(w);
  return w->status;
}

// ---- reading ----------------------------------------------------------------------------------------
const void *grove__read_bytes(grove__reader *r, size_t n)
{
  if (r->failed || n > r->left) {
    r->failed = true;
    return NULL;
  }
  const void *at = r->at;
  r->at += n;
  r->left -= n;
  return at;
}

void grove__read_align(grove__reader *r, size_t to)
{
  while (!r->failed && (size_t)(r->at - r->start) % to) {
    const unsigned char *zero = grove__read_bytes(r, 1);
    r->failed |= zero && *zero;
  }
}

static uint64_t read_number(grove__reader *r, size_t n)
{
  const unsigned char *b = grove__read_bytes(r, n);
  uint64_t v = 0;
  for (size_t i = 0; b && i < n; i++) {
    v |= (uint64_t)b[i] << (8 * i);
  }
  return v;
}

uint32_t grove__read_u32(grove__reader *r)
{
  return (uint32_t)read_number(r, 4);
}

uint64_t grove__read_u64(grove__reader *r)
{
  return read_number(r, 8);
}

double grove__read_double(grove__reader *r)
{
  uint64_t bits = grove__read_u64(r);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

const char *grove__read_text(grove__reader *r, size_t *n)
{
  *n = grove__read_u32(r);
  const char *text = grove__read_bytes(r, *n);
  if (text && memchr(text, 0, *n)) {
    r->failed = true;
    return NULL;
  }
  return text;
}

// ---- hash -------------------------------------------------------------------------------------------
// Four lanes of multiply and rotate over 32-byte blocks, mixed at the end with the length. Against accidents, not
// against attackers.
static uint64_t word_at(const unsigned char *b)
{
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) {
    v |= (uint64_t)b[i] << (8 * i);
  }
  return v;
}

static void hash_block(grove__hash *h, const unsigned char *b)
{
  for (int i = 0; i < 4; i++) {
    uint64_t x = (h->lane[i] ^ word_at(b + 8 * i)) * 0x9fb21c651e98df25u;
    h->lane[i] = (x << 29 | x >> 35) + 0xd6e8feb86659fd93u * (uint64_t)(i + 1);
  }
}

void grove__hash_add(grove__hash *h, const void *bytes, size_t n)
{
  const unsigned char *b = bytes;
  h->total += n;
  while (n) {
    if (h->held == 0 && n >= sizeof h->rest) {
      hash_block(h, b);
      b += sizeof h->rest;
      n -= sizeof h->rest;
      continue;
    }
    size_t room = sizeof h->rest - h->held, m = n < room ? n : room;
    memcpy(h->rest + h->held, b, m);
    h->held += m;
    b += m;
    n -= m;
    if (h->held == sizeof h->rest) {
      hash_block(h, h->rest);
      h->held = 0;
    }
  }
}

uint64_t grove__hash_end(const grove__hash *h)
{
  grove__hash last = *h;
  memset(last.rest + last.held, 0, sizeof last.rest - last.held);
  hash_block(&last, last.rest);
  uint64_t x = grove__mix64(last.total);
  for (int i = 0; i < 4; i++) {
    x = grove__mix64(x ^ last.lane[i]);
  }
  return x;
}
