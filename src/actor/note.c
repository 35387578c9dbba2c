// The state text: written by one turn at a time, read by anyone without a lock. A sequence lock whose data are
// atomic words, so that a torn copy is seen as torn and is no data race (Boehm 2012).
#include "actor/activation.h"
#include <stdarg.h>
#include <stdio.h>

void grove__note_set(grove__cell *c, const char *text)
{
  char bytes[64] = {0};
  uint64_t words[8];
  strncpy(bytes, text, sizeof bytes - 1);
  memcpy(words, bytes, sizeof words);
  uint32_t serial = atomic_load_explicit(&c->note_serial, memory_order_relaxed); // this turn's own
  // ORDER: odd before any word; the words are release stores, so who reads a new one reads an odd or later serial.
  // PAIRS grove__note_get.
  atomic_store_explicit(&c->note_serial, serial + 1, memory_order_relaxed);
  for (int i = 0; i < 8; i++) {
    atomic_store_explicit(&c->note[i], words[i], memory_order_release);
  }
  atomic_store_explicit(&c->note_serial, serial + 2, memory_order_release);
}

void grove__note_get(const grove__cell *c, char out[64])
{
  uint64_t words[8];
  for (int tries = 0; tries < 100; tries++) {
    // ORDER acquire: the words of this serial or later ones; and words before the second look. PAIRS grove__note_set.
    uint32_t before = atomic_load_explicit(&c->note_serial, memory_order_acquire);
    for (int i = 0; i < 8; i++) {
      words[i] = atomic_load_explicit(&c->note[i], memory_order_acquire);
    }
    uint32_t after = atomic_load_explicit(&c->note_serial, memory_order_relaxed);
    if (before == after && !(before & 1)) {
      break;
    }
  }
  memcpy(out, words,
      sizeof words); // after so many tries a torn text must do: it ends with a zero all the same
  out[63] = '\0';
}

void grove_state(grove *self, const char *format, ...)
{
  grove__system *y;
  grove__activation *here;
  char text[64];
  if (grove__enter(self, &y, &here) || !here || !here->cell) {
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  grove__note_set(here->cell, text);
}
