// The screen of `grove top`, where ncurses is there.
#ifndef GROVE_TOOL_TOP_COMMAND_H
#define GROVE_TOOL_TOP_COMMAND_H
#include "top_view.h"

/// Runs until it is ended by a key, a signal, or the process. Gives the exit code.
int top_run(top_view *v, bool colours);
#endif
