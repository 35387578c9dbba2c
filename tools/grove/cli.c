#include "cli.h"
#include "base/suggest.h"
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

cli_voice cli_said = {"grove", false};

// ---- errors ---------------------------------------------------------------------------------------

static void put_json_error(int code, const char *status, const char *text)
{
  json_t *o = json_pack("{s:i, s:{s:s, s:i, s:s, s:s}}", "schema", 1, "error", "command",
      cli_said.command, "exit", code, "status", status, "message", text);
  char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
  fprintf(stderr, "%s\n", line ? line : "{\"schema\":1,\"error\":{\"message\":\"not printable\"}}");
  free(line);
  json_decref(o);
}

char *cli_shown_url(const char *url)
{
  if (strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8)) {
    return cli_format("%s", url);
  }
  const char *start = strstr(url, "://") + 3, *at = start;
  size_t host = strcspn(start, "/?#");
  for (const char *p = start; p < start + host; p++) {
    at = *p == '@' ? p + 1 : at;
  }
  return cli_format("%.*s%.*s", (int)(start - url), url, (int)strcspn(at, "?#"), at);
}

void cli_clean_text(char *text)
{
  for (unsigned char *p = (unsigned char *)text; *p;) {
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : 4;
    size_t good = *p >= 0x20 && *p != 0x7f && *p < 0xf5 && (*p < 0x80 || *p >= 0xc2);
    for (size_t i = 1; good && i < n; i++) {
      good = (p[i] & 0xc0) == 0x80;
    }
    good = good && !(*p == 0xc2 && p[1] < 0xa0); // a control character, of the second table
    json_t *probe =
        good ? json_stringn((const char *)p, n) : NULL; // finds surrogates and long forms too
    if (!probe) {
      *p = '?';
      n = 1;
    }
    json_decref(probe);
    p += n;
  }
}

static int fail_text(int code, const char *status, char *text)
{
  cli_clean_text(text);
  if (cli_said.json) {
    put_json_error(code, status, text);
  } else {
    fprintf(stderr, "%s: error: %s\n", cli_said.command, text);
  }
  return code;
}

int cli_fail(int code, const char *format, ...)
{
  char text[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fail_text(code, code == EXIT_USAGE ? "usage" : "failed", text);
}

int cli_exit_code(grove_status s)
{
  switch (s) {
  case GROVE_OK: return EXIT_GOOD;
  case GROVE_ENOENT:
  case GROVE_EEXIST: // of what is written, as EIO
  case GROVE_EIO: return EXIT_INPUT;
  case GROVE_EINVAL:
  case GROVE_ECORRUPT:
  case GROVE_ENOTSUP: return EXIT_DATA;
  case GROVE_ELIMIT:
  case GROVE_ETIMEDOUT:
  case GROVE_EEXPIRED: return EXIT_LIMIT;
  default: return EXIT_RUN;
  }
}

const char *cli_plain_words(const char *text)
{
  static const char *const ours[] = {"grove_trainer.work: ", "grove_predictor.predict: "};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
    if (!strncmp(text, ours[i], strlen(ours[i]))) {
      return text + strlen(ours[i]);
    }
  }
  return text;
}

int cli_fail_with(grove_status s, const grove_error *err)
{
  char text[512];
  const char *words = err && err->text[0] ? cli_plain_words(err->text) : grove_status_text(s);
  snprintf(text, sizeof text, "%s", words);
  return fail_text(cli_exit_code(s), grove_status_text(s), text);
}

void cli_note(const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  cli_clean_text(text);
  fprintf(stderr, "%s: %s\n", cli_said.command, text);
}

// ---- options --------------------------------------------------------------------------------------

enum { MOST_OPTIONS = 32 };

static const char *option_at(const void *user, size_t i)
{
  const cli_option *o = user;
  for (size_t k = 0; o[k].name; k++) {
    if (!o[k].hidden && i-- == 0) {
      return o[k].name;
    }
  }
  return NULL;
}

static int fail_unknown(const cli_walk *w, const char *word)
{
  char name[80];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
  const char *bare = name + strspn(name, "-");
  const char *near = *bare ? grove__suggest(bare, option_at, w->c->options) : NULL;
  (void)cli_fail(EXIT_USAGE, "unknown option \"%s\"%s%s%s \"%s --help\" lists them", name,
      near ? "; did you mean \"--" : ";", near ? near : "", near ? "\"?" : "", cli_said.command);
  return -2;
}

static void fill_options(const cli_command *c, struct option *longs, char *shorts)
{
  size_t n = 0;
  *shorts++ = ':'; // a missing value is told apart from an unknown option
  for (; c->options[n].name && n < MOST_OPTIONS; n++) {
    const cli_option *o = &c->options[n];
    longs[n] =
        (struct option){o->name, o->argument ? required_argument : no_argument, NULL, 256 + (int)n};
    if (o->letter) {
      *shorts++ = (char)o->letter;
      if (o->argument) {
        *shorts++ = ':';
      }
    }
  }
  longs[n] = (struct option){NULL, 0, NULL, 0};
  *shorts = '\0';
}

static int find_letter(const cli_command *c, int letter)
{
  for (int i = 0; c->options[i].name; i++) {
    if (c->options[i].letter == letter) {
      return i;
    }
  }
  return -1;
}

