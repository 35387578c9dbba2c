// An actor for attacks on its host: it lies, lingers, leaves others behind, and does what the contract allows but few do.
#ifndef GROVE_TESTS_ROGUE_H
#define GROVE_TESTS_ROGUE_H
#include <grove/isolated.h>
#include <grove/typed.h>

/// Whose encode writes a line to the log.
typedef struct chatty {
  long number;
} chatty;
extern const grove_type grove_type_of_chatty;
/// As strict as types may be.
typedef struct aligned16 {
  _Alignas(16) long number;
} aligned16;
GROVE_TYPE(aligned16)

#define ROGUE(START, METHOD)                                                                       \
  START(rogue, grove_none)                                                                         \
  METHOD(rogue, add, long, long)                                                                   \
  METHOD(rogue, leaf, long, long, GROVE_METHOD_LEAF)                                               \
  METHOD(rogue, mirror, aligned16, aligned16)                                                      \
  METHOD(rogue, length, grove_string, long)                                                        \
  METHOD(rogue, pid, grove_none, long)                                                             \
  METHOD(rogue, slow, long, long)               /* holds its thread so many ms */                  \
  METHOD(rogue, hold, grove_string, grove_none) /* shows that, and waits until it is cancelled */  \
  METHOD(rogue, chat, chatty, chatty)                                                              \
  METHOD(rogue, crash, grove_none, grove_none)                                                     \
  METHOD(rogue, feign, int, grove_none)         /* says that it has ended so, and computes */      \
  METHOD(rogue, forge, int, grove_none)         /* an answer with that status, to all */           \
  METHOD(rogue, part, grove_none, grove_none)   /* forks a child that stays, and exits */          \
  METHOD(rogue, haunt, grove_none, grove_none)  /* and some that flood the socket */               \
  METHOD(rogue, linger, grove_none, grove_none) /* lets the exit of its process wait for ever */   \
  METHOD(rogue, has_open, int, bool)
GROVE_INTERFACE(ROGUE, rogue)
extern const grove_class *const rogue_classes[];
#endif
