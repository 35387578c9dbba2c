// libFuzzer's entry: the parts of a Parquet file by themselves, which a whole file rarely reaches past its checks. The
// first byte chooses: footer, page header, runs, differences, codec frames, or the values of one page in any encoding.
#include "base/alloc.h"
#include "parquet/codec.h"
#include "parquet/delta.h"
#include "parquet/footer.h"
#include "parquet/page.h"
#include "parquet/runs.h"
#include "parquet/scan.h"
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 1 << 20 };

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static void fuzz_footer(const uint8_t *p, size_t n)
{
  grove__footer f;
  grove_error err = {0};
  grove_status s = grove__footer_read(&f, &grove__allocator_malloc, 0, 0, p, n, 4, &err);
  require(!s || err.text[0]);
  if (!s) {
    require(f.n_leaves == 0 || f.leaves[0].path != NULL);
    grove__footer_free(&f);
  }
}

static void fuzz_head(const uint8_t *p, size_t n)
{
  grove__page_head h;
  size_t used = 0;
  bool cut = false;
  const char *flaw = grove__page_head_read(&h, p, n, &used, &cut);
  require(used <= n && (flaw || !cut));
}

// A copy with the slack behind it that the decoders may read.
static uint8_t *with_slack(const uint8_t *p, size_t n)
{
  uint8_t *copy = calloc(n + GROVE__SLACK, 1);
  if (copy && n) {
    memcpy(copy, p, n);
  }
  return copy;
}

// All bodies must take the same numbers, in any pieces.
static void fuzz_runs(const uint8_t *p, size_t n)
{
  static uint32_t want[4096], got[4096];
  unsigned width = n ? p[0] % 33 : 0;
  uint8_t *copy = with_slack(p + (n > 0), n - (n > 0));
  size_t bytes = n - (n > 0);
  for (size_t body = 0; copy && grove__kernels_at(body); body++) {
    grove__runs r;
    grove__runs_init(&r, copy, copy + bytes, width);
    r.kernels = grove__kernels_at(body);
    size_t done = 0;
    const char *flaw = NULL;
    memset(got, 0, sizeof got);
    while (!flaw && done < 4096) {
      size_t take = 1 + (done * 7 + body) % 97;
      take = take < 4096 - done ? take : 4096 - done;
      flaw = grove__runs_take(&r, got + done, take);
      done += flaw ? 0 : take;
    }
    if (body == 0) {
      memcpy(want, got, sizeof want);
    } else if (!flaw) {
      require(memcmp(want, got, sizeof want) == 0);
    }
  }
  free(copy);
}

static void fuzz_delta(const uint8_t *p, size_t n)
{
  int64_t out[257];
  grove__delta d;
  const uint8_t *end = NULL;
  uint8_t *copy = with_slack(p, n);
  if (copy && !grove__delta_open(&d, copy, copy + n)) {
    const char *flaw = grove__delta_end(&d, &end);
    require(flaw || (end >= copy && end <= copy + n));
    for (int i = 0; i < 40 && !grove__delta_take(&d, out, 257); i++) {}
  }
  free(copy);
}

static void fuzz_codec(const uint8_t *p, size_t n)
{
  grove__budget budget = {.allocator = grove__allocator_malloc, .most = 1 << 20};
  grove__codec c = {.budget = &budget};
  grove_status why;
  if (n < 4) {
    return;
  }
  int32_t id = p[0] % 8;
  size_t want = ((size_t)p[1] << 12 | (size_t)p[2] << 4 | (p[3] & 15)) % OUT_MAX;
  uint8_t *out = malloc(want + 1);
  if (out && grove__codec_is_read(id) && id && grove__codec_plausible(id, n - 4, want)) {
    const char *flaw = grove__codec_unpack(&c, id, p + 4, n - 4, out, want, &why);
    require(!flaw || flaw[0]);
  }
  free(out);
  grove__codec_free(&c);
  require(budget.used == 0);
}

// A chunk of one page whose header says what the first bytes choose, and whose body is the rest.
static void fuzz_values(const uint8_t *p, size_t n)
{
  static const int32_t encodings[] = {0, 3, 5, 6, 7, 9};
  if (n < 4) {
    return;
  }
  grove__leaf leaf = {.path = "x", .physical = p[0] % 8, .flat = true};
  if (grove__leaf_resolve(&leaf, 1 + p[1] % 20)) {
    return;
  }
  grove__budget budget = {.allocator = grove__allocator_malloc, .most = 64 << 20};
  grove_source none = {0};
  grove__scan s;
  grove_error err = {0};
  uint8_t *copy = with_slack(p + 4, n - 4);
  grove__scan_init(&s, &none, &leaf, &budget);
  s.encoding = grove__encoding_of(encodings[p[2] % 6]);
  s.p = copy;
  s.end = copy + n - 4;
  if (copy && s.encoding->types >> leaf.physical & 1 && !s.encoding->begin(&s, &err)) {
    // Rows of the page at hand, as a scan would append them.
    grove__sink sink = {0};
    s.page_left = 1 + p[3] * 16u;
    s.chunk_left = 0;
    s.page_valid_left = UINT64_MAX;
    grove_status status = grove__scan_rows(&s, &sink, s.page_left, &err);
    require(!status || err.text[0]);
    grove__sink_free(&budget, &sink);
  }
  grove__scan_free(&s);
  free(copy);
  require(budget.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const parts[])(const uint8_t *, size_t) = {
      fuzz_footer, fuzz_head, fuzz_runs, fuzz_delta, fuzz_codec, fuzz_values};
  if (!size) {
    return 0;
  }
  // Of exactly the size, so that one byte too far is seen.
  uint8_t *copy = malloc(size);
  if (copy) {
    memcpy(copy, data, size);
    parts[copy[0] % 6](copy + 1, size - 1);
  }
  free(copy);
  return 0;
}
