// Runs a fuzz entry on each file given, without libFuzzer: for inputs that once failed, and for any
// compiler.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int run_file(const char *path)
{
  FILE *f = fopen(path, "rb");
  uint8_t *data = NULL;
  size_t n = 0;
  if (!f) {
    perror(path);
    return 1;
  }
  for (;;) {
    uint8_t *more = realloc(data, n + 65536);
    if (!more) {
      free(data);
      fclose(f);
      fprintf(stderr, "%s: no memory\n", path);
      return 1;
    }
    data = more;
    size_t got = fread(data + n, 1, 65536, f);
    n += got;
    if (!got) {
      break;
    }
  }
  fclose(f);
  // An exact block, so that a sanitizer sees one byte too far.
  uint8_t *exact = realloc(data, n ? n : 1);
  if (exact) {
    data = exact;
  }
  LLVMFuzzerTestOneInput(data, n);
  free(data);
  return 0;
}

int main(int argc, char **argv)
{
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    failed |= run_file(argv[i]);
  }
  printf("%d inputs\n", argc - 1);
  return failed;
}
