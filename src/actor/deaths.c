// The recent deaths: two rings, one of lives that are over, whose last words are looked up by whoever calls them later,
// and one of lives that were to start again. They are apart so that an actor that fails again and again does not push
// the others' last words out.
#include "base/alloc.h"
#include "base/options.h"
#include "actor/system.h"
#include <grove/watch.h>
#include <stdio.h>

enum { GONE = 1024, AGAIN = 256, BUCKETS = 1024, NONE = 0xffff };

typedef struct entry {
  grove__death death;
  uint64_t serial; // of all deaths: which ring's is newer
  uint16_t next;   // in its bucket
} entry;

struct grove__deaths {
  entry gone[GONE], again[AGAIN];
  uint64_t gone_count, again_count, serials;
  int64_t latest_ns;        // of all deaths
  uint16_t bucket[BUCKETS]; // of `gone`, by address: the newest entry in it
};

static uint16_t *bucket_of(grove__deaths *d, grove_ref r)
{
  return &d->bucket[(r.which * 0x9e3779b97f4a7c15u) >> 54];
}

static grove__deaths *made_locked(grove__system *y)
{
  if (!y->deaths) {
    y->deaths =
        grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), sizeof *y->deaths);
    if (y->deaths) {
      memset(y->deaths->bucket, 0xff, sizeof y->deaths->bucket);
    }
  }
  return y->deaths;
}

static void forget_locked(grove__deaths *d, uint16_t i)
{
  uint16_t *at = bucket_of(d, d->gone[i].death.ref);
  while (*at != NONE && *at != i) {
    at = &d->gone[*at].next;
  }
  if (*at == i) {
    *at = d->gone[i].next;
  }
}

grove__death *grove__death_enter(grove__system *y, grove_ref ref, int64_t now, bool again)
{
  grove__mutex_lock(&y->deaths_lock);
  grove__deaths *d = made_locked(y);
  if (!d) {
    grove__mutex_unlock(&y->deaths_lock);
    return NULL;
  }
  entry *e;
  if (again) {
    e = &d->again[d->again_count++ % AGAIN];
  } else {
    uint16_t i = (uint16_t)(d->gone_count % GONE);
    e = &d->gone[i];
    if (d->gone_count++ >= GONE) {
      forget_locked(d, i);
    }
    uint16_t *at = bucket_of(d, ref);
    e->next = *at;
    *at = i;
  }
  e->death.ref = ref;
  e->death.again = again;
  e->serial = ++d->serials;
  // Who looked at his clock first may come second, and a worker's clock may be behind another's.
  if (d->latest_ns < now) {
    d->latest_ns = now;
  }
  e->death.when_ns = d->latest_ns;
  return &e->death;
}

void grove__death_entered(grove__system *y)
{
  grove__mutex_unlock(&y->deaths_lock);
}

const char *grove__death_words(grove_status why)
{
  return why == GROVE_OK       ? " ended in an orderly way"
         : why == GROVE_ESTUCK ? " did not end in time"
                               : " was killed";
}

// A copy for who reads it: words are made when they are wanted.
static void copy(const grove__death *d, grove__death *out)
{
  *out = *d;
  if (out->error.text[0]) {
    return;
  }
  const char *name = out->name[0] ? out->name : out->label;
  snprintf(out->error.text, sizeof out->error.text, "%s%s%s%s%s", out->class_name,
      name[0] ? " \"" : "", name, name[0] ? "\"" : "", grove__death_words(out->error.status));
}

bool grove__death_find(grove__system *y, grove_ref ref, grove__death *out)
{
  bool found = false;
  grove__mutex_lock(&y->deaths_lock);
  grove__deaths *d = y->deaths;
  for (uint16_t i = d ? *bucket_of(d, ref) : NONE; i != NONE && !found; i = d->gone[i].next) {
    found = grove_ref_equal(d->gone[i].death.ref, ref);
    if (found && out) {
      copy(&d->gone[i].death, out);
    }
  }
  grove__mutex_unlock(&y->deaths_lock);
  return found;
}

// The i-th newest of a ring; NULL: there are no more.
static const entry *nth(const entry *ring, uint64_t count, uint64_t room, uint64_t i)
{
  return i < count && i < room ? &ring[(count - 1 - i) % room] : NULL;
}

bool grove__death_at(grove__system *y, uint64_t i, grove__death *out)
{
  grove__mutex_lock(&y->deaths_lock);
  const entry *e = y->deaths ? nth(y->deaths->gone, y->deaths->gone_count, GONE, i) : NULL;
  if (e && out) {
    copy(&e->death, out);
  }
  grove__mutex_unlock(&y->deaths_lock);
  return e != NULL;
}

void grove__deaths_free(const grove_allocator *a, grove__deaths *d)
{
  grove__free(a, d, sizeof *d);
}

// ---- for people ----------------------------------------------------------------------------------------

static void show(const grove__death *d, grove_death *out)
{
  *out = (grove_death){.struct_size = sizeof *out,
      .again = d->again,
      .who = d->ref,
      .parent = d->parent,
      .when_ns = d->when_ns,
      .handled = d->handled,
      .failed = d->failed,
      .error = d->error};
  _Static_assert(sizeof out->name == sizeof d->name && sizeof out->label == sizeof d->label &&
                     sizeof out->class_name == sizeof d->class_name,
      "the same texts");
  memcpy(out->class_name, d->class_name, sizeof out->class_name);
  memcpy(out->name, d->name, sizeof out->name);
  memcpy(out->label, d->label, sizeof out->label);
}

static void put(grove_death *out, size_t each, size_t i, const grove__death *d)
{
  grove__death with_words;
  grove_death full;
  copy(d, &with_words);
  show(&with_words, &full);
  grove__stats_write_row(out, each, i, sizeof full, &full);
}

static bool is_wanted(const grove__death *d, grove_ref who)
{
  return !who.where || grove_ref_equal(d->ref, who) || grove_ref_equal(d->parent, who);
}

// Both rings at once, the newer of the two next ones first.
static size_t list_locked(
    const grove__deaths *d, grove_ref who, grove_death *out, size_t each, size_t room)
{
  size_t n = 0;
  uint64_t i = 0, k = 0;
  for (;;) {
    const entry *gone = nth(d->gone, d->gone_count, GONE, i);
    const entry *again = nth(d->again, d->again_count, AGAIN, k);
    bool first = gone && (!again || gone->serial > again->serial);
    const entry *e = first ? gone : again;
    if (!e) {
      return n;
    }
    i += first;
    k += !first;
    if (is_wanted(&e->death, who)) {
      if (n < room) {
        put(out, each, n, &e->death);
      }
      n++;
    }
  }
}

grove_status grove_deaths(
    grove *g, grove_ref who, grove_death *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  grove__mutex_lock(&y->deaths_lock);
  *total = y->deaths ? list_locked(y->deaths, who, out, each, room) : 0;
  grove__mutex_unlock(&y->deaths_lock);
  return GROVE_OK;
}
