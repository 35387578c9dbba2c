#include "cli_trace.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int cli_trace_start(cli_trace *t, grove *g, const char *path)
{
  *t = (cli_trace){.path = path};
  if (!path) {
    return EXIT_GOOD;
  }
  // Opened before the work, for that may take long.
  t->file = fopen(path, "wb");
  if (!t->file) {
    return cli_fail(EXIT_INPUT, "--trace %s: %s", path, strerror(errno));
  }
  grove_status s = grove_trace_start(g, NULL, &t->trace);
  return s ? cli_fail_with(s, &(grove_error){.status = s, .text = "--trace: no memory for the recording"}) : EXIT_GOOD;
}

static grove_status to_file(void *file, const char *bytes, size_t n)
{
  return fwrite(bytes, 1, n, file) == n ? GROVE_OK : GROVE_EIO;
}

int cli_trace_stop(cli_trace *t, int code)
{
  grove_trace_summary sum = {.struct_size = sizeof sum};
  if (!t->file) {
    return code;
  }
  errno = 0;
  grove_status s = t->trace ? grove_trace_stop(t->trace, to_file, t->file, &sum) : GROVE_OK;
  if (fclose(t->file) && !s) {
    s = GROVE_EIO;
  }
  bool began = t->trace != NULL;
  *t = (cli_trace){NULL};
  if (s) {
    const char *why = errno ? strerror(errno) : grove_status_text(s);
    return code ? code : cli_fail(EXIT_RUN, "--trace: the file can't be written: %s", why);
  }
  if (began && sum.lost) {
    cli_note("trace: the newest %" PRIu64 " spans are in the file, %" PRIu64 " older ones are not", sum.spans, sum.lost);
  }
  return code;
}
