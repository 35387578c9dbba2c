// Runs a command and writes the most memory that it had, in bytes. usage: peak [-c] FILE COMMAND [ARGUMENT ...]
// -c: behind it the processor's seconds and the wall's, of all of the command from its first instruction on.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  bool cpu = argc > 1 && strcmp(argv[1], "-c") == 0;
  argc -= cpu;
  argv += cpu;
  if (argc < 3) {
    fprintf(stderr, "usage: peak [-c] FILE COMMAND [ARGUMENT ...]\n");
    return 2;
  }
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status = 1;
  struct rusage r = {.ru_maxrss = 0};
  if (child < 0 || wait4(child, &status, 0, &r) < 0) {
    perror("peak");
    return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  double wall = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
  FILE *f = fopen(argv[1], "w");
  double seconds = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
                   1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
  if (!f || fprintf(f, "%.0f", (double)r.ru_maxrss * 1024) < 0 ||
      (cpu && fprintf(f, " %.6f %.6f", seconds, wall) < 0) || fputc('\n', f) == EOF || fclose(f)) {
    perror(argv[1]);
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
