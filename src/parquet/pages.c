// From chunks to pages: reading ahead, headers, checksums, decompression, and where levels and values begin.
#include "base/error.h"
#include "base/status.h"
#include "parquet/bits.h"
#include "parquet/scan.h"
#include <string.h>
#include <zlib.h>

// CHUNK_SLOP: early writers left the dictionary's header out of a chunk's size, so that its last page ends behind it.
enum { HEAD_MAX = 16 * 1024 * 1024, CHUNK_SLOP = 100 };

// Makes the n bytes of the file from s->at on lie in the window; the caller knows that the chunk has them.
static grove_status look(grove__scan *s, size_t n, const uint8_t **out, grove_error *err)
{
  uint64_t end = s->window_at + s->window_have;
  bool inside = s->at >= s->window_at && s->at <= end;
  if (!inside || n > end - s->at) {
    size_t keep = inside ? (size_t)(end - s->at) : 0;
    uint64_t left = s->chunk_end - s->at;
    size_t ahead = left < s->read_ahead ? (size_t)left : s->read_ahead;
    size_t want = n > ahead ? n : ahead;
    if (s->window.p && keep) {
      memmove(s->window.p, s->window.p + (s->at - s->window_at), keep);
    }
    s->window_at = s->at;
    s->window_have = keep;
    if (n < want && grove__block_reserve(s->budget, &s->window, want + GROVE__SLACK, "a page", NULL)) {
      want = n; // to read ahead is a gain where there is room; no more is needed than what was asked for
    }
    GROVE__TRY(grove__block_reserve(s->budget, &s->window, want + GROVE__SLACK, "a page", err));
    GROVE__TRY(
        s->source->read_at(s->source->user, s->at + keep, s->window.p + keep, want - keep, err));
    s->window_have = want;
    memset(s->window.p + want, 0, GROVE__SLACK);
  }
  *out = s->window.p + (s->at - s->window_at);
  return GROVE_OK;
}

// Reads the header at s->at. Its length is not known before, so it is tried with more and more bytes.
static grove_status read_head(grove__scan *s, grove__page_head *h, grove_error *err)
{
  uint64_t left = s->chunk_end - s->at;
  for (size_t n = left < 256 ? (size_t)left : 256;;) {
    const uint8_t *p;
    size_t used;
    bool cut;
    GROVE__TRY(look(s, n, &p, err));
    uint64_t ready = s->window_at + s->window_have - s->at;
    n = ready > n ? (size_t)ready : n; // what is there anyway costs nothing
    const char *flaw = grove__page_head_read(h, p, n, &used, &cut);
    if (!flaw) {
      s->at += used;
      return GROVE_OK;
    }
    if (!cut || n >= left || n > HEAD_MAX) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT, "the page header is damaged: %s", flaw);
    }
    n = n > left / 2 ? (size_t)left : 2 * n;
  }
}

// The body of a page of h->packed bytes, in the window.
static grove_status read_body(
    grove__scan *s, const grove__page_head *h, const uint8_t **body, grove_error *err)
{
  uint64_t left = s->chunk_end - s->at, slop = s->data_end - s->chunk_end;
  slop = slop < CHUNK_SLOP ? slop : CHUNK_SLOP;
  if (h->packed > left && h->packed - left <= slop) {
    s->chunk_end = s->at + h->packed;
  } else if (h->packed > left) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT,
        "the page is of %u bytes, the column chunk has %llu left", h->packed,
        (unsigned long long)left);
  }
  GROVE__TRY(look(s, h->packed, body, err));
  s->at += h->packed;
  if (h->has_crc && !s->no_crc) {
    uint32_t crc = (uint32_t)crc32(0, *body, h->packed);
    if (crc != h->crc) {
      return grove__scan_fail(
          s, err, GROVE_ECORRUPT, "the page's checksum is %08x, and %08x is written", crc, h->crc);
    }
  }
  return GROVE_OK;
}

