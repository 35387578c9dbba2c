// Runs a command and writes the most memory that it had, in bytes. usage: peak FILE COMMAND [ARGUMENT ...]
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr, "usage: peak FILE COMMAND [ARGUMENT ...]\n");
    return 2;
  }
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
  FILE *f = fopen(argv[1], "w");
  if (!f || fprintf(f, "%.0f\n", (double)r.ru_maxrss * 1024) < 0 || fclose(f)) {
    perror(argv[1]);
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
