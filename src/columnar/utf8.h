// Is it UTF-8?
#ifndef GROVE_COLUMNAR_UTF8_H
#define GROVE_COLUMNAR_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where the first byte is that can't stand there; n if all is UTF-8 (RFC 3629: no surrogates,
/// nothing overlong, nothing past U+10FFFF).
size_t grove__utf8_check(const char *text, size_t n);
#endif
