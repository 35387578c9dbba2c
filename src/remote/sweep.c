#include "remote/sweep.h"
#include "base/alloc.h"
#include "base/status.h"
#include "remote/listing.h"
#include <stdio.h>

enum { MOST_PAGE = 16 << 20, MOST_PAGES = 1000 };

typedef struct sweep {
  grove__client *client;
  const grove__address *address;
  const grove_allocator *a;
  char *key, *id; // of the page that follows; NULL: none
} sweep;

static grove_status ask(sweep *s, const char *method, const char *key, const char *query, grove__exchange *x)
{
  char *url = grove__address_url(s->a, grove__client_options(s->client), s->address, key, query);
  if (!url) {
    return GROVE_ENOMEM;
  }
  grove__exchange_init(x);
  x->ask.method = method;
  x->ask.url = url;
  x->ask.most = MOST_PAGE;
  x->ask.sign = !s->address->anonymous;
  grove_status status = grove__client_run(s->client, x, NULL);
  grove__free_text(s->a, url);
  return status;
}

static void give_up(sweep *s, const char *key, const char *id)
{
  char *encoded = grove__percent_encode(s->a, id, true);
  grove__exchange *x = grove__alloc_zero(s->a, sizeof *x);
  size_t room = encoded ? strlen(encoded) + 16 : 0;
  char *query = encoded ? grove__alloc(s->a, room) : NULL;
  if (x && query) {
    snprintf(query, room, "uploadId=%s", encoded);
    grove_status ignored = ask(s, "DELETE", key, query, x);
    (void)ignored; // it may have ended meanwhile
    grove__exchange_clear(s->client, x);
  }
  grove__free(s->a, x, sizeof *x);
  grove__free(s->a, query, room);
  grove__free_text(s->a, encoded);
}

static grove_status take_upload(void *user, const char *key, const char *id)
{
  sweep *s = user;
  if (!strcmp(key, s->address->key)) { // not of another that begins like it
    give_up(s, key, id);
  }
  return GROVE_OK;
}

// The queries stand in the order of their names, for the signature.
static char *page_query(const sweep *s)
{
  char *p = grove__percent_encode(s->a, s->address->key, true);
  char *k = s->key ? grove__percent_encode(s->a, s->key, true) : NULL;
  char *i = s->id ? grove__percent_encode(s->a, s->id, true) : NULL;
  size_t room = (p ? strlen(p) : 0) + (k ? strlen(k) : 0) + (i ? strlen(i) : 0) + 128;
  char *out = p && (k || !s->key) && (i || !s->id) ? grove__alloc(s->a, room) : NULL, *query = NULL;
  if (out) {
    snprintf(out, room, "encoding-type=url%s%s&prefix=%s%s%s&uploads=", k ? "&key-marker=" : "", k ? k : "", p,
        k && i ? "&upload-id-marker=" : "", k && i ? i : "");
    query = grove__copy_text(s->a, out);
  }
  grove__free(s->a, out, room);
  grove__free_text(s->a, p);
  grove__free_text(s->a, k);
  grove__free_text(s->a, i);
  return query;
}

// Whether another page follows.
static bool sweep_page(sweep *s)
{
  grove__listing_page page = {.upload = take_upload, .user = s};
  grove__exchange *x = grove__alloc_zero(s->a, sizeof *x);
  char *query = x ? page_query(s) : NULL;
  bool good = query && !ask(s, "GET", NULL, query, x) && x->body &&
              !grove__listing_parse(s->a, x->body, x->bytes, &page, NULL);
  if (x) {
    grove__exchange_clear(s->client, x);
  }
  grove__free(s->a, x, sizeof *x);
  grove__free_text(s->a, query);
  grove__free_text(s->a, s->key);
  grove__free_text(s->a, s->id);
  s->key = page.next;
  s->id = page.next_id;
  return good && s->key;
}

void grove__s3_sweep(grove__client *c, const grove__address *d)
{
  sweep s = {.client = c, .address = d, .a = grove__client_allocator(c)};
  for (int i = 0; i < MOST_PAGES && sweep_page(&s); i++) {
  }
  grove__free_text(s.a, s.key);
  grove__free_text(s.a, s.id);
}
