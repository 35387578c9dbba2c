#include "cli_store.h"
#include "cli_process.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if CLI_REMOTE
#include <grove/remote.h>

// What was found for one store. The texts live until the store has copied them.
struct findings {
  char *key, *secret, *token, *region, *endpoint, *ca_file;
  int64_t end;   // of the keys; 0: not known
  bool own;      // the keys are of the environment, which stays as it is
  char *process; // of the profile: what gives keys
  char *foreign; // of the profile: the first setting by which keys are got in a way that we don't know
};

// Whether anything of s3 was asked for: else nobody's keys are looked for.
static bool s3_asked = true;

// ---- profiles -------------------------------------------------------------------------------------

static char *trim(char *text)
{
  while (isspace((unsigned char)*text)) {
    text++;
  }
  char *end = text + strlen(text);
  while (end > text && isspace((unsigned char)end[-1])) {
    *--end = '\0';
  }
  return text;
}

// Whether "[profile NAME]" or "[NAME]" is the section of `profile`. In the config file only default stands alone, but
// nobody is hurt by a NAME that does.
static bool is_section(char *line, const char *profile)
{
  char *end = strchr(line, ']');
  if (*line != '[' || !end) {
    return false;
  }
  *end = '\0';
  char *name = trim(line + 1);
  if (!strncmp(name, "profile", 7) && isspace((unsigned char)name[7])) {
    name = trim(name + 8);
  }
  return !strcmp(name, profile);
}

static void take_value(char **to, const char *value)
{
  if (!*to && *value) {
    *to = cli_format("%s", value);
  }
}

static void take_line(struct findings *f, char *line)
{
  char *equals = strchr(line, '=');
  if (!equals || *line == '#' || *line == ';') {
    return;
  }
  *equals = '\0';
  const char *name = trim(line), *value = trim(equals + 1);
  const struct {
    const char *name;
    char **to;
  } known[] = {{"aws_access_key_id", &f->key}, {"aws_secret_access_key", &f->secret},
      {"aws_session_token", &f->token}, {"region", &f->region}, {"endpoint_url", &f->endpoint},
      {"ca_bundle", &f->ca_file}, {"credential_process", &f->process}};
  static const char *const foreign[] = {
      "sso_session", "sso_start_url", "sso_account_id", "role_arn", "web_identity_token_file", "credential_source", "login_session"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strcmp(name, known[i].name)) {
      take_value(known[i].to, value);
    }
  }
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    if (!strcmp(name, foreign[i])) {
      take_value(&f->foreign, name);
    }
  }
}

// Whether the file has the profile.
static bool read_profile(struct findings *f, const char *path, const char *profile)
{
  FILE *in = fopen(path, "r");
  char line[4096];
  bool inside = false, found = false;
  while (in && fgets(line, sizeof line, in)) {
    char *text = trim(line);
    if (*text == '[') {
      inside = is_section(text, profile);
      found = found || inside;
    } else if (inside && !isspace((unsigned char)line[0])) { // an indented line belongs to a setting of another kind
      take_line(f, text);
    }
  }
  if (in) {
    fclose(in);
  }
  return found;
}

static bool read_profile_at(
    struct findings *f, const char *variable, const char *at_home, const char *profile)
{
  const char *path = getenv(variable), *home = getenv("HOME");
  if (path && *path) {
    return read_profile(f, path, profile);
  }
  char *own = cli_format("%s/.aws/%s", home ? home : "", at_home);
  bool found = home && read_profile(f, own, profile);
  free(own);
  return found;
}

// ---- the environment ------------------------------------------------------------------------------

static const char *first_of(const char *const *names)
{
  for (; *names; names++) {
    const char *value = getenv(*names);
    if (value && *value) {
      return value;
    }
  }
  return NULL;
}

static void take_environment(char **to, const char *first, const char *second)
{
  const char *const names[] = {first, second, NULL};
  const char *value = first_of(names);
  if (value) {
    take_value(to, value);
  }
}

