#include "model/parameters.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/letters.h"
#include "base/status.h"
#include "base/suggest.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t grove__parameters_count(const grove_parameter_info *table)
{
  size_t n = 0;
  while (table && table[n].name) {
    n++;
  }
  return n;
}

// The next blank-separated word from *at on; its length, 0 at the end.
static size_t next_word(const char **at)
{
  *at += strspn(*at, " ");
  return strcspn(*at, " ");
}

bool grove__names_have(const char *words, const char *name)
{
  size_t want = strlen(name), n;
  for (const char *at = words; at && (n = next_word(&at)) > 0; at += n) {
    if (n == want && memcmp(at, name, n) == 0) {
      return true;
    }
  }
  return false;
}

// Looks `text` up among "none=0 sqrt=-1".
static bool word_value(const char *words, const char *text, double *out)
{
  size_t want = strlen(text), n;
  for (const char *at = words; at && (n = next_word(&at)) > 0; at += n) {
    if (n > want + 1 && at[want] == '=' && memcmp(at, text, want) == 0) {
      *out = strtod(at + want + 1, NULL);
      return true;
    }
  }
  return false;
}

// ", or none, sqrt" for "none=0 sqrt=-1". Words that are numbers themselves are for those who know them.
static void list_words(const char *list, char *out, size_t room)
{
  size_t n, used = 0;
  for (const char *at = list; at && (n = next_word(&at)) > 0; at += n) {
    int name = (int)strcspn(at, "=");
    if (grove__is_letter(*at) && used < room) {
      used += (size_t)snprintf(out + used, room - used, "%s%.*s", used ? ", " : ", or ", name, at);
    }
  }
}

static grove_status refuse(
    const grove_parameter_info *info, const char *key, const char *text, grove_error *err)
{
  char range[80], words[120] = "";
  list_words(info->words, words, sizeof words);
  const char *kind = info->whole ? "a whole number" : "a number";
  if (info->high >= HUGE_VAL) {
    snprintf(range, sizeof range, "%s of %.15g or more", kind, info->low);
  } else {
    snprintf(range, sizeof range, "%s from %.15g to %.15g", kind, info->low, info->high);
  }
  return grove__error(err, GROVE_EINVAL, -1, "%s=%.40s: must be %s%s", key, text, range, words);
}

grove_status grove__parameter_read(const grove_parameter_info *info, const char *key,
    const char *text, double *out, grove_error *err)
{
  char *end;
  if (word_value(info->words, text, out)) {
    return GROVE_OK;
  }
  double v = strtod(text, &end);
  if (end == text || *end || !isfinite(v) || v < info->low || v > info->high ||
      (info->whole && v != floor(v))) {
    return refuse(info, key, text, err);
  }
  *out = v + 0.0; // no minus zero: the same value is the same text
  return GROVE_OK;
}

static const char *parameter_name_at(const void *user, size_t i)
{
  return ((const grove_parameter_info *)user)[i].name;
}

static const char *parameter_aliases_at(const void *user, size_t i)
{
  return ((const grove_parameter_info *)user)[i].aliases;
}

static const grove_parameter_info *find_info(const grove_parameter_info *table, const char *key)
{
  for (const grove_parameter_info *p = table; p && p->name; p++) {
    if (strcmp(p->name, key) == 0) {
      return p;
    }
  }
  for (const grove_parameter_info *p = table; p && p->name; p++) {
    if (grove__names_have(p->aliases, key)) {
      return p;
    }
  }
  return NULL;
}

// Adds "; KEY is ignored: BY is given".
static grove_status add_note(
    const grove_allocator *a, char **notes, const char *key, const char *by)
{
  size_t old = *notes ? strlen(*notes) : 0, more = strlen(key) + strlen(by) + 32;
  char *text = grove__realloc(a, *notes, old + 1, old + more);
  if (!text) {
    return GROVE_ENOMEM;
  }
  int n = snprintf(text + old, more, "%s%s is ignored: %s is given", old ? "; " : "", key, by);
  // The text is freed by its length, so the block must be of just that length.
  char *fit = grove__realloc(a, text, old + more, old + (size_t)n + 1);
  *notes = fit ? fit : text;
  return fit ? GROVE_OK : GROVE_ENOMEM;
}

