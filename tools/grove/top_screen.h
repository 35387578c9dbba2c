// The terminal of `grove top`: drawing a view with ncurses.
#ifndef GROVE_TOOL_TOP_SCREEN_H
#define GROVE_TOOL_TOP_SCREEN_H
#include "top_view.h"

/// What the keys are for at the moment.
typedef enum top_mode { TOP_LIST, TOP_TYPING, TOP_ASKING, TOP_ONE, TOP_HELP } top_mode;
typedef struct top_screen {
  top_mode mode;
  size_t scroll;       // of a text: its first line that is shown
  char question[200];  // TOP_ASKING
  char ask_id[TOP_ID]; // whom it is about
  bool ask_restart;    // it is to start again, else to end
} top_screen;

/// Takes the terminal. On failure reports, and gives the exit code.
int top_screen_open(bool colours);
/// Gives it back as it was; also when the program ends by exit. Twice is fine.
void top_screen_close(void);
/// How many lines of the list fit.
size_t top_screen_height(void);
void top_screen_resize(void);
void top_screen_draw(top_screen *s, top_view *v);
#endif
