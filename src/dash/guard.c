#include "dash/guard.h"
#include "base/letters.h"
#include "plat/secret.h"
#include <arpa/inet.h>
#include <string.h>

// The host of "host:port" or "[address]:port" without its port; false: it is none.
static bool cut_port(const char *text, char *out, size_t room)
{
  size_t n;
  if (text[0] == '[') {
    const char *end = strchr(text, ']');
    if (!end || (end[1] && end[1] != ':')) {
      return false;
    }
    text++;
    n = (size_t)(end - text);
  } else {
    n = strcspn(text, ":");
    const char *port = text + n + (text[n] == ':');
    if (strspn(port, "0123456789") != strlen(port)) {
      return false;
    }
  }
  if (!n || n >= room) {
    return false;
  }
  memcpy(out, text, n);
  out[n] = '\0';
  return true;
}

bool grove__guard_host(const char *host, const char *const *hosts)
{
  char name[256];
  unsigned char address[16];
  if (!host || !cut_port(host, name, sizeof name)) {
    return false;
  }
  if (grove__same_letters(name, "localhost") || inet_pton(AF_INET, name, address) == 1 ||
      inet_pton(AF_INET6, name, address) == 1) {
    return true;
  }
  for (; hosts && *hosts; hosts++) {
    if (grove__same_letters(name, *hosts)) {
      return true;
    }
  }
  return false;
}

bool grove__guard_origin(const char *origin, const char *host)
{
  if (!origin) {
    return true;
  }
  size_t scheme = strncmp(origin, "http://", 7) == 0    ? 7
                  : strncmp(origin, "https://", 8) == 0 ? 8
                                                        : 0;
  return scheme && host && grove__same_letters(origin + scheme, host);
}

bool grove__guard_site(const char *site)
{
  return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

bool grove__guard_same(const char *a, const char *b)
{
  // Always all bytes of both rooms: nothing is left early, no branch depends on what is in them. What is too long is
  // not a token, and only that is told apart.
  unsigned char x[GROVE__TOKEN_MOST + 1] = {0}, y[GROVE__TOKEN_MOST + 1] = {0};
  size_t n = strlen(a), m = strlen(b);
  if (n > GROVE__TOKEN_MOST || m > GROVE__TOKEN_MOST) {
    return false;
  }
  memcpy(x, a, n);
  memcpy(y, b, m);
  volatile unsigned char differ = 0;
  for (size_t i = 0; i < sizeof x; i++) {
    differ = (unsigned char)(differ | (x[i] ^ y[i]));
  }
  return differ == 0;
}

bool grove__guard_is_token(const char *token)
{
  size_t n = strlen(token);
  return n >= GROVE__TOKEN_LEAST && n <= GROVE__TOKEN_MOST &&
         strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static void take(const char *from, size_t n, char out[GROVE__TOKEN_MOST + 1])
{
  n = n <= GROVE__TOKEN_MOST ? n : 0;
  memcpy(out, from, n);
  out[n] = '\0';
}

void grove__guard_cookie(const char *cookies, const char *name, char out[GROVE__TOKEN_MOST + 1])
{
  size_t n = strlen(name);
  out[0] = '\0';
  for (const char *at = cookies; at && *at;) {
    at += strspn(at, " ;");
    size_t all = strcspn(at, ";");
    if (all > n && strncmp(at, name, n) == 0 && at[n] == '=') {
      take(at + n + 1, all - n - 1, out);
      return;
    }
    at += all;
  }
}

void grove__guard_bearer(const char *authorization, char out[GROVE__TOKEN_MOST + 1])
{
  out[0] = '\0';
  if (authorization && grove__same_start(authorization, "Bearer ", 7)) {
    const char *token = authorization + 7;
    token += strspn(token, " ");
    take(token, strlen(token), out);
  }
}

grove_status grove__guard_make_token(char out[GROVE__TOKEN_MOST + 1])
{
  unsigned char chance[16];
  GROVE__TRY(grove__secret_bytes(chance, sizeof chance));
  for (size_t i = 0; i < sizeof chance; i++) {
    out[2 * i] = "0123456789abcdef"[chance[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[chance[i] & 15];
  }
  out[2 * sizeof chance] = '\0';
  return GROVE_OK;
}

unsigned grove__guard_silence_s(uint32_t idle_ms)
{
  enum { LEAST = 15 };
  unsigned s = idle_ms / 1000 + 2; // it is looked at each second
  return s > LEAST ? s : LEAST;
}
