// The bare switch on another processor, under an emulator: no libuv and no cmocka there, so plain C. It says what is wrong
// and ends with 1, or ends with 0.
#include "plat/switch.h"
#include <fenv.h>
#include <stdint.h>
#include <stdio.h>

enum { STACK = 64 * 1024, FIBERS = 3, ROUNDS = 1000 };
static _Alignas(16) char stack[FIBERS][STACK];
static grove__context home, fiber[FIBERS];
static int wrong;

static void expect(int good, const char *what)
{
  if (!good) {
    printf("wrong: %s\n", what);
    wrong = 1;
  }
}

// Keeps more values alive over a switch than there are registers of either kind.
static uint64_t hold(grove__context *from, grove__context *to, uint64_t base)
{
  volatile uint64_t v = base;
  volatile double d = (double)base;
  uint64_t a = v + 1, b = v + 2, c = v + 3, e = v + 4, f = v + 5, g = v + 6, h = v + 7, i = v + 8;
  uint64_t j = v + 9, k = v + 10, l = v + 11, m = v + 12;
  double p = d + 1, q = d + 2, r = d + 3, s = d + 4, w = d + 5, x = d + 6, y = d + 7, z = d + 8;
  if (from) {
    void *back = grove__context_switch(from, to, (void *)(uintptr_t)(base + 1));
    expect((uintptr_t)back == base + 2, "what is passed comes over, both ways");
  }
  double floats = p + 2 * q + 3 * r + 5 * s + 7 * w + 11 * x + 13 * y + 17 * z;
  return a + 2 * b + 3 * c + 5 * e + 7 * f + 11 * g + 13 * h + 17 * i + 19 * j + 23 * k + 29 * l +
         31 * m + (uint64_t)floats;
}

static void run(void *user, void *passed)
{
  grove__context *self = user;
  expect(((uintptr_t)__builtin_frame_address(0) & 15) == 0, "the stack is aligned");
  expect(fegetround() == FE_UPWARD, "floating point control is the maker's");
  (void)fesetround(FE_DOWNWARD);
  for (;;) {
    uintptr_t base = (uintptr_t)passed - 1;
    // Comes back with the next round's value: what is held here has lived through the whole round.
    volatile uint64_t before = hold(NULL, NULL, base);
    passed = grove__context_switch(self, &home, (void *)(base + 2));
    expect(hold(NULL, NULL, base) == before, "a fiber's values");
    expect(fegetround() == FE_DOWNWARD, "floating point control stays with the fiber");
  }
}

int main(void)
{
  (void)fesetround(FE_UPWARD);
  for (int i = 0; i < FIBERS; i++) {
    grove__context_make(&fiber[i], stack[i], stack[i] + STACK, run, &fiber[i]);
  }
  (void)fesetround(FE_TONEAREST);
  for (uint64_t i = 0; i < ROUNDS; i++) {
    expect(hold(&home, &fiber[i % FIBERS], 1000 * i) == hold(NULL, NULL, 1000 * i), "the registers");
    expect(fegetround() == FE_TONEAREST, "floating point control comes back");
  }
  return wrong;
}