// n packed bytes to `want`; both may be the page's whole or, in v2, its values. *out has slack behind it.
static grove_status unpack(
    grove__scan *s, const uint8_t *in, size_t n, size_t want, const uint8_t **out, grove_error *err)
{
  grove_status why = GROVE_ECORRUPT;
  if (!grove__codec_plausible(s->codec_id, n, want)) {
    return grove__scan_fail(
        s, err, GROVE_ECORRUPT, "%zu compressed bytes can't become %zu", n, want);
  }
  GROVE__TRY(grove__block_reserve(s->budget, &s->unpacked, want + GROVE__SLACK, "a page", err));
  *out = s->unpacked.p;
  memset(s->unpacked.p + want, 0, GROVE__SLACK);
  const char *flaw =
      grove__codec_unpack(s->codec, s->codec_id, in, n, s->unpacked.p, want, &why);
  if (flaw && why == GROVE_ELIMIT) {
    return grove__scan_fail(
        s, err, why, "%s: over the limit of %llu bytes (memory_bytes)", flaw, (unsigned long long)s->budget->most);
  }
  if (flaw) {
    return grove__scan_fail(s, err, why, "%s", flaw);
  }
  return GROVE_OK;
}

// Body of a v1 or dictionary page: all of it is compressed.
static grove_status unpack_whole(
    grove__scan *s, const grove__page_head *h, const uint8_t *body, grove_error *err)
{
  if (s->codec_id == GROVE__CODEC_NONE || (h->packed == 0 && h->unpacked == 0)) {
    s->p = body;
    s->end = body + h->packed;
    return GROVE_OK;
  }
  GROVE__TRY(unpack(s, body, h->packed, h->unpacked, &s->p, err));
  s->end = s->p + h->unpacked;
  return GROVE_OK;
}

static grove_status begin_levels_v1(
    grove__scan *s, int32_t encoding, unsigned most, grove__runs *out, grove_error *err)
{
  size_t have = (size_t)(s->end - s->p), n;
  if (encoding == GROVE__BIT_PACKED) {
    return grove__scan_fail(s, err, GROVE_ENOTSUP, "levels of the deprecated encoding BIT_PACKED");
  }
  if (encoding != GROVE__RLE) {
    return grove__scan_fail(
        s, err, GROVE_ECORRUPT, "levels of the impossible encoding %d", encoding);
  }
  if (have < 4 || (n = grove__load32(s->p)) > have - 4) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the levels are longer than their page");
  }
  grove__runs_init(out, s->p + 4, s->p + 4 + n, grove__bits_of(most));
  out->kernels = s->kernels;
  s->p += 4 + n;
  return GROVE_OK;
}

static grove_status begin_data_v1(
    grove__scan *s, const grove__page_head *h, const uint8_t *body, grove_error *err)
{
  GROVE__TRY(unpack_whole(s, h, body, err));
  s->page_valid_left = UINT64_MAX;
  s->has_levels = s->leaf->levels > 0;
  if (s->leaf->repeats && h->values) {
    GROVE__TRY(begin_levels_v1(s, h->repetition_encoding, s->leaf->repeats, &s->reps, err));
  }
  return s->has_levels && h->values
             ? begin_levels_v1(s, h->level_encoding, s->leaf->levels, &s->levels, err)
             : GROVE_OK;
}

static grove_status begin_data_v2(
    grove__scan *s, const grove__page_head *h, const uint8_t *body, grove_error *err)
{
  uint64_t levels = (uint64_t)h->levels_bytes + (uint64_t)h->repetition_bytes;
  if (levels > h->packed || levels > h->unpacked) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "the levels are longer than their page");
  }
  if (s->leaf->repeats ? h->rows > h->values : h->rows != h->values) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT,
        "%d values in %d rows of a column that has %s a row", h->values, h->rows,
        s->leaf->repeats ? "one at least" : "one");
  }
  if (h->nulls && !s->leaf->levels) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "%d nulls in a required column", h->nulls);
  }
  const uint8_t *p = body + h->repetition_bytes;
  s->has_levels = s->leaf->levels > 0;
  grove__runs_init(&s->reps, body, p, grove__bits_of(s->leaf->repeats));
  s->reps.kernels = s->kernels;
  s->page_valid_left = (uint64_t)(h->values - h->nulls);
  grove__runs_init(&s->levels, p, p + h->levels_bytes, grove__bits_of(s->leaf->levels));
  s->levels.kernels = s->kernels;
  size_t packed = h->packed - (size_t)levels, unpacked = h->unpacked - (size_t)levels;
  s->p = body + levels;
  s->end = s->p + packed;
  if (h->compressed && s->codec_id != GROVE__CODEC_NONE) {
    if (unpacked || packed) { // of nothing, some writers make nothing, and not what their codec makes of it
      GROVE__TRY(unpack(s, s->p, packed, unpacked, &s->p, err));
    }
    s->end = s->p + unpacked;
  }
  return GROVE_OK;
}

