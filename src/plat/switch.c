#include "plat/switch.h"
#include <stdint.h>
#include <string.h>

#if defined(GROVE__SWITCH_ASM)

// switch_asm.S
extern void *grove__switch_registers(void **save, void *to, void *pass);
extern void grove__switch_enter(void);

// What grove__switch_registers finds on a stack that nobody has run on yet.
#if defined(__x86_64__)
typedef struct first_frame {
  uint32_t mxcsr;
  uint16_t x87;
  uint16_t pad;
  uint64_t r15, r14, r13, r12, rbx, rbp, rip;
  uint64_t none[2]; // the return address of grove__switch_enter: nothing
} first_frame;
_Static_assert(sizeof(first_frame) == 80, "switch_asm.S pops exactly this");

static void fill_frame(first_frame *f, void (*entry)(void *user, void *passed), void *user)
{
  __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(f->mxcsr), "=m"(f->x87));
  f->r12 = (uint64_t)(uintptr_t)entry;
  f->rbx = (uint64_t)(uintptr_t)user;
  f->rip = (uint64_t)(uintptr_t)grove__switch_enter;
}
#else
typedef struct first_frame {
  uint64_t x19, x20, x21_to_x28[8], x29, x30, d8_to_d15[8], fpcr, pad;
  uint64_t none[2];
} first_frame;
_Static_assert(sizeof(first_frame) == 192, "switch_asm.S pops exactly this");

static void fill_frame(first_frame *f, void (*entry)(void *user, void *passed), void *user)
{
  __asm__ volatile("mrs %0, fpcr" : "=r"(f->fpcr));
  f->x19 = (uint64_t)(uintptr_t)user;
  f->x20 = (uint64_t)(uintptr_t)entry;
  f->x30 = (uint64_t)(uintptr_t)grove__switch_enter;
}
#endif

void grove__context_make(
    grove__context *c, void *low, void *high, void (*entry)(void *user, void *passed), void *user)
{
  (void)low;
  uintptr_t top = (uintptr_t)high & ~(uintptr_t)15;
  first_frame *f = (first_frame *)(void *)((char *)high - ((uintptr_t)high - top) - sizeof(*f));
  memset(f, 0, sizeof(*f));
  fill_frame(f, entry, user);
  c->sp = f;
}

void *grove__context_switch(grove__context *from, grove__context *to, void *pass)
{
  return grove__switch_registers(&from->sp, to->sp, pass);
}

#else

// makecontext passes ints only: the pointer comes in two halves.
static void enter(unsigned high, unsigned low)
{
  grove__context *c = (grove__context *)(uintptr_t)((uint64_t)high << 32 | low);
  c->entry(c->user, c->passed);
}

void grove__context_make(
    grove__context *c, void *low, void *high, void (*entry)(void *user, void *passed), void *user)
{
  uint64_t self = (uint64_t)(uintptr_t)c;
  memset(c, 0, sizeof(*c));
  c->entry = entry;
  c->user = user;
  (void)getcontext(&c->registers);
  c->registers.uc_stack.ss_sp = low;
  c->registers.uc_stack.ss_size = (size_t)((char *)high - (char *)low);
  c->registers.uc_link = NULL;
  makecontext(&c->registers, (void (*)(void))enter, 2, (unsigned)(self >> 32), (unsigned)self);
}

void *grove__context_switch(grove__context *from, grove__context *to, void *pass)
{
  to->passed = pass;
  (void)swapcontext(&from->registers, &to->registers);
  return from->passed;
}

#endif
