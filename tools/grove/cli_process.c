#include "cli_process.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MOST_ANSWER = 64 * 1024 };

static grove_status fail(grove_error *err, grove_status s, const char *profile, const char *what)
{
  err->status = s;
  snprintf(err->text, sizeof err->text, "profile \"%.100s\": credential_process %s", profile, what);
  return s;
}

static char *copy_member(const json_t *o, const char *name)
{
  const char *text = json_string_value(json_object_get(o, name));
  return text && *text ? cli_format("%s", text) : NULL;
}

static grove_status take(const char *answer, size_t n, const char *profile, cli_process_keys *out, grove_error *err)
{
  json_t *o = json_loadb(answer, n, 0, NULL);
  if (!json_is_object(o)) {
    json_decref(o);
    return fail(err, GROVE_ECORRUPT, profile, "gave no JSON object on its standard output");
  }
  bool known = json_integer_value(json_object_get(o, "Version")) == 1;
  if (known) {
    *out = (cli_process_keys){
        copy_member(o, "AccessKeyId"), copy_member(o, "SecretAccessKey"), copy_member(o, "SessionToken")};
  }
  json_decref(o);
  return !known                   ? fail(err, GROVE_ECORRUPT, profile, "gave an answer whose Version is not 1")
         : out->key && out->secret ? GROVE_OK
                                   : fail(err, GROVE_ECORRUPT, profile, "gave no AccessKeyId and SecretAccessKey");
}

// Keys need not stay in freed memory. Volatile, for a memset before a free is left out by compilers; and explicit_bzero is not
// everywhere.
static void forget(volatile char *p, size_t n)
{
  while (n--) {
    *p++ = 0;
  }
}

grove_status cli_process_ask(const char *command, const char *profile, cli_process_keys *out, grove_error *err)
{
  char what[80];
  *out = (cli_process_keys){NULL, NULL, NULL};
  FILE *in = popen(command, "r");
  if (!in) {
    return fail(err, GROVE_EIO, profile, "can't be run");
  }
  char *answer = cli_alloc(MOST_ANSWER, 1);
  size_t n = fread(answer, 1, MOST_ANSWER, in);
  int code = pclose(in);
  grove_status s;
  if (code == -1 || !WIFEXITED(code) || WEXITSTATUS(code)) {
    snprintf(what, sizeof what, code != -1 && WIFEXITED(code) ? "failed: it ended with exit code %d" : "failed",
        code != -1 && WIFEXITED(code) ? WEXITSTATUS(code) : 0);
    s = fail(err, GROVE_EIO, profile, what);
  } else {
    s = n < MOST_ANSWER ? take(answer, n, profile, out, err)
                        : fail(err, GROVE_ECORRUPT, profile, "gave an answer that is too long");
  }
  forget(answer, n);
  free(answer);
  if (s) {
    free(out->key);
    free(out->secret);
    free(out->token);
    *out = (cli_process_keys){NULL, NULL, NULL};
  }
  return s;
}
