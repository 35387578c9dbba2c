#include "actor/why.h"
#include "actor/budget.h"
#include "actor/cell.h"
#include <stdio.h>

// The second word of an address or a handle that carries a failure: the status, why, and, if a name was in the way, the
// slot of its holder and the end of its life's number. The highest bit is a future's (GROVE__GIVEN).
enum { WHY_AT = 8, SLOT_AT = 16, LIFE_AT = 48, LIFE_MASK = 0x7fff };

static const char *const texts[GROVE__WHYS] = {
    [GROVE__WHY_CLASS] = "its class is not usable: struct_size, name, start_arg and state_bytes are "
                         "wanted, `strategy` and `full` have known values",
    [GROVE__WHY_CLASS_LATER] =
        "its class is of a later version, and sets what this one does not know",
    [GROVE__WHY_ARGUMENT] =
        "it was spawned without a start argument: where there is none, give &GROVE_NONE",
    [GROVE__WHY_OPTIONS] = "its spawn options have no struct_size: begin them with GROVE_SPAWN",
    [GROVE__WHY_OPTIONS_LATER] =
        "its spawn options are of a later version, and set what this one does not know",
    [GROVE__WHY_RESTART] = "`restart` of its spawn options is none of GROVE_TEMPORARY, "
                           "GROVE_TRANSIENT and GROVE_PERMANENT",
    [GROVE__WHY_STANDS_FOR] =
        "it was to stand for another class, and its own class has no `receive`",
    [GROVE__WHY_NAME_EMPTY] = "its name was empty: leave it NULL, or name it",
    [GROVE__WHY_NAME_WANTED] = "grove_spawn_or_find wants a name in the spawn options",
    [GROVE__WHY_THREADS] = "a thread for it could not be started: the system's limit of threads, "
                           "or its memory, is used up",
    [GROVE__WHY_PARENT] = "the parent in its spawn options was no actor, or had ended",
    [GROVE__WHY_PARENT_ENDING] = "its parent was to end",
    [GROVE__WHY_SPAWNER] = "who spawned it was to end",
    [GROVE__WHY_NOT_FOUND] = "nobody had the name when it was looked for: spawn it before, or use "
                             "grove_spawn_or_find",
    [GROVE__WHY_PROBE] = "grove_probe_spawn wants a simulated runtime, a class, and spawn options "
                         "of this version",
    [GROVE__WHY_CROSSING] = "it was to live in a process of its own, and its class lists no methods, or one of its "
                            "types can't cross (the log names it)",
    [GROVE__WHY_HOME] = "this process was started for an isolated actor: its main is to call "
                        "grove_isolated_main first, and no other one is started from it",
};

static uint64_t carry(grove_status s, const grove__refusal *r)
{
  uint64_t status = s < 0 && s >= -255 ? (uint64_t)(-(int64_t)s) : -(int64_t)GROVE_EINTERNAL;
  uint64_t code = status | (uint64_t)r->why << WHY_AT;
  if (r->holder.where) {
    code |= (r->holder.where & UINT32_MAX) << SLOT_AT | (r->holder.which & LIFE_MASK) << LIFE_AT;
  }
  return code;
}

// It has no runtime.
grove_ref grove__ref_failed(grove_status s, const grove__refusal *r)
{
  return (grove_ref){0, carry(s, r)};
}

grove_future grove__future_failed(grove_status s, uint32_t why)
{
  return (grove_future){UINT32_MAX, carry(s, &(grove__refusal){why, {0, 0}})};
}

grove_status grove__why_status(uint64_t carried)
{
  uint8_t status = (uint8_t)carried;
  return status ? (grove_status)(-(int)status) : GROVE_EINVAL; // zero: nothing of ours
}

// A life whose number ends so, if it lasts.
static void holder_title(
    grove__system *y, uint64_t slot, uint64_t life_end, char *out, size_t room)
{
  grove__cell *c = grove__slab_at(&y->cells, (uint32_t)slot);
  snprintf(out, room, "one that has ended since");
  // ORDER acquire, PAIRS grove__mailbox_show: an address may be made up, and the slot never have been used.
  if (c && grove__cell_life_now(c)) {
    grove__mutex_lock(&c->lock);
    uint64_t life = grove__cell_life_locked(c);
    if (life && (life & LIFE_MASK) == life_end) {
      grove__cell_title(c, out, room);
    }
    grove__mutex_unlock(&c->lock);
  }
}

static void say(grove__system *y, grove_status s, uint32_t why, const char *holder, char *out,
    size_t room)
{
  const char *plain = why < GROVE__WHYS ? texts[why] : NULL;
  switch (why) {
  case GROVE__WHY_NAME:
    snprintf(out, room, "its name was taken, by %s: use another, or grove_spawn_or_find", holder);
    break;
  case GROVE__WHY_NAME_CLASS:
    snprintf(out, room, "its name was taken, by one of another class, %s: use another", holder);
    break;
  case GROVE__WHY_ACTORS:
    snprintf(out, room, "max_actors (%u) lived already: raise it, or let some end before",
        (unsigned)y->options.max_actors);
    break;
  case GROVE__WHY_OUTSIDE:
    snprintf(out, room,
        "max_outside (%u) futures of outside threads are unspent: get or drop them, or raise it; "
        "there was no room for more words",
        (unsigned)y->options.max_outside);
    break;
  case GROVE__WHY_MEMORY: grove__memory_words(y, s, out, room); break;
  default: snprintf(out, room, "%s", plain ? plain : grove_status_text(s));
  }
}

void grove__why_words(grove__system *y, uint64_t carried, char *out, size_t room)
{
  char holder[112];
  holder_title(y, carried >> SLOT_AT & UINT32_MAX, carried >> LIFE_AT & LIFE_MASK, holder,
      sizeof holder);
  say(y, grove__why_status(carried), (uint8_t)(carried >> WHY_AT), holder, out, room);
}

void grove__refusal_words(
    grove__system *y, grove_status s, const grove__refusal *r, char *out, size_t room)
{
  grove__why_words(y, carry(s, r), out, room);
}
