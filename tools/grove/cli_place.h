// Where sockets of this user's processes are, for `grove top` and the like to find them.
#ifndef GROVE_TOOL_CLI_PLACE_H
#define GROVE_TOOL_CLI_PLACE_H
#include <stddef.h>

enum { CLI_PLACE_ROOM = 512 };
/// "$XDG_RUNTIME_DIR/grove/"; where that is not set, "/tmp/grove-UID/".
void cli_place(char out[CLI_PLACE_ROOM]);
#endif