// Keys go together: one of the environment and another of a file would be nobody's.
static bool find(struct findings *f, const cli_store_wish *w)
{
  take_value(&f->region, w->region ? w->region : "");
  take_value(&f->endpoint, w->endpoint ? w->endpoint : "");
  if (!w->profile) {
    take_environment(&f->key, "AWS_ACCESS_KEY_ID", NULL);
    take_environment(&f->secret, "AWS_SECRET_ACCESS_KEY", NULL);
    take_environment(&f->token, "AWS_SESSION_TOKEN", NULL);
  }
  take_environment(&f->region, "AWS_REGION", "AWS_DEFAULT_REGION");
  take_environment(&f->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  take_environment(&f->ca_file, "AWS_CA_BUNDLE", "SSL_CERT_FILE");
  const char *named = w->profile ? w->profile : getenv("AWS_PROFILE");
  named = named && *named ? named : NULL;
  struct findings of_profile = {0};
  const char *profile = named ? named : "default";
  bool found = read_profile_at(&of_profile, "AWS_SHARED_CREDENTIALS_FILE", "credentials", profile);
  found = read_profile_at(&of_profile, "AWS_CONFIG_FILE", "config", profile) || found;
  bool keys = f->key || f->secret;
  f->own = keys;
  char **const mine[] = {&f->key, &f->secret, &f->token, &f->process, &f->foreign, &f->region, &f->endpoint, &f->ca_file};
  char *const theirs[] = {of_profile.key, of_profile.secret, of_profile.token, of_profile.process, of_profile.foreign,
      of_profile.region, of_profile.endpoint, of_profile.ca_file};
  for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
    if (!*mine[i] && !(keys && i < 5)) {
      *mine[i] = theirs[i];
    } else {
      free(theirs[i]);
    }
  }
  return found || !named;
}

static void free_findings(struct findings *f)
{
  free(f->key);
  free(f->secret);
  free(f->token);
  free(f->region);
  free(f->endpoint);
  free(f->ca_file);
  free(f->process);
  free(f->foreign);
}

// Keys that the profile does not have itself.
static grove_status find_keys(struct findings *f, const char *profile, uint64_t limit_ms, grove_error *err)
{
  cli_process_keys got;
  if (f->key || f->secret || !s3_asked) {
    return GROVE_OK;
  }
  if (f->process) {
    grove_status s = cli_process_ask(f->process, profile, limit_ms ? limit_ms : CLI_PROCESS_MS, &got, err);
    f->key = got.key;
    f->secret = got.secret;
    f->token = got.token;
    f->end = got.end;
    return s;
  }
  if (f->foreign) {
    err->status = GROVE_ENOTSUP;
    snprintf(err->text, sizeof err->text,
        "profile \"%.60s\" gets its keys by %.30s, which is left to the aws program: log in with it, and take a profile with "
        "the line \"credential_process = aws configure export-credentials --profile %.60s\" (or put what that gives with "
        "--format env into the environment)",
        profile, f->foreign, profile);
    return GROVE_ENOTSUP;
  }
  return GROVE_OK;
}

static const char *name_profile(const cli_store_wish *w)
{
  const char *named = w->profile ? w->profile : getenv("AWS_PROFILE");
  return named && *named ? named : "default";
}

// ---- keys that end --------------------------------------------------------------------------------

// Who gives a store new keys: the same files and programs as before, asked again. As stores may do so as long as they are open, it is
// kept to the end of the program.
typedef struct keeper {
  cli_store_wish wish;
  struct findings f; // what the store had last
  struct keeper *next;
} keeper;

static keeper *keepers;

static bool is_same(const char *a, const char *b)
{
  return a && b ? !strcmp(a, b) : a == b;
}

