// store_server DIR LOG: files of a folder for tests of the command, by http and as the buckets of an s3 that lists
// nothing. Says its port on standard output and runs until it is ended. Of each request a line goes to LOG: the method,
// the target, the key and the region of its signature ("-": not signed), the session's token. What
// has "/hang" in its path is never answered; a session whose token is "over" has expired.
#include "web.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct shop {
  const char *dir, *log;
} shop;

static void note(const shop *s, const web_request *r)
{
  char line[600], key[100] = "-", region[100] = "-", token[100] = "-";
  if (web_header(r, "Authorization", line, sizeof line)) {
    (void)sscanf(line, "AWS4-HMAC-SHA256 Credential=%99[^/]/%*[^/]/%99[^/]", key, region);
  }
  (void)web_header(r, "x-amz-security-token", token, sizeof token);
  int n = snprintf(line, sizeof line, "%s %s %s %s %s\n", r->method, r->target, key, region, token);
  FILE *f = fopen(s->log, "a");
  if (f) {
    (void)fwrite(line, 1, (size_t)n, f);
    fclose(f);
  }
}

static void serve(void *user, web_peer *p, const web_request *r)
{
  static const char none[] = "<Error><Code>NoSuchKey</Code><Message>There is no such key</Message></Error>";
  const shop *s = user;
  char path[4096];
  const char *name = strrchr(r->path, '/');
  note(s, r);
  snprintf(path, sizeof path, "%s%s", s->dir, name ? name : "/");
  if (strstr(r->path, "/hang")) {
    web_hold(p);
    return;
  }
  char token[100];
  if (web_header(r, "x-amz-security-token", token, sizeof token) && !strcmp(token, "over")) {
    web_say_text(p, "400 Bad Request", NULL, "<Error><Code>ExpiredToken</Code><Message>It has expired</Message></Error>");
    return;
  }
  if (strstr(r->query, "list-type=2")) { // as if all were there: the key is the prefix
    char key[300], answer[800];
    const char *prefix = strstr(r->query, "prefix=");
    snprintf(key, sizeof key, "%s", prefix ? prefix + 7 : "");
    for (char *slash; (slash = strstr(key, "%2F")) != NULL;) {
      *slash = '/';
      memmove(slash + 1, slash + 3, strlen(slash + 3) + 1);
    }
    snprintf(answer, sizeof answer,
        "<ListBucketResult><Contents><Key>%s</Key><Size>1</Size></Contents></ListBucketResult>", key);
    web_say_text(p, "200 OK", NULL, answer);
    return;
  }
  FILE *f = fopen(path, "rb");
  char *bytes = f ? malloc(8 << 20) : NULL;
  size_t n = bytes ? fread(bytes, 1, 8 << 20, f) : 0;
  if (f) {
    fclose(f);
  }
  if (bytes) {
    web_say_object(p, r, "ETag: \"1\"\r\n", bytes, n);
  } else {
    web_say_text(p, "404 Not Found", NULL, none);
  }
  free(bytes);
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: store_server DIR LOG\n");
    return 2;
  }
  shop s = {argv[1], argv[2]};
  web *w = web_start(serve, &s);
  printf("%d\n", web_port(w));
  fflush(stdout);
  for (;;) {
    pause();
  }
}
