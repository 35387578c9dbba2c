// Reads a CSV into a table, as bench/csv.sh asks; or makes one.
// usage: csv make KIND FILE     KIND: taxi (texts, times, money), integers, doubles (17 digits), texts (quoted)
//        csv FILE               prints: seconds bytes
#include <grove/columnar.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ROWS = 300000 };

static uint64_t state = 1;

static uint64_t below(uint64_t n)
{
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

static void put_time(FILE *f)
{
  fprintf(f, "2023-01-%02d %02d:%02d:%02d,", (int)below(31) + 1, (int)below(24), (int)below(60),
      (int)below(60));
}

static void put_row(FILE *f, const char *kind, int row)
{
  if (strcmp(kind, "taxi") == 0) {
    fprintf(f, "%d,", (int)below(2) + 1);
    put_time(f);
    put_time(f);
    fprintf(f, "%.0d,%.2f,1,N,%d,%d,%d,%.1f,%.1f,0.5,%.2f,0.0,1.0,%.2f\n", (int)below(7),
        (double)below(1000) / 100, (int)below(265) + 1, (int)below(265) + 1, (int)below(4) + 1,
        (double)below(600) / 10, (double)below(4) / 2, (double)below(900) / 100,
        (double)below(9000) / 100);
  } else if (strcmp(kind, "texts") == 0) {
    fprintf(f, "%d,Name %d,\"Some \"\"quoted\"\" comment, number %d\",City%d of the long name\n", row,
        (int)below(10000), (int)below(100000), (int)below(100));
  } else {
    for (int i = 0; i < 8; i++) {
      static const uint64_t sizes[] = {10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
      if (strcmp(kind, "integers") == 0) {
        fprintf(f, "%" PRIu64, below(sizes[below(8)]));
      } else {
        fprintf(f, "%.17g", (double)below(1u << 30) / (double)(1 + below(1u << 20)));
      }
      fputc(i < 7 ? ',' : '\n', f);
    }
  }
}

static int make(const char *kind, const char *path)
{
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    return 1;
  }
  fputs(strcmp(kind, "taxi") == 0 ? "vendor,pickup,dropoff,passengers,distance,rate,flag,from,to,pay,fare,extra,"
                                    "tax,tip,tolls,surcharge,total\n"
        : strcmp(kind, "texts") == 0 ? "id,name,comment,city\n"
                                     : "a,b,c,d,e,f,g,h\n",
      f);
  for (int row = 0; row < ROWS; row++) {
    put_row(f, kind, row);
  }
  return fclose(f) != 0;
}

int main(int argc, char **argv)
{
  struct timespec begin, end;
  struct stat about;
  grove_table *t = NULL;
  grove_error err = {0};
  if (argc == 4 && strcmp(argv[1], "make") == 0) {
    return make(argv[2], argv[3]);
  }
  if (argc != 2 || stat(argv[1], &about)) {
    fprintf(stderr, "usage: csv make KIND FILE | csv FILE\n");
    return 2;
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  if (grove_csv_read(argv[1], NULL, &t, &err)) {
    fprintf(stderr, "csv: %s\n", err.text);
    return 1;
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  grove_table_release(t);
  printf("%.6f %lld\n",
      (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9,
      (long long)about.st_size);
  return 0;
}
