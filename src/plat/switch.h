// The bare switch between two stacks: registers only. Stacks, guards and sanitizers are stack.h's.
#ifndef GROVE_PLAT_SWITCH_H
#define GROVE_PLAT_SWITCH_H

#if !defined(GROVE_STACK_UCONTEXT) && defined(__ELF__) &&                                          \
    ((defined(__x86_64__) && !defined(__ILP32__)) ||                                               \
        (defined(__aarch64__) && !defined(__AARCH64EB__)))
#define GROVE__SWITCH_ASM 1
#endif

#if !defined(__ASSEMBLER__) // switch_asm.S asks for the line above
#if defined(GROVE__SWITCH_ASM)
/// Where it stands: its registers lie on its stack, from here upwards.
typedef struct grove__context {
  void *sp;
} grove__context;
#else
#include <ucontext.h>
typedef struct grove__context {
  ucontext_t registers;
  void *passed;
  void (*entry)(void *user, void *passed);
  void *user;
} grove__context;
#endif

/// Makes *c ready to run entry(user, passed) on [low, high) when it is first switched to. Floating point control
/// (rounding, traps) is the caller's. entry must not return.
void grove__context_make(
    grove__context *c, void *low, void *high, void (*entry)(void *user, void *passed), void *user);
/// Goes from *from to *to and hands `pass` over there. Returns what was passed by whoever comes back.
void *grove__context_switch(grove__context *from, grove__context *to, void *pass);
#endif
#endif
