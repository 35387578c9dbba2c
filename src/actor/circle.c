// A circle of waits, in words.
#include "actor/future.h"
#include <stdio.h>

static int say_step(const grove__activation *a, const char *before, char *out, size_t room)
{
  char title[112] = "the offloaded function";
  if (a->cell) {
    grove__mutex_lock(&a->cell->lock);
    grove__cell_title(a->cell, title, sizeof title);
    grove__mutex_unlock(&a->cell->lock);
  }
  return snprintf(out, room, "%s%s%s%s", before, title, a->cell ? " in " : " ", a->method->name);
}

// "waits in a circle: a in x waits for b in y, which waits for the first"
void grove__circle_describe(const grove__activation *self, char *out, size_t room)
{
  enum { NAMED = 5 };
  size_t n = 0, used = (size_t)say_step(self, "waits in a circle: ", out, room);
  for (const grove__activation *a = self; used < room; a = a->graph_to, n++) {
    const char *verb = a->waits_room.where ? "waits for room with" : "waits for";
    bool closes = a->graph_to == self;
    if (n < NAMED || closes) {
      const char *which = n > NAMED ? " which" : n ? ", which" : "";
      used += (size_t)snprintf(out + used, room - used, "%s %s", which, verb);
    }
    if (closes) {
      used +=
          used < room ? (size_t)snprintf(out + used, room - used, n ? " the first" : " itself") : 0;
      return;
    }
    if (n < NAMED && used < room) {
      used += (size_t)say_step(a->graph_to, " ", out + used, room - used);
    } else if (n == NAMED && used < room) {
      used += (size_t)snprintf(out + used, room - used, ", and so on, the last of");
    }
  }
}
