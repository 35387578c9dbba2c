// An actor for tests of isolation: it does, when asked, what ends a process.
#ifndef GROVE_TESTS_INMATE_H
#define GROVE_TESTS_INMATE_H
#include <grove/isolated.h>
#include <grove/pool.h>
#include <grove/typed.h>

/// How an inmate starts: well; fails; never returns from its start.
enum { INMATE_STARTS, INMATE_FAILS, INMATE_HANGS };
#define INMATE(START, METHOD)                                                                      \
  START(inmate, int)                                                                               \
  METHOD(inmate, add, long, long) /* to a sum, which it gives */                                   \
  METHOD(inmate, twice, grove_string, grove_string)                                                \
  METHOD(inmate, fill, long, grove_string) /* so many letters */                                   \
  METHOD(inmate, pid, grove_none, long)                                                            \
  METHOD(inmate, raise, int, grove_none)                                                           \
  METHOD(inmate, leave, int, grove_none)         /* exit(code) */                                  \
  METHOD(inmate, let_go, grove_none, grove_none) /* closes its end of the socket, and computes */  \
  METHOD(inmate, babble, grove_none, grove_none) /* writes to the runtime what is no frame */      \
  METHOD(inmate, refuse, grove_none, grove_none) /* grove_fail */                                  \
  METHOD(inmate, crash, grove_none, grove_none)                                                    \
  METHOD(inmate, quit, grove_none, grove_none)                                                     \
  METHOD(inmate, yield_for_ever, grove_none, long) /* until it is cancelled */                     \
  METHOD(inmate, canceled, grove_none, long)       /* how many of those were */                    \
  METHOD(inmate, compute_for_ever, grove_none, grove_none)                                         \
  METHOD(inmate, show, grove_string, grove_none) /* as its state, until a show of another */       \
  METHOD(inmate, say, grove_string, grove_none)  /* as a line of the log */                        \
  METHOD(inmate, has_open, int, bool)            /* whether it has that descriptor */              \
  METHOD(inmate, reserve, long, bool) /* whether it gets so many bytes of address space */
GROVE_INTERFACE(INMATE, inmate)
/// One whose method takes what can't cross.
typedef struct tied {
  void *pointer;
} tied;
#define SETTLED(START, METHOD) START(settled, int) METHOD(settled, keep, tied, grove_none)
extern const grove_type grove_type_of_tied;
GROVE_INTERFACE(SETTLED, settled)
/// For main: the classes of this program that may live apart.
extern const grove_class *const inmate_classes[];
#endif
