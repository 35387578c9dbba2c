#include "predict/output.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"
#include "store/folder.h"
#include "store/url.h"
#include <stdio.h>
#include <zlib.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

struct grove__shard_output {
  uint32_t form;
  grove_writer *to;   // where the bytes go
  grove_writer *tap;  // what the formats write to: counts, and goes on to `to`
  grove_parquet_writer *parquet;
  grove_lines *lines;
  uint64_t bytes;
  uint32_t checksum;
  grove__output_mark begins; // what stands in its place, and may be its beginning
  uint32_t begun;            // the checksum of as many bytes of it, or of all that were put
};

// ---- bytes ----------------------------------------------------------------------------------------

static uint32_t sum_on(uint32_t sum, const unsigned char *from, size_t n)
{
  for (size_t at = 0; at < n;) {
    uInt piece = n - at < (1u << 30) ? (uInt)(n - at) : 1u << 30;
    sum = (uint32_t)crc32(sum, from + at, piece);
    at += piece;
  }
  return sum;
}

static grove_status put_bytes(void *user, const void *bytes, size_t n, grove_error *err)
{
  grove__shard_output *o = user;
  const unsigned char *from = bytes;
  uint64_t left = o->begins.bytes > o->bytes ? o->begins.bytes - o->bytes : 0;
  if (left) {
    o->begun = sum_on(o->begun, from, left < n ? (size_t)left : n);
  }
  o->checksum = sum_on(o->checksum, from, n);
  o->bytes += n;
  return grove_writer_put(o->to, bytes, n, err);
}

static grove_status close_tap(void *user, int commit, grove_error *err)
{
  (void)user, (void)commit, (void)err;
  return GROVE_OK;
}

static grove_status open_tap(grove__shard_output *o, grove_error *err)
{
  grove_sink sink = {(uint32_t)sizeof sink, o, put_bytes, close_tap};
  return grove_writer_of_sink(&sink, memory, &o->tap, err);
}

// ---- the form -------------------------------------------------------------------------------------

static grove_status open_lines(grove__shard_output *o, const grove_table *like, grove_error *err)
{
  struct ArrowArray array = {0};
  struct ArrowSchema schema = {0};
  grove_lines_options lines = {.struct_size = sizeof lines, .form = GROVE_LINES_CSV, .put = put_bytes, .user = o};
  GROVE__TRY(grove_table_export(like, &array, &schema, err));
  grove_status s = grove_lines_create(&schema, &lines, &o->lines, err);
  array.release(&array);
  schema.release(&schema);
  return s;
}

static grove_status put_lines(grove__shard_output *o, const grove_table *t, grove_error *err)
{
  struct ArrowArray array = {0};
  struct ArrowSchema schema = {0};
  GROVE__TRY(grove_table_export(t, &array, &schema, err));
  grove_status s = grove_lines_put(o->lines, &array, 0, grove_table_rows(t), err);
  array.release(&array);
  schema.release(&schema);
  return s;
}

grove_status grove__shard_output_open(
    const grove__shard_output_wish *w, const grove_table *like, grove__shard_output **out, grove_error *err)
{
  char name[GROVE__NAME_ROOM], url[GROVE__URL_ROOM];
  *out = NULL;
  if (!grove__shard_output_name(w->shard, w->form, name, sizeof name) ||
      snprintf(url, sizeof url, "%s/%s", w->folder, name) >= (int)sizeof url) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "the path of the predictions is too long (limit %d bytes)", GROVE__URL_ROOM);
  }
  if (grove__url_same(url, w->shard)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the predictions would be written over the shard itself: another folder (out) is wanted");
  }
  grove__shard_output *o = grove__alloc_zero(memory, sizeof *o);
  if (!o) {
    return grove__error_memory(err, "an output", sizeof *o);
  }
  o->form = w->form;
  o->begins = w->place.stands;
  grove_status s = (w->place.fresh && !w->force ? grove__store_write_new : grove_store_write)(w->plan->store, url, &o->to, err);
  if (!s) {
    s = open_tap(o, err);
  }
  if (!s) {
    s = w->form == GROVE_JOB_CSV ? open_lines(o, like, err)
                                 : grove_parquet_writer_open(like, w->write, o->tap, &o->parquet, err);
  }
  if (s) {
    grove__shard_output_abandon(o);
    return s;
  }
  *out = o;
  return GROVE_OK;
}

grove_status grove__shard_output_put(grove__shard_output *o, const grove_table *t, grove_error *err)
{
  return o->lines ? put_lines(o, t, err) : grove_parquet_writer_put(o->parquet, t, err);
}

static grove_status close_output(grove__shard_output *o, bool commit, grove_error *err)
{
  grove_status s = grove_parquet_writer_close(o->parquet, commit, err);
  grove_lines_destroy(o->lines);
  grove_status tapped = grove_writer_close(o->tap, 0, NULL);
  (void)tapped; // it only passes on
  grove_status closed = grove_writer_close(o->to, commit && !s, s ? NULL : err);
  grove__free(memory, o, sizeof *o);
  return s ? s : closed;
}

grove_status grove__shard_output_end(grove__shard_output *o, grove__done *done, grove_error *err)
{
  grove_status s = grove_parquet_writer_close(o->parquet, 1, err);
  o->parquet = NULL;
  done->bytes = o->bytes;
  done->checksum = o->checksum;
  return s;
}

bool grove__shard_output_goes_on(const grove__shard_output *o)
{
  return o->bytes >= o->begins.bytes && o->begun == o->begins.checksum;
}

grove_status grove__shard_output_commit(grove__shard_output *o, grove_error *err)
{
  return close_output(o, true, err);
}

void grove__shard_output_abandon(grove__shard_output *o)
{
  if (o) {
    grove_status ignored = close_output(o, false, NULL); // there is a failure to report already
    (void)ignored;
  }
}
