// grove-generate FOLDER [SEED]: writes made-up files with the names and columns of the real data, for machines that
// can't fetch it.
#include "generate.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/// Makes the folder and those above it.
static int make_folder(const char *path)
{
  char part[4096];
  size_t i = 0;
  for (; path[i] && i + 1 < sizeof(part); i++) {
    part[i] = path[i];
    part[i + 1] = '\0';
    if (i && (path[i + 1] == '/' || !path[i + 1]) && mkdir(part, 0777) && errno != EEXIST) {
      perror(part);
      return 1;
    }
  }
  if (path[i]) {
    fprintf(stderr, "grove-generate: the folder's name is too long\n");
    return 1;
  }
  return 0;
}

int main(int argc, char **argv)
{
  char taxi[4096];
  char *end = NULL;
  uint64_t seed = argc > 2 ? strtoull(argv[2], &end, 10) : 1;
  if (argc < 2 || argc > 3 || argv[1][0] == '-' || !argv[1][0] ||
      (end && (*end || end == argv[2]))) {
    fprintf(stderr, "usage: grove-generate FOLDER [SEED]\n"
                    "Writes made-up california_housing.csv and taxi/green_tripdata_*.parquet into "
                    "the folder.\n");
    return 2;
  }
  int n = snprintf(taxi, sizeof(taxi), "%s/taxi", argv[1]);
  if (n < 0 || (size_t)n >= sizeof(taxi)) {
    fprintf(stderr, "grove-generate: the folder's name is too long\n");
    return 2;
  }
  if (make_folder(taxi) || make_housing(argv[1], seed) || make_taxi(argv[1], seed)) {
    return 1;
  }
  printf("made up: %s/california_housing.csv and seven months of taxi trips\n", argv[1]);
  return 0;
}
