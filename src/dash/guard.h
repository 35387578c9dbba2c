// Who may ask: Host, Origin and the token. Nothing here knows a connection, so that each rule is tested by itself.
#ifndef GROVE_DASH_GUARD_H
#define GROVE_DASH_GUARD_H
#include "base/status.h"

enum { GROVE__TOKEN_LEAST = 16, GROVE__TOKEN_MOST = 128 };

/// Whether a Host header is one that a browser could not be led to by somebody else's name (DNS rebinding): localhost,
/// an address in numbers, or one of `hosts` (NULL-ended; may be NULL). NULL: none was sent.
bool grove__guard_host(const char *host, const char *const *hosts);
/// Whether an Origin header (NULL: none was sent) is the page's own: http or https, and just the Host.
bool grove__guard_origin(const char *origin, const char *host);
/// Sec-Fetch-Site, which a page can't forge: absent (no browser, or an old one), "same-origin" or "none".
bool grove__guard_site(const char *site);
/// In a time that depends on neither text.
bool grove__guard_same(const char *a, const char *b);
/// Whether a token has a good length and only good characters.
bool grove__guard_is_token(const char *token);
/// The cookie's value in a Cookie header, or the token of an Authorization header; "" if there is none.
void grove__guard_cookie(const char *cookies, const char *name, char out[GROVE__TOKEN_MOST + 1]);
void grove__guard_bearer(const char *authorization, char out[GROVE__TOKEN_MOST + 1]);
/// 128 bits by the system's chance, in hexadecimal. Returns: GROVE_EIO: it gives none
grove_status grove__guard_make_token(char out[GROVE__TOKEN_MOST + 1]);
/// For how many seconds the library lets a connection be silent: no shorter than who serves here would, or that would decide.
unsigned grove__guard_silence_s(uint32_t idle_ms);
#endif
