// Live progress on standard error: on a terminal the tree of actors, redrawn in place; else plain lines.
#ifndef GROVE_TOOL_CLI_PROGRESS_H
#define GROVE_TOOL_CLI_PROGRESS_H
#include <grove/watch.h>

typedef struct cli_progress cli_progress;
/// AUTO: drawn on a terminal, else lines. BAR: drawn wherever it goes.
typedef enum cli_progress_mode { CLI_PROGRESS_AUTO, CLI_PROGRESS_BAR, CLI_PROGRESS_LINES, CLI_PROGRESS_NONE } cli_progress_mode;
#define CLI_PROGRESS_OPTION                                                                                            \
  {                                                                                                                    \
    "progress", "MODE", "bar, lines or none; default auto: a bar where\nstandard error is a terminal, else lines", 0, false \
  }
/// The value of such an option. On failure reports and gives false.
bool cli_progress_read(const char *text, cli_progress_mode *out);
/// NONE: nothing at all is shown. `plain_actors`: where it is not drawn, a line when an actor's state changes; those
/// with a label only.
cli_progress *cli_progress_create(grove *g, cli_progress_mode mode, bool plain_actors);
/// Call it some ten times a second. `under`: whose descendants (and itself) are shown. `headline`: a first line.
void cli_progress_show(cli_progress *p, grove_ref under, const char *headline);
/// How much is done, of 1, as a bar of characters and a per cent. 100 bytes are enough.
void cli_progress_bar(double done, char *out, size_t room);
/// Whether the tree is being drawn, so that plain lines would spoil it.
bool cli_progress_drawn(const cli_progress *p);
/// Takes the tree off the screen.
void cli_progress_destroy(cli_progress *p);
#endif