int cli_next(cli_walk *w)
{
  struct option longs[MOST_OPTIONS + 1];
  char shorts[2 * MOST_OPTIONS + 3];
  fill_options(w->c, longs, shorts);
  opterr = 0;
  int got = getopt_long(w->argc, w->argv, shorts, longs, NULL);
  w->value = optarg;
  w->first = optind;
  if (got == -1) {
    return -1;
  }
  const char *word = w->argv[optind > 0 ? optind - 1 : 0];
  if (got == '?') {
    return fail_unknown(w, optopt && optopt < 256 && word[0] == '-' && word[1] != '-'
                               ? (char[]){'-', (char)optopt, '\0'}
                               : word);
  }
  if (got == ':') {
    (void)cli_fail(EXIT_USAGE, "option \"%s\" needs a value", word);
    return -2;
  }
  return got >= 256 ? got - 256 : find_letter(w->c, got);
}

static void put_lines(const char *text, int indent)
{
  while (*text) {
    size_t n = strcspn(text, "\n");
    printf("%.*s\n", (int)n, text);
    text += n + (text[n] == '\n');
    if (*text) {
      printf("%*s", indent, "");
    }
  }
}

void cli_print_help(const cli_command *c)
{
  printf("Usage: grove %s [options]%s%s\n\n%s\n\nOptions:\n", c->name, *c->arguments ? " " : "",
      c->arguments, c->summary);
  for (const cli_option *o = c->options; o->name; o++) {
    char left[64];
    if (o->hidden) {
      continue;
    }
    char letter[8] = "    ";
    if (o->letter) {
      snprintf(letter, sizeof letter, "-%c, ", o->letter);
    }
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->argument ? " " : "",
        o->argument ? o->argument : "");
    if (strlen(left) < 32) {
      printf("%-32s", left);
    } else {
      printf("%s\n%32s", left, ""); // too long for its column: a line of its own
    }
    put_lines(o->help, 32);
  }
  if (c->examples && *c->examples) {
    printf("\nExamples:\n%s", c->examples);
  }
  if (c->more_help) {
    c->more_help();
  }
  printf("\nExit codes: 0 good, 1 failed, 2 usage, 3 some models or shards failed, 4 input not "
         "found or\n"
         "unreadable, 5 input damaged or not fit, 6 over a limit or timed out, 130 interrupted.\n"
         "Environment: NO_COLOR and TERM; for running processes GROVE_AT and GROVE_TOKEN; for\n"
         "servers the AWS_ and proxy variables (grove man).\n"
         "Results go to standard output, all else to standard error.\n");
}

bool cli_parse_count(
    const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || v < low || v > high) {
    (void)cli_fail(EXIT_USAGE, "--%s is \"%.60s\"; a whole number from %llu to %llu is wanted",
        option, text, (unsigned long long)low, (unsigned long long)high);
    return false;
  }
  *out = v;
  return true;
}

bool cli_parse_fraction(const char *option, const char *text, double *out)
{
  char *end;
  double v = strtod(text, &end);
  if (end == text || *end || !(v > 0 && v < 1)) {
    (void)cli_fail(
        EXIT_USAGE, "--%s is \"%.60s\"; a number between 0 and 1 is wanted", option, text);
    return false;
  }
  *out = v;
  return true;
}

// ---- memory ---------------------------------------------------------------------------------------

void *cli_grow(void *p, size_t n, size_t each)
{
  void *grown = n <= SIZE_MAX / each ? realloc(p, n ? n * each : 1) : NULL;
  if (!grown) {
    exit(cli_fail(EXIT_RUN, "out of memory (%zu times %zu bytes)", n, each));
  }
  return grown;
}

void *cli_alloc(size_t n, size_t each)
{
  void *p = cli_grow(NULL, n, each);
  memset(p, 0, n * each);
  return p;
}

char *cli_format(const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) {
    exit(cli_fail(EXIT_RUN, "out of memory for a text"));
  }
  return text;
}

// getrusage would count what the process was before exec, too: a large parent that forked would be seen in us.
// The kernel's own mark belongs to this program alone.
uint64_t cli_peak_bytes(void)
{
  char line[256];
  unsigned long long kib = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && !kib && fgets(line, sizeof line, f)) {
    (void)!sscanf(line, "VmHWM: %llu kB", &kib);
  }
  if (f) {
    fclose(f);
  }
  struct rusage used;
  if (!kib && !getrusage(RUSAGE_SELF, &used)) {
    kib = (unsigned long long)used.ru_maxrss;
  }
  return (uint64_t)kib * 1024;
}

void cli_format_double(double v, char *out)
{
  if (isnan(v)) {
    strcpy(out, "NaN");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, v);
    if (isinf(v) || strtod(out, NULL) == v) {
      return;
    }
  }
}

// ---- signals --------------------------------------------------------------------------------------

static volatile sig_atomic_t caught;

// The first is for the main loop to see; whoever asks twice does not want to wait.
static void remember(int number)
{
  if (caught) {
    _exit(128 + number);
  }
  caught = number;
}

void cli_catch_signals(void)
{
  struct sigaction a = {.sa_handler = remember};
  sigemptyset(&a.sa_mask);
  sigaction(SIGINT, &a, NULL);
  sigaction(SIGTERM, &a, NULL);
}

int cli_interrupted(void)
{
  return caught ? 128 + caught : 0;
}
