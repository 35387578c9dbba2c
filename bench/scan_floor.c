// The least that a scan can take: reads the same column chunks as bench/scan.c and unpacks their pages, and looks at
// nothing in them. No reader that unpacks by the codecs' libraries and keeps to one thread a shard can be faster.
// usage: scan_floor FOLDER one|six|all THREADS
// Prints: seconds cpu-seconds bytes-unpacked
#include "scan_work.h"
#include <grove/parquet.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

typedef struct room {
  unsigned char *p;
  size_t bytes;
} room;

typedef struct floor_part {
  room packed, unpacked;
  ZSTD_DCtx *zstd;
  uint64_t bytes;
} floor_part;

static unsigned char *reserve(room *r, size_t bytes)
{
  if (bytes > r->bytes) {
    free(r->p);
    r->p = malloc(bytes);
    r->bytes = r->p ? bytes : 0;
  }
  return r->p;
}

// ---- page headers: just the sizes -----------------------------------------------------------------

typedef struct head {
  int64_t type, unpacked, packed, levels; // levels: of v2, which are not packed
  bool raw; // v2: its values are not packed, for they did not become less
} head;

static uint64_t take_varint(const unsigned char **p)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    v |= (uint64_t)(**p & 0x7f) << shift;
    if (!(*(*p)++ & 0x80)) {
      break;
    }
  }
  return v;
}

static int64_t take_int(const unsigned char **p)
{
  uint64_t u = take_varint(p);
  return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

// Thrift's compact protocol, as far as the files of bench/scan.sh have it: statistics in page headers are skipped.
static void read_struct(const unsigned char **p, head *h, int depth, int outer)
{
  for (int id = 0; **p;) {
    unsigned char first = *(*p)++;
    int type = first & 15;
    id = first >> 4 ? id + (first >> 4) : (int)take_int(p);
    if (type == 5 || type == 6 || type == 4) {
      int64_t v = take_int(p);
      h->type = depth == 0 && id == 1 ? v : h->type;
      h->unpacked = depth == 0 && id == 2 ? v : h->unpacked;
      h->packed = depth == 0 && id == 3 ? v : h->packed;
      h->levels += depth == 1 && outer == 8 && (id == 5 || id == 6) ? v : 0;
    } else if (type == 8) {
      uint64_t n = take_varint(p);
      *p += n;
    } else if (type == 12) {
      read_struct(p, h, depth + 1, id);
    } else if (type == 3) {
      ++*p;
    } else if (type == 2) {
      h->raw |= depth == 1 && outer == 8 && id == 7;
    }
  }
  ++*p;
}

static bool unpack(floor_part *f, bool snappy, const unsigned char *from, size_t n, size_t want)
{
  unsigned char *to = reserve(&f->unpacked, want + 1);
  size_t got = want;
  if (!to || !want) {
    return to != NULL;
  }
  f->bytes += want;
  if (snappy) {
    return snappy_uncompress((const char *)from, n, (char *)to, &got) == SNAPPY_OK;
  }
  return ZSTD_decompressDCtx(f->zstd, to, want, from, n) == want;
}

static bool take_chunk(floor_part *f, const grove_source *in, const grove_parquet_chunk_info *c)
{
  unsigned char *p = reserve(&f->packed, (size_t)c->bytes + 64);
  bool snappy = strcmp(c->codec, "SNAPPY") == 0;
  grove_error err;
  if (!p || in->read_at(in->user, c->at, p, (size_t)c->bytes, &err)) {
    return false;
  }
  for (const unsigned char *at = p; at < p + c->bytes;) {
    head h = {0};
    read_struct(&at, &h, 0, 0);
    if (!h.raw && !unpack(f, snappy, at + h.levels, (size_t)(h.packed - h.levels),
                      (size_t)(h.unpacked - h.levels))) {
      return false;
    }
    at += h.packed;
  }
  return true;
}

static bool take_file(void *user, const grove_source *in, grove_parquet *file, size_t columns)
{
  floor_part *f = user;
  for (size_t g = 0; g < grove_parquet_groups(file); g++) {
    for (size_t i = 0; i < columns; i++) {
      grove_parquet_chunk_info c = {.struct_size = sizeof c};
      if (grove_parquet_chunk(file, g, i, &c, NULL) || !take_chunk(f, in, &c)) {
        return false;
      }
    }
  }
  return true;
}

int main(int argc, char **argv)
{
  scan_work w = {.take = take_file};
  floor_part parts[SCAN_THREADS] = {0};
  for (size_t i = 0; i < SCAN_THREADS; i++) {
    parts[i].zstd = ZSTD_createDCtx();
    w.user[i] = &parts[i];
  }
  if (!scan_work_open(&w, argc, argv)) {
    fprintf(stderr, "usage: scan_floor FOLDER one|six|all THREADS\n");
    return 2;
  }
  bool good = scan_work_run(&w);
  uint64_t bytes = 0;
  for (size_t i = 0; i < SCAN_THREADS; i++) {
    bytes += parts[i].bytes;
  }
  printf("%.6f %.6f %llu\n", w.seconds, w.cpu_seconds, (unsigned long long)bytes);
  return good ? 0 : 1;
}
