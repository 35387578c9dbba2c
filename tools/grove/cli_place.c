#include "cli_place.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void cli_place(char out[CLI_PLACE_ROOM])
{
  const char *base = getenv("XDG_RUNTIME_DIR");
  if (base && *base == '/') { // the specification says that others are to be passed over
    snprintf(out, CLI_PLACE_ROOM, "%.400s/grove/", base);
  } else {
    snprintf(out, CLI_PLACE_ROOM, "/tmp/grove-%lu/", (unsigned long)geteuid());
  }
}