static grove_status begin_values(grove__scan *s, const grove__page_head *h, grove_error *err)
{
  if (h->encoding == GROVE__PLAIN_DICTIONARY || h->encoding == GROVE__RLE_DICTIONARY) {
    s->encoding = NULL;
    return grove__dictionary_begin(s, err);
  }
  s->encoding = grove__encoding_of(h->encoding);
  if (!s->encoding) {
    return grove__scan_fail(s, err, GROVE_ENOTSUP, "unsupported encoding %s(%d)",
        grove__encoding_name(h->encoding), h->encoding);
  }
  if (!(s->encoding->types & 1u << s->leaf->physical)) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT, "encoding %s can't carry %s", s->encoding->name,
        grove__physical_name(s->leaf->physical));
  }
  return s->encoding->begin(s, err);
}

static grove_status begin_data(
    grove__scan *s, const grove__page_head *h, const uint8_t *body, grove_error *err)
{
  if ((uint64_t)h->values > s->chunk_left) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT,
        "the page has %d values, the column chunk %llu left", h->values,
        (unsigned long long)s->chunk_left);
  }
  if (h->type == GROVE__PAGE_DATA) {
    GROVE__TRY(begin_data_v1(s, h, body, err));
  } else {
    GROVE__TRY(begin_data_v2(s, h, body, err));
  }
  s->chunk_left -= (uint64_t)h->values;
  s->page_left = (uint32_t)h->values;
  // A page of nulls alone has no values, not even the head that its encoding wants.
  bool no_values = !h->values || (s->has_levels && s->p == s->end);
  if (no_values) {
    s->encoding = NULL;
    grove__runs_init(&s->codes, s->p, s->p, 0);
    return GROVE_OK;
  }
  return begin_values(s, h, err);
}

// Of a v2 page the repetition levels are not packed: enough of its body to count the rows that begin in it.
static grove_status count_packed_rows(
    grove__scan *s, const grove__page_head *h, uint64_t *rows, grove_error *err)
{
  const uint8_t *p;
  grove__runs reps;
  *rows = UINT64_MAX;
  if (h->type != GROVE__PAGE_DATA_V2 || (uint64_t)h->repetition_bytes > h->packed) {
    return GROVE_OK; // has to be unpacked first, or is damaged
  }
  GROVE__TRY(look(s, (size_t)h->repetition_bytes, &p, err));
  grove__runs_init(&reps, p, p + h->repetition_bytes, grove__bits_of(s->leaf->repeats));
  reps.kernels = s->kernels;
  *rows = grove__scan_count_rows(s, &reps, (uint32_t)h->values);
  return GROVE_OK;
}

// Steps over a page all of whose rows are skipped. Only one that fits its chunk: others go the way of all errors. Of a
// list the levels alone say how many rows there are; what headers and indexes say of it is not believed.
static grove_status pass_over(
    grove__scan *s, const grove__page_head *h, bool *passed, grove_error *err)
{
  bool data = h->type == GROVE__PAGE_DATA || h->type == GROVE__PAGE_DATA_V2;
  uint64_t rows = (uint64_t)h->values;
  *passed = false;
  if (!data || !s->behind || !h->values || (uint64_t)h->values > s->chunk_left ||
      h->packed > s->chunk_end - s->at) {
    return GROVE_OK;
  }
  if (s->leaf->repeats) {
    GROVE__TRY(count_packed_rows(s, h, &rows, err));
  }
  if (rows <= s->behind) {
    s->at += h->packed;
    s->behind -= rows;
    s->chunk_left -= (uint64_t)h->values;
    s->begun = *passed = true;
  }
  return GROVE_OK;
}

