// What the programs of this folder share. Each is one question: PROGRAM [WORKERS [COUNT]] does its work once, at shipped
// defaults but for the number of workers (2 unless given, as the peers run), and prints `grove BENCHMARK METRIC VALUE UNIT`.
#ifndef GROVE_BENCH_ACTORS_MEASURE_H
#define GROVE_BENCH_ACTORS_MEASURE_H
#include <grove.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

GROVE_INLINE double seconds_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// The process's memory, in bytes; 0 where the system does not tell.
GROVE_INLINE double resident_bytes(void)
{
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) {
    if (fscanf(f, "%*s %ld", &pages) != 1) {
      pages = 0;
    }
    fclose(f);
  }
  return 4096.0 * (double)pages;
}

GROVE_INLINE void report(const char *benchmark, const char *metric, double value, const char *unit)
{
  printf("grove %s %s %.9g %s\n", benchmark, metric, value, unit);
}

/// A count from the command line, or what there is without.
GROVE_INLINE long count_of(int argc, char **argv, int at, long otherwise)
{
  long n = argc > at ? strtol(argv[at], NULL, 10) : 0;
  return n > 0 ? n : otherwise;
}

/// A runtime of so many workers; ends the program if there is none.
GROVE_INLINE grove *runtime_of(int argc, char **argv)
{
  grove_options o = {GROVE_OPTIONS, .workers = (uint32_t)count_of(argc, argv, 1, 2)};
  grove *g;
  if (grove_start(&o, &g)) {
    fprintf(stderr, "no runtime\n");
    exit(1);
  }
  return g;
}

/// The program's exit code: 0 if all went well and the runtime stopped.
GROVE_INLINE int finish(grove *g, grove_status s, const grove_error *err)
{
  if (s) {
    fprintf(stderr, "%s: %s\n", grove_status_text(s), err ? err->text : "");
  }
  return grove_stop(g, 30000, NULL) || s;
}
#endif
