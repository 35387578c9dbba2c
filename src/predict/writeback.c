#include "predict/writeback.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/build.h"
#include <inttypes.h>
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;
enum { PATH_BYTES = 4096, NOTE_BYTES = 12288 };

// The shard's file name without its ending, as a piece of `url`.
static const char *find_stem(const char *url, size_t *n)
{
  const char *name = strrchr(url, '/');
  name = name ? name + 1 : url;
  const char *dot = strrchr(name, '.');
  *n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
  return name;
}

static bool make_path(const grove__writeback *w, const char *before, const char *after, char *out)
{
  size_t n;
  const char *stem = find_stem(w->shard, &n);
  int length = snprintf(out, PATH_BYTES, "%s/%s%.*s%s", w->folder, before, (int)n, stem, after);
  return length > 0 && length < PATH_BYTES;
}

// The part of the note that must be equal for the predictions to be the same.
static int make_key(const grove__writeback *w, char *out, size_t room)
{
  return snprintf(out, room, "grove predictions 1\nshard %s\nbytes %" PRIu64 "\nmodel %s\n",
      w->shard, w->shard_bytes, w->model);
}

static bool read_text(grove_store *store, const char *path, char *out, size_t room, size_t *n)
{
  grove_source in = {.struct_size = sizeof in};
  if (grove_store_source(store, path, &in, NULL)) {
    return false;
  }
  *n = in.bytes < room ? (size_t)in.bytes : 0;
  bool good = *n && !in.read_at(in.user, 0, out, *n, NULL);
  if (in.close) {
    in.close(in.user);
  }
  out[good ? *n : 0] = '\0';
  return good;
}

static bool exists(grove_store *store, const char *path, uint64_t bytes)
{
  grove_source in = {.struct_size = sizeof in};
  if (grove_store_source(store, path, &in, NULL)) {
    return false;
  }
  bool same = in.bytes == bytes;
  if (in.close) {
    in.close(in.user);
  }
  return same;
}

bool grove__writeback_done(const grove__writeback *w, grove_shard_score *score)
{
  char path[PATH_BYTES];
  char key[NOTE_BYTES];
  char note[NOTE_BYTES];
  size_t n;
  uint64_t rows, bits, bytes;
  int length = make_key(w, key, sizeof key);
  if (length <= 0 || (size_t)length >= sizeof key || !make_path(w, ".", ".parquet.done", path) ||
      !read_text(w->store, path, note, sizeof note, &n) || n < (size_t)length ||
      memcmp(note, key, (size_t)length) != 0) {
    return false;
  }
  // The score as its bits: exact, and the same in every locale.
  if (sscanf(note + length, "rows %" SCNu64 "\nscore %" SCNx64 "\nwritten %" SCNu64 "\n", &rows,
          &bits, &bytes) != 3 ||
      !make_path(w, "", ".parquet", path) || !exists(w->store, path, bytes)) {
    return false;
  }
  *score = (grove_shard_score){.rows = rows, .bytes = w->shard_bytes};
  memcpy(&score->score, &bits, sizeof bits);
  return true;
}

// Nothing becomes visible; there is a failure to report already.
static void abandon(grove_writer *out)
{
  grove_status s = grove_writer_close(out, 0, NULL);
  (void)s;
}

static grove_status write_table(
    grove_store *store, const char *path, const grove_table *t, grove_error *err)
{
  grove_writer *out = NULL;
  GROVE__TRY(grove_store_write(store, path, &out, err));
  grove_status s = grove_parquet_write(t, NULL, out, err);
  if (s) {
    abandon(out);
    return s;
  }
  return grove_writer_close(out, 1, err);
}

static grove_status write_note(
    const grove__writeback *w, const grove_shard_score *score, uint64_t written, grove_error *err)
{
  char path[PATH_BYTES];
  char note[NOTE_BYTES];
  uint64_t bits;
  memcpy(&bits, &score->score, sizeof bits);
  int n = make_key(w, note, sizeof note);
  if (n <= 0 || (size_t)n >= sizeof note - 128 || !make_path(w, ".", ".parquet.done", path)) {
    return GROVE_OK; // too long to note: it will be made again next time
  }
  n += snprintf(note + n, sizeof note - (size_t)n,
      "rows %" PRIu64 "\nscore %016" PRIx64 "\nwritten %" PRIu64 "\n", score->rows, bits, written);
  grove_writer *out = NULL;
  GROVE__TRY(grove_store_write(w->store, path, &out, err));
  grove_status s = grove_writer_put(out, note, (size_t)n, err);
  if (s) {
    abandon(out);
    return s;
  }
  return grove_writer_close(out, 1, err);
}

static grove_status size_of(grove_store *store, const char *path, uint64_t *bytes, grove_error *err)
{
  grove_source in = {.struct_size = sizeof in};
  GROVE__TRY(grove_store_source(store, path, &in, err));
  *bytes = in.bytes;
  if (in.close) {
    in.close(in.user);
  }
  return GROVE_OK;
}

grove_status grove__writeback_put(const grove__writeback *w, double *values, size_t value_bytes,
    const grove_shard_score *score, grove_error *err)
{
  char path[PATH_BYTES];
  grove_table *t = NULL;
  uint64_t written = 0;
  // A column's block is exactly as long as its values; shrinking can't fail.
  size_t used = (size_t)score->rows * sizeof *values;
  double *exact = grove__realloc(memory, values, value_bytes, used);
  if (!exact) {
    grove__free(memory, values, value_bytes);
    return grove__error_memory(err, "predictions", used);
  }
  grove__column column = {
      .name = "prediction", .format = "g", .values = exact, .values_bytes = used};
  grove_status s = grove__table_build(memory, &column, 1, score->rows, &t, err);
  if (s) {
    grove__free(memory, exact, used);
    return s;
  }
  if (!make_path(w, "", ".parquet", path)) {
    s = grove__error(err, GROVE_ELIMIT, -1,
        "the path of the predictions is too long (limit %d bytes)", PATH_BYTES);
  } else {
    s = write_table(w->store, path, t, err);
  }
  grove_table_release(t);
  GROVE__TRY(s);
  GROVE__TRY(size_of(w->store, path, &written, err));
  return write_note(w, score, written, err);
}
