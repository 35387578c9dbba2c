#include "predict/pull.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/arrow.h"

static grove_status fail_stream(
    struct ArrowArrayStream *in, const char *what, int code, grove_error *err)
{
  const char *words = in->get_last_error ? in->get_last_error(in) : NULL;
  return grove__error(err, GROVE_EIO, -1, "the stream's %s failed with %d: %.300s", what, code,
      words ? words : "it says no more");
}

// ---- a stream without batches ---------------------------------------------------------------------

// Its schema is another's; it has nothing to give.
static int schema_of_other(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
  struct ArrowArrayStream *other = s->private_data;
  return other->get_schema(other, out);
}

static int next_of_none(struct ArrowArrayStream *s, struct ArrowArray *out)
{
  (void)s;
  *out = (struct ArrowArray){.release = NULL};
  return 0;
}

static const char *words_of_other(struct ArrowArrayStream *s)
{
  struct ArrowArrayStream *other = s->private_data;
  return other->get_last_error ? other->get_last_error(other) : NULL;
}

static void release_none(struct ArrowArrayStream *s)
{
  s->release = NULL;
}

static grove_status make_empty(struct ArrowArrayStream *in, grove_table **out, grove_error *err)
{
  struct ArrowArrayStream none = {
      schema_of_other, next_of_none, words_of_other, release_none, in};
  return grove_table_import_stream(&none, 0, out, err);
}

// ---- a batch --------------------------------------------------------------------------------------

static grove_status import(struct ArrowArrayStream *in, struct ArrowArray *array, grove_table **out,
    grove_error *err)
{
  struct ArrowSchema schema = {.release = NULL};
  int code = in->get_schema(in, &schema);
  grove_status s = code ? fail_stream(in, "get_schema", code, err)
                        : grove_table_import(array, &schema, out, err);
  if (schema.release) {
    schema.release(&schema);
  }
  return s;
}

grove_status grove__batch_pull(struct ArrowArrayStream *in, bool *pulled, grove_table **out,
    bool *last, grove_error *err)
{
  struct ArrowArray array = {.release = NULL};
  *out = NULL;
  *last = false;
  int code = in->get_next(in, &array);
  if (code) {
    return fail_stream(in, "get_next", code, err);
  }
  *last = !array.release;
  if (*last) {
    return *pulled ? GROVE_OK : make_empty(in, out, err);
  }
  grove_status s = import(in, &array, out, err);
  if (array.release) {
    array.release(&array);
  }
  *pulled = *pulled || !s;
  return s;
}
