// Uses grove_data: a table written as Parquet to a file and read back.
#include <grove.h>
#include <grove/columnar.h>
#include <grove/parquet.h>
#include <grove/store.h>
#include <stdio.h>
#include <string.h>

static grove_status write_shard(
    grove_store *s, const grove_table *t, const char *path, grove_error *err)
{
  grove_writer *w = NULL;
  grove_status st = grove_store_write(s, path, &w, err);
  if (st) {
    return st;
  }
  st = grove_parquet_write(t, NULL, w, err);
  grove_status closed = grove_writer_close(w, st == GROVE_OK, st ? NULL : err);
  return st ? st : closed;
}

static grove_status count_rows(grove_store *s, const char *path, uint64_t *rows, grove_error *err)
{
  grove_source in = {0};
  grove_parquet *p = NULL;
  grove_status st = grove_store_source(s, path, &in, err);
  if (st) {
    return st;
  }
  st = grove_parquet_open(&in, NULL, &p, err);
  if (!st) {
    *rows = grove_parquet_rows(p);
    grove_parquet_close(p);
  }
  in.close(in.user);
  return st;
}

int main(void)
{
  static const char text[] = "x,y\n1,2\n2,4\n3,6\n";
  grove_error err = {0};
  grove_table *t = NULL;
  grove_store *s = NULL;
  uint64_t rows = 0;
  int bad = grove_csv_parse(text, strlen(text), NULL, &t, &err) ||
            grove_store_open(NULL, &s, &err) || write_shard(s, t, "shard.parquet", &err) ||
            count_rows(s, "shard.parquet", &rows, &err);
  if (bad) {
    fprintf(stderr, "%s\n", err.text);
  }
  printf("%llu rows came back\n", (unsigned long long)rows);
  grove_store_close(s);
  grove_table_release(t);
  return bad || rows != 3;
}
