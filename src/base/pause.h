// A moment's rest for a thread that looks again and again at what another one is about to write.
#ifndef GROVE_BASE_PAUSE_H
#define GROVE_BASE_PAUSE_H

static inline void grove__pause(void)
{
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
#endif
