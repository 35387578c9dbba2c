#include "shards.h"
#include <stdlib.h>
#include <string.h>

static grove_status add(void *user, const char *path, uint64_t bytes)
{
  shards *s = user;
  (void)bytes;
  if (s->n == s->room) {
    size_t room = s->room ? s->room * 2 : 16;
    char **grown = realloc(s->path, room * sizeof *grown);
    if (!grown) {
      return GROVE_ENOMEM;
    }
    s->path = grown;
    s->room = room;
  }
  char *copy = malloc(strlen(path) + 1);
  if (!copy) {
    return GROVE_ENOMEM;
  }
  s->path[s->n++] = strcpy(copy, path);
  return GROVE_OK;
}

grove_status shards_add(shards *s, grove_store *store, const char *name)
{
  grove_status status = grove_store_list(store, name, add, s, NULL);
  return status && status != GROVE_ENOMEM ? add(s, name, 0) : status;
}

void shards_free(shards *s)
{
  for (size_t i = 0; i < s->n; i++) {
    free(s->path[i]);
  }
  free(s->path);
}
