#include "cli_words.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void cli_words_duration(int64_t ns, char out[CLI_WORD])
{
  const int64_t s = 1000000000;
  if (ns <= 0) {
    snprintf(out, CLI_WORD, "-");
  } else if (ns < 1000) {
    snprintf(out, CLI_WORD, "%" PRId64 " ns", ns);
  } else if (ns < 1000000) {
    snprintf(out, CLI_WORD, "%.1f us", (double)ns / 1e3);
  } else if (ns < s) {
    snprintf(out, CLI_WORD, "%.1f ms", (double)ns / 1e6);
  } else if (ns < 60 * s) {
    snprintf(out, CLI_WORD, "%.1f s", (double)ns / 1e9);
  } else if (ns < 3600 * s) {
    snprintf(out, CLI_WORD, "%" PRId64 " min %" PRId64 " s", ns / s / 60, ns / s % 60);
  } else {
    snprintf(out, CLI_WORD, "%" PRId64 " h %" PRId64 " min", ns / s / 3600, ns / s / 60 % 60);
  }
}

void cli_words_bytes(int64_t n, char out[CLI_WORD])
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double x = (double)n;
  size_t i = 0;
  for (; x >= 1024 && i < sizeof units / sizeof *units - 1; i++) {
    x /= 1024;
  }
  snprintf(out, CLI_WORD, "%.*f %s", i && x < 100 ? 1 : 0, x, units[i]);
}

void cli_words_count(int64_t n, char out[CLI_WORD])
{
  double x = (double)n;
  if (n >= 1000000000) {
    snprintf(out, CLI_WORD, "%.1f G", x / 1e9);
  } else if (n >= 1000000) {
    snprintf(out, CLI_WORD, "%.1f M", x / 1e6);
  } else if (n >= 10000) {
    snprintf(out, CLI_WORD, "%.1f k", x / 1e3);
  } else {
    snprintf(out, CLI_WORD, "%" PRId64, n);
  }
}

void cli_words_share(double x, char out[CLI_WORD])
{
  if (!isfinite(x)) {
    snprintf(out, CLI_WORD, "-");
    return;
  }
  x = fmin(fmax(x, 0), 1);
  snprintf(out, CLI_WORD, "%.*f %%", x < 0.0995 ? 1 : 0, 100 * x);
}

const char *cli_words_text(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

int64_t cli_words_number(const json_t *object, const char *key)
{
  const json_t *n = json_object_get(object, key);
  double x = json_number_value(n);
  if (json_is_integer(n)) {
    return json_integer_value(n);
  }
  return x < -9e18 ? INT64_MIN : x > 9e18 ? INT64_MAX : (int64_t)x;
}

const char *cli_words_title(const json_t *actor)
{
  const char *name = cli_words_text(actor, "name"), *label = cli_words_text(actor, "label");
  return *name ? name : *label ? label : cli_words_text(actor, "class");
}

// Behind what it does, what for it waits.
static void add_wait(const json_t *actor, char out[CLI_LONG_WORD])
{
  const json_t *waits = json_object_get(actor, "waits");
  const char *text = cli_words_text(json_array_get(json_object_get(waits, "rows"), 0), "text");
  size_t used = strlen(out);
  int64_t more = cli_words_number(waits, "total") - 1;
  if (*text) {
    snprintf(out + used, CLI_LONG_WORD - used, "%swaits for %s", used ? ", " : "", text);
  }
  used = strlen(out);
  if (*text && more > 0) {
    snprintf(out + used, CLI_LONG_WORD - used, ", and %" PRId64 " more", more);
  }
}

void cli_words_doing(const json_t *actor, char out[CLI_LONG_WORD])
{
  const char *state = cli_words_text(actor, "state"), *phase = cli_words_text(actor, "phase"),
             *method = cli_words_text(actor, "method"),
             *error = cli_words_text(actor, "last_error");
  const json_t *progress = json_object_get(actor, "progress");
  bool gone = !strcmp(phase, "ended") || !strcmp(phase, "restarting");
  int64_t turn_ns = cli_words_number(actor, "turn_ns");
  char since[CLI_WORD], share[CLI_WORD] = "";
  if (json_is_number(progress) && !gone) {
    cli_words_share(json_number_value(progress), share);
    strcat(share, " ");
  }
  if (*state && !(gone && *error)) {
    snprintf(out, CLI_LONG_WORD, "%s%s", share, state);
  } else if (gone) {
    snprintf(out, CLI_LONG_WORD, "%s", error);
  } else if (*method && strcmp(phase, "idle") != 0) {
    cli_words_duration(turn_ns, since);
    snprintf(out, CLI_LONG_WORD, "%s%s%s%s", share, method, turn_ns > 1000000000 ? " for " : "",
        turn_ns > 1000000000 ? since : "");
  } else {
    snprintf(out, CLI_LONG_WORD, "%s", share);
  }
  add_wait(actor, out);
}

void cli_words_event(const json_t *event, char out[CLI_LONG_WORD])
{
  const char *kind = cli_words_text(event, "kind"), *text = cli_words_text(event, "text"),
             *method = cli_words_text(event, "method");
  int64_t value = cli_words_number(event, "value");
  char span[CLI_WORD];
  cli_words_duration(value > 0 ? value * 1000000 : 0, span);
  if (!strcmp(kind, "slow")) {
    snprintf(out, CLI_LONG_WORD, "%s holds its worker for %s", method, span);
  } else if (!strcmp(kind, "full")) {
    snprintf(out, CLI_LONG_WORD, "%" PRId64 " messages in it", value);
  } else if (!strcmp(kind, "restarted")) {
    snprintf(out, CLI_LONG_WORD, value < 0 ? "with its group" : value ? "in %s" : "at once", span);
  } else {
    bool wrong = cli_words_number(event, "status") != 0;
    snprintf(out, CLI_LONG_WORD, "%s", *text ? text : wrong ? cli_words_text(event, "status_text") : method);
  }
}

void cli_words_workers(const json_t *runtime, char out[CLI_LONG_WORD])
{
  int64_t all = cli_words_number(runtime, "workers"), busy = cli_words_number(runtime, "workers_busy");
  int64_t more = busy > all ? busy - all : 0; // for those that a method holds
  int used = snprintf(out, CLI_LONG_WORD, "%" PRId64 " of %" PRId64 " busy", busy - more, all);
  if (more) {
    snprintf(out + used, CLI_LONG_WORD - (size_t)used, " and %" PRId64 " stand-in%s", more, more > 1 ? "s" : "");
  }
}
