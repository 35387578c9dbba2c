#include "remote/address.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/letters.h"
#include <stdio.h>
#include <string.h>

enum { MOST_BUCKET = 255 }; // old ones in us-east-1; new ones have 63

bool grove__url_is_s3(const char *url)
{
  return grove__same_start(url, "s3://", 5);
}

static bool may_name_bucket(const char *text, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    char c = text[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '.' || c == '_')) {
      return false;
    }
  }
  return n > 0 && n <= MOST_BUCKET && text[0] != '.';
}

static char *copy_bytes(const grove_allocator *a, const char *text, size_t n)
{
  char *copy = grove__alloc(a, n + 1);
  if (copy) {
    memcpy(copy, text, n);
    copy[n] = '\0';
  }
  return copy;
}

grove_status grove__address_parse(
    const grove_allocator *a, const char *url, grove__address *out, grove_error *err)
{
  static const char nobody[] = "anonymous@";
  memset(out, 0, sizeof *out);
  const char *bucket = url + 5;
  if (!strncmp(bucket, nobody, sizeof nobody - 1)) {
    out->anonymous = true;
    bucket += sizeof nobody - 1;
  }
  size_t n = strcspn(bucket, "/");
  if (!may_name_bucket(bucket, n)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "\"%.200s\": an s3 url is s3://BUCKET/KEY or s3://anonymous@BUCKET/KEY; \"%.*s\" can't be a "
        "bucket's name",
        url, (int)(n < 100 ? n : 100), bucket);
  }
  out->bucket = copy_bytes(a, bucket, n);
  out->key = grove__copy_text(a, bucket[n] ? bucket + n + 1 : "");
  if (!out->bucket || !out->key) {
    grove__address_free(a, out);
    return grove__error_memory(err, "a url", strlen(url));
  }
  return GROVE_OK;
}

void grove__address_free(const grove_allocator *a, grove__address *d)
{
  grove__free_text(a, d->bucket);
  grove__free_text(a, d->key);
  d->bucket = d->key = NULL;
}

char *grove__percent_encode(const grove_allocator *a, const char *text, bool slashes)
{
  static const char digits[] = "0123456789ABCDEF";
  size_t n = strlen(text), kept = 0;
  for (size_t i = 0; i < n; i++) {
    kept += (size_t)(strchr("-._~", text[i]) || (text[i] == '/' && !slashes) ||
                     (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                     (text[i] >= 'A' && text[i] <= 'Z'));
  }
  char *out = grove__alloc(a, kept + 3 * (n - kept) + 1);
  char *to = out;
  for (size_t i = 0; out && i < n; i++) {
    unsigned char c = (unsigned char)text[i];
    if (strchr("-._~", c) || (c == '/' && !slashes) || (c >= '0' && c <= '9') ||
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      *to++ = (char)c;
    } else {
      *to++ = '%';
      *to++ = digits[c >> 4];
      *to++ = digits[c & 15];
    }
  }
  if (out) {
    *to = '\0';
  }
  return out;
}

// Where buckets are, as a prefix of the url: the endpoint with the bucket as its first path, or as part of the host. A
// bucket with a dot in it can't be part of a host that has a certificate for one level.
static int put_base(char *out, size_t room, const grove_store_options *o, const char *bucket)
{
  const char *region = o->region ? o->region : "us-east-1";
  bool path = o->s3_addressing == GROVE_S3_PATH ||
              (o->s3_addressing == GROVE_S3_AUTO && (o->endpoint || strchr(bucket, '.')));
  if (!o->endpoint) {
    return path ? snprintf(out, room, "https://s3.%s.amazonaws.com/%s/", region, bucket)
                : snprintf(out, room, "https://%s.s3.%s.amazonaws.com/", bucket, region);
  }
  size_t n = strlen(o->endpoint);
  while (n && o->endpoint[n - 1] == '/') {
    n--;
  }
  if (path) {
    return snprintf(out, room, "%.*s/%s/", (int)n, o->endpoint, bucket);
  }
  size_t scheme = strstr(o->endpoint, "://") ? (size_t)(strstr(o->endpoint, "://") + 3 - o->endpoint) : 0;
  return snprintf(out, room, "%.*s%s.%.*s/", (int)scheme, o->endpoint, bucket, (int)(n - scheme),
      o->endpoint + scheme);
}

char *grove__address_url(const grove_allocator *a, const grove_store_options *o,
    const grove__address *d, const char *key, const char *query)
{
  char *encoded = grove__percent_encode(a, key ? key : "", false);
  if (!encoded) {
    return NULL;
  }
  int base = put_base(NULL, 0, o, d->bucket);
  size_t room = (size_t)base + strlen(encoded) + (query ? strlen(query) + 1 : 0) + 1;
  char *url = grove__alloc(a, room);
  if (url) {
    (void)put_base(url, room, o, d->bucket);
    snprintf(url + base, room - (size_t)base, "%s%s%s", encoded, query ? "?" : "", query ? query : "");
  }
  grove__free_text(a, encoded);
  return url;
}