static grove_status renew(void *user, grove_store_keys *out, grove_error *err)
{
  keeper *k = user;
  struct findings f = {0};
  const char *profile = name_profile(&k->wish);
  (void)find(&f, &k->wish);
  grove_status s = find_keys(&f, profile, k->wish.keys_ms, err);
  if (!s && !f.process && is_same(f.key, k->f.key) && is_same(f.secret, k->f.secret) && is_same(f.token, k->f.token)) {
    s = err->status = GROVE_EIO;
    snprintf(err->text, sizeof err->text,
        "profile \"%.60s\" has the same keys as before: log in anew, or name a credential_process, which is asked for new ones", profile);
  }
  if (s) {
    free_findings(&f);
    return s;
  }
  free_findings(&k->f);
  k->f = f;
  *out = (grove_store_keys){sizeof *out, f.key, f.secret, f.token, f.end};
  return GROVE_OK;
}

// NULL: keys of the environment, and none, stay as they are.
static keeper *keep(const cli_store_wish *w, const struct findings *f)
{
  if (f->own || !f->key) {
    return NULL;
  }
  keeper *k = cli_alloc(1, sizeof *k);
  *k = (keeper){.wish = *w, .next = keepers};
  const char *const from[] = {f->key, f->secret, f->token};
  char **const to[] = {&k->f.key, &k->f.secret, &k->f.token};
  for (size_t i = 0; i < 3; i++) {
    *to[i] = from[i] ? cli_format("%s", from[i]) : NULL;
  }
  keepers = k;
  return k;
}

// ---- opening --------------------------------------------------------------------------------------

static const char *find_proxy(void)
{
  // HTTP_PROXY in capitals is what a web server makes of a header "Proxy": nobody should listen to it.
  static const char *const names[] = {
      "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", NULL};
  return first_of(names);
}

static grove_status open_remote(const cli_store_wish *w, grove_store **out, grove_error *err)
{
  static const char *const no_proxy[] = {"no_proxy", "NO_PROXY", NULL};
  struct findings f = {0};
  if (!find(&f, w) && s3_asked) {
    free_findings(&f);
    err->status = GROVE_ENOENT;
    snprintf(err->text, sizeof err->text,
        "no profile \"%.100s\" in the files of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and "
        "AWS_CONFIG_FILE (~/.aws/config)",
        name_profile(w));
    return GROVE_ENOENT;
  }
  grove_status s = find_keys(&f, name_profile(w), w->keys_ms, err);
  if (s) {
    free_findings(&f);
    return s;
  }
  keeper *k = keep(w, &f);
  grove_store_options o = {.struct_size = sizeof o,
      .renew = k ? renew : NULL,
      .renew_user = k,
      .keys_end = f.end,
      .schemes = grove_remote_schemes(),
      .key = f.key,
      .secret = f.secret,
      .token = f.token,
      .region = f.region,
      .endpoint = f.endpoint,
      .ca_file = f.ca_file,
      .proxy = find_proxy(),
      .no_proxy = first_of(no_proxy),
      .connections = (uint32_t)w->connections,
      .retries = (uint32_t)w->retries,
      .timeout_ms = (uint32_t)w->timeout_ms,
      .request_ms = (uint32_t)w->request_ms,
      .file_ms = (uint32_t)w->file_ms};
  s = grove_store_open(&o, out, err);
  free_findings(&f);
  return s;
}

void cli_store_look(int argc, char **argv)
{
  s3_asked = false;
  for (int i = 1; i < argc; i++) {
    for (const char *at = strstr(argv[i], "s3://"); at; at = strstr(at + 1, "s3://")) {
      s3_asked = s3_asked || strncmp(at, "s3://anonymous@", strlen("s3://anonymous@")) != 0; // which wants no keys
    }
  }
}
#else
void cli_store_look(int argc, char **argv)
{
  (void)argc, (void)argv;
}

static grove_status open_remote(const cli_store_wish *w, grove_store **out, grove_error *err)
{
  (void)w;
  return grove_store_open(NULL, out, err);
}
#endif

grove_status cli_store_open(const cli_store_wish *w, grove_store **out, grove_error *err)
{
  static const cli_store_wish none;
  return open_remote(w ? w : &none, out, err);
}
