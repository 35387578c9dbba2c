// The list of shards: what the names on the command line stand for.
#ifndef SHARDS_H
#define SHARDS_H
#include <grove/store.h>

typedef struct shards {
  char **path;
  size_t n, room;
} shards;

/// Adds what `name` lists: a file, the files of a folder, those of a glob. A name that lists nothing is added as it
/// is: whoever reads it says what is wrong with it.
grove_status shards_add(shards *s, grove_store *store, const char *name);
void shards_free(shards *s);
#endif