// A page of lists that had to be unpacked to see that all of its rows are skipped: its values are not decoded.
static void drop_skipped(grove__scan *s)
{
  if (s->behind && s->leaf->repeats && s->page_left) {
    grove__runs reps = s->reps;
    uint64_t rows = grove__scan_count_rows(s, &reps, s->page_left);
    if (rows <= s->behind) {
      s->behind -= rows;
      s->page_left = 0;
      s->begun = true;
    }
  }
}

grove_status grove__scan_page(grove__scan *s, grove_error *err)
{
  grove__page_head h;
  bool passed;
  const uint8_t *body = NULL;
  s->page_left = 0;
  if (s->work && s->work->cancelled && s->work->cancelled(s->work->user)) {
    return grove__scan_fail(s, err, GROVE_ECANCELED, "the read was cancelled");
  }
  // With nothing behind, until there is a page of rows; else also until there is nothing behind any more.
  for (bool behind = s->behind > 0; !s->page_left && !(behind && !s->behind);) {
    s->page++;
    s->page_at = s->at;
    if (s->at >= s->chunk_end) {
      return s->chunk_left
                 ? grove__scan_fail(s, err, GROVE_ECORRUPT,
                       "the column chunk ends %llu values before its number",
                       (unsigned long long)s->chunk_left)
                 : grove__scan_fail(s, err, GROVE_ECORRUPT,
                       "the column chunk ends before the last row of its row group");
    }
    GROVE__TRY(read_head(s, &h, err));
    GROVE__TRY(pass_over(s, &h, &passed, err));
    if (passed) {
      continue;
    }
    GROVE__TRY(read_body(s, &h, &body, err));
    if (h.type == GROVE__PAGE_DATA || h.type == GROVE__PAGE_DATA_V2) {
      GROVE__TRY(begin_data(s, &h, body, err));
      drop_skipped(s);
    } else if (h.type == GROVE__PAGE_DICTIONARY) {
      GROVE__TRY(unpack_whole(s, &h, body, err));
      GROVE__TRY(grove__dictionary_load(s, h.values, h.encoding, err));
    } // pages of indexes, and of kinds to come, are not for us
  }
  return GROVE_OK;
}

// What follows the page with the chunk's last value. Bytes that are no page hurt nobody, so only a survey asks for them.
static grove_status look_behind(grove__scan *s, grove_error *err)
{
  while (s->at < s->chunk_end) {
    grove__page_head h;
    uint64_t left = s->chunk_end - s->at;
    s->page++;
    s->page_at = s->at;
    grove_error flaw = {0};
    grove_status status = read_head(s, &h, &flaw);
    if (status == GROVE_ECORRUPT) {
      return s->to_the_end ? grove__scan_fail(s, err, status,
                                 "%llu bytes behind the column chunk's last value are no page",
                                 (unsigned long long)left)
                           : GROVE_OK;
    }
    if (status) {
      *(err ? err : &flaw) = flaw;
      return status;
    }
    if ((h.type == GROVE__PAGE_DATA || h.type == GROVE__PAGE_DATA_V2) && h.values) {
      return grove__scan_fail(s, err, GROVE_ECORRUPT,
          "the page has %d values, and the column chunk had all of its number before", h.values);
    }
    s->at += h.packed < s->chunk_end - s->at ? h.packed : s->chunk_end - s->at;
  }
  return GROVE_OK;
}

grove_status grove__scan_finish(grove__scan *s, grove_error *err)
{
  uint64_t left = s->page_left + s->chunk_left;
  if (left) {
    return grove__scan_fail(s, err, GROVE_ECORRUPT,
        "the column chunk has %llu values behind the last row of its row group",
        (unsigned long long)left);
  }
  // Where a chunk without values lies was not proved.
  bool lies_well = s->page_at >= 4 && s->chunk_end <= s->data_end;
  return lies_well ? look_behind(s, err) : GROVE_OK;
}
