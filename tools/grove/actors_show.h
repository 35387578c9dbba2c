// One actor in lines of text, for `grove actors show` and the page of `grove top`.
#ifndef GROVE_TOOL_ACTORS_SHOW_H
#define GROVE_TOOL_ACTORS_SHOW_H
#include <jansson.h>
#include <stddef.h>

typedef struct actors_text {
  char **line;
  size_t count, room;
} actors_text;
/// The lines of an actor's document, its texts cleaned; to be dropped.
void actors_text_of(const json_t *document, actors_text *out);
void actors_text_drop(actors_text *t);
#endif
