// A value in a JSON document, by its path: "actors.rows.0.class".
#ifndef GROVE_TESTS_JSON_AT_H
#define GROVE_TESTS_JSON_AT_H
#include "check.h"
#include <jansson.h>

/// It must be there.
GROVE_MAYBE_UNUSED static json_t *json_at(json_t *d, const char *path)
{
  char part[64];
  while (*path) {
    size_t n = strcspn(path, ".");
    snprintf(part, sizeof part, "%.*s", (int)n, path);
    d = json_is_array(d) ? json_array_get(d, strtoul(part, NULL, 10)) : json_object_get(d, part);
    if (!d) {
      print_error("no %s\n", part);
      fail();
    }
    path += n + (path[n] == '.');
  }
  return d;
}
#endif