// The pair that counts for this entry: its own name, the last one given; else the first alias given.
static const grove_parameter *choose(const grove_parameter_info *info, const grove_parameter *given)
{
  const grove_parameter *best = NULL;
  for (const grove_parameter *g = given; g && g->name; g++) {
    if (strcmp(g->name, info->name) == 0) {
      best = g;
    }
  }
  for (const grove_parameter *g = given; !best && g && g->name; g++) {
    best = grove__names_have(info->aliases, g->name) ? g : NULL;
  }
  return best;
}

static grove_status note_ignored(const grove_parameter_info *table, const grove_parameter *given,
    const grove_allocator *a, char **notes)
{
  for (const grove_parameter *g = given; g && g->name; g++) {
    const grove_parameter *used = choose(find_info(table, g->name), given);
    if (used != g) {
      GROVE__TRY(add_note(a, notes, g->name, used->name));
    }
  }
  return GROVE_OK;
}

static grove_status check_names(
    const grove_learner *learner, const grove_parameter *given, grove_error *err)
{
  char kind[96];
  for (const grove_parameter *g = given; g && g->name; g++) {
    if (!g->value) {
      return grove__error(
          err, GROVE_EINVAL, -1, "parameter %s of %s has no value", g->name, learner->name);
    }
    if (!find_info(learner->parameters, g->name)) {
      static const grove_parameter_info none[1];
      snprintf(kind, sizeof kind, "parameter of %.60s", learner->name);
      return grove__error_unknown_of(err, GROVE_ENOENT, kind, g->name, parameter_name_at,
          parameter_aliases_at, learner->parameters ? learner->parameters : none);
    }
  }
  return GROVE_OK;
}

grove_status grove__parameters_read(const grove_learner *learner, const grove_parameter *given,
    const grove_allocator *a, double *values, char **notes, grove_error *err)
{
  char key[160];
  *notes = NULL;
  GROVE__TRY(check_names(learner, given, err));
  for (const grove_parameter_info *p = learner->parameters; p && p->name; p++) {
    const grove_parameter *g = choose(p, given);
    snprintf(key, sizeof key, "%.60s.%.60s", learner->name, g ? g->name : p->name);
    GROVE__TRY(grove__parameter_read(
        p, key, g ? g->value : p->standard, &values[p - learner->parameters], err));
  }
  if (note_ignored(learner->parameters, given, a, notes)) {
    grove__free_text(a, *notes);
    *notes = NULL;
    return grove__error_memory(err, "notes on parameters", 0);
  }
  return GROVE_OK;
}

// The word of a value, if it has one: "none" says more than 0.
static bool value_word(const char *words, double value, char *out, size_t room)
{
  size_t n;
  for (const char *at = words; at && (n = next_word(&at)) > 0; at += n) {
    size_t name = strcspn(at, "=");
    if (name < n && name < room && strtod(at + name + 1, NULL) == value) {
      memcpy(out, at, name);
      out[name] = 0;
      return true;
    }
  }
  return false;
}

size_t grove__parameters_text(
    const grove_parameter_info *table, const double *values, char *out, size_t room)
{
  size_t used = 0;
  char value[64];
  if (room) {
    out[0] = 0;
  }
  for (size_t i = 0; table && table[i].name; i++) {
    if (!value_word(table[i].words, values[i], value, sizeof value)) {
      snprintf(value, sizeof value, "%.12g", values[i]);
      if (strtod(value, NULL) != values[i]) {
        snprintf(value, sizeof value, "%.17g", values[i]);
      }
    }
    int n = snprintf(used < room ? out + used : NULL, used < room ? room - used : 0, "%s%s=%s",
        i ? " " : "", table[i].name, value);
    used += n > 0 ? (size_t)n : 0;
  }
  return used;
}
