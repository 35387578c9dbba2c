#include "columnar/utf8.h"
#include <string.h>

static size_t skip_ascii(const uint8_t *p, size_t i, size_t n)
{
  while (n - i >= 8) {
    uint64_t word;
    memcpy(&word, p + i, sizeof word);
    if (word & 0x8080808080808080u) {
      break;
    }
    i += 8;
  }
  while (i < n && p[i] < 0x80) {
    i++;
  }
  return i;
}

// The length of the character at p, 0 if it is none. Only the second byte has a narrower range than
// 80..BF, and only after four of the first bytes (Unicode's table of well-formed sequences).
static size_t measure_character(const uint8_t *p, size_t left)
{
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
  if (p[0] < 0xC2 || p[0] > 0xF4 || left < length) {
    return 0;
  }
  switch (p[0]) {
  case 0xE0: low = 0xA0; break;
  case 0xED: high = 0x9F; break;
  case 0xF0: low = 0x90; break;
  case 0xF4: high = 0x8F; break;
  default: break;
  }
  if (p[1] < low || p[1] > high) {
    return 0;
  }
  for (size_t i = 2; i < length; i++) {
    if ((p[i] & 0xC0) != 0x80) {
      return 0;
    }
  }
  return length;
}

size_t grove__utf8_check(const char *text, size_t n)
{
  const uint8_t *p = (const uint8_t *)text;
  size_t i = 0;
  while ((i = skip_ascii(p, i, n)) < n) {
    size_t length = measure_character(p + i, n - i);
    if (!length) {
      break;
    }
    i += length;
  }
  return i;
}
