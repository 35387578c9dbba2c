// sizes LIST: the public structs are as large as the checked-in list says. A struct that grows at its end is a new
// line in the list and fine for older callers (struct_size); any other change breaks them.
// sizes --print: the list as it is now.
#include "headers.inc"
#include <stdio.h>
#include <string.h>

#define SIZE(type)                                                                                 \
  {                                                                                                \
#type, sizeof(type)                                                                            \
  }
static const struct {
  const char *name;
  size_t bytes;
} sizes[] = {
#include "sizes.inc"
};

static int check_line(const char *line, size_t *found)
{
  char name[128];
  size_t want;
  if (sscanf(line, "%127s %zu", name, &want) != 2) {
    printf("a line that is not NAME BYTES: %s", line);
    return 1;
  }
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    if (strcmp(sizes[i].name, name) == 0) {
      ++*found;
      if (sizes[i].bytes != want) {
        printf("%s is %zu bytes, the list says %zu\n", name, sizes[i].bytes, want);
        return 1;
      }
      return 0;
    }
  }
  printf("%s is in the list and in no header\n", name);
  return 1;
}

int main(int argc, char **argv)
{
  size_t count = sizeof(sizes) / sizeof(sizes[0]);
  if (argc == 2 && strcmp(argv[1], "--print") == 0) {
    for (size_t i = 0; i < count; i++) {
      printf("%s %zu\n", sizes[i].name, sizes[i].bytes);
    }
    return 0;
  }
  if (sizeof(void *) != 8 || sizeof(long) != 8) {
    printf("the list is for 64-bit systems: skipped\n");
    return 77;
  }
  FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
  if (!list) {
    printf("usage: sizes LIST | --print\n");
    return 2;
  }
  char line[256];
  size_t found = 0;
  int bad = 0;
  while (fgets(line, sizeof(line), list)) {
    bad += check_line(line, &found);
  }
  fclose(list);
  if (found != count) {
    printf("%zu structs are measured, %zu are in the list\n", count, found);
    bad++;
  }
  return bad ? 1 : 0;
}
