// A scan reads one column of one row group after the other, page by page, into a sink. No threads: each column
// of a read has a scan of its own.
#ifndef GROVE_PARQUET_SCAN_H
#define GROVE_PARQUET_SCAN_H
#include "columnar/utf8.h"
#include "parquet/budget.h"
#include "parquet/codec.h"
#include "parquet/delta.h"
#include "parquet/footer.h"
#include "parquet/page.h"
#include "parquet/runs.h"
#include <grove/store.h>

/// Where the rows of a column gather, in Arrow's layout. Zero is empty.
typedef struct grove__sink {
  uint64_t rows, nulls;
  uint64_t text_bytes; ///< in `text`
  grove__block validity, values, text;
  uint64_t entries; ///< of a leaf in lists: its levels, a byte each; `rows` are then its items
  grove__block defs, reps;
  uint64_t
      expected; ///< rows that are to come in all, to size buffers by; a guess that may be wrong
} grove__sink;

/// A dictionary, its values already as Arrow wants them.
typedef struct grove__dictionary {
  bool there;
  uint32_t count;
  uint32_t even;       ///< texts: the length of all, 0: they differ (or are empty)
  grove__block values; ///< `width` bytes each; texts: offset and length, 4 bytes each
  grove__block text;
} grove__dictionary;

/// What stands for an instant of INT96 that 64 bits can't hold, and for one between two of the declared unit.
#define GROVE__INT96_BEYOND INT64_MIN
#define GROVE__INT96_BETWEEN (INT64_MIN + 1)

/// Room for pages that is kept from one to the next; larger pages give theirs back.
enum { GROVE__KEEP_BYTES = 256 * 1024 };

typedef struct grove__scan grove__scan;

/// One encoding of values. All slots but `begin` take exactly n values or fail.
typedef struct grove__encoding {
  const char *name;
  int32_t id;
  uint32_t types; ///< bit 1 << physical of those it can carry
  grove_status (*begin)(grove__scan *s, grove_error *err); ///< s->p to s->end are the page's values
  /// Stored values side by side; booleans as bytes.
  grove_status (*fixed)(grove__scan *s, uint8_t *out, size_t n, grove_error *err);
  /// Lengths to `lengths`, characters behind the `*used` bytes in `text`.
  grove_status (*text)(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
      uint64_t *used, grove_error *err);
} grove__encoding;

struct grove__scan {
  // what is read; set by init
  const grove_source *source;
  const grove__leaf *leaf;
  grove__budget *budget;
  const grove__kernels *kernels;
  const grove_work *work; ///< asked whether to go on; NULL: nobody
  bool no_crc, overflow_is_null;
  bool utf8;            ///< texts have to be: the column's are, and are not asked for as bytes
  int64_t instant_unit; ///< of INT96: nanoseconds of what its instants are given out in
  bool to_the_end;   ///< also bytes of a chunk that no value needs are looked at
  size_t read_ahead; ///< bytes that one look at the file brings at least
  // the chunk
  size_t group;
  int32_t codec_id;
  uint64_t at, chunk_end; ///< next byte of the file to look at
  uint64_t data_end;      ///< where the footer begins
  uint64_t behind;        ///< rows that were skipped and that no page was asked for yet
  uint64_t chunk_left;    ///< values that no page has brought yet
  // a window on the file
  grove__block window;
  uint64_t window_at; ///< offset of window.p[0]
  size_t window_have;
  // the page
  int64_t page;     ///< number in the chunk, dictionary included; -1: none yet
  uint64_t page_at; ///< offset of its header
  grove__block unpacked;
  uint32_t page_left;       ///< rows
  uint64_t page_valid_left; ///< values that are stored, where v2 says so; else UINT64_MAX
  bool has_levels;
  grove__runs levels;
  grove__runs reps;   ///< repetition levels, of a leaf in lists
  bool begun;         ///< the chunk's first entry was seen
  // its values
  const grove__encoding *encoding; ///< NULL: by the dictionary
  const uint8_t *p, *end;
  unsigned bit; ///< plain booleans: of *p
  grove__runs codes;
  grove__delta delta, prefixes; ///< of values or of lengths; of lengths of prefixes
  grove__block last;            ///< the text before, of which the next takes a prefix
  uint32_t last_bytes;
  size_t split_count, split_left; ///< values of the page, in all and not taken
  grove__dictionary dictionary;
  grove__codec own_codec;
  grove__codec *codec; ///< own_codec, or one that scans share which never run at once
  grove__block scratch; ///< stored values before they are converted, lengths of texts
};

void grove__scan_init(
    grove__scan *s, const grove_source *source, const grove__leaf *leaf, grove__budget *b);
/// Turns to a chunk; what it says was proved by open.
grove_status grove__scan_start(
    grove__scan *s, const grove__chunk *c, size_t group, grove_error *err);
/// Leaves n rows out, of those that are left in the chunk. Whole pages of them are never unpacked nor, where the
/// window does not have them already, read.
static inline void grove__scan_skip(grove__scan *s, uint64_t n)
{
  s->behind += n;
}
/// Appends n rows; there are as many left in the chunk. Of a leaf in lists a row is all entries from one of
/// repetition level 0 to the next.
grove_status grove__scan_rows(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err);
/// After the last row of a chunk: no value may follow, and with to_the_end nothing that is no page.
grove_status grove__scan_finish(grove__scan *s, grove_error *err);
void grove__scan_free(grove__scan *s);
void grove__sink_free(grove__budget *b, grove__sink *sink);

/// An error with its place: "row group 2, column "x", page 3, offset 12345: …".
grove_status grove__scan_fail(const grove__scan *s, grove_error *err, grove_status status,
    const char *format, ...) GROVE_PRINTF(4, 5);
grove_status grove__scan_prefix(const grove__scan *s, grove_error *err, grove_status status);

// ---- between the files of this room ---------------------------------------------------------------

/// Appends n rows of a leaf in lists (scan_lists.c).
grove_status grove__scan_lists(grove__scan *s, grove__sink *sink, uint64_t n, grove_error *err);
/// How many rows begin among the next n entries of a page of lists; UINT64_MAX: its levels are damaged (scan_lists.c).
uint64_t grove__scan_count_rows(const grove__scan *s, grove__runs *reps, uint32_t n);
/// Appends n items of the current page, `valid` of them not null; which of them is in the sink's bitmap already (scan.c).
grove_status grove__scan_values(
    grove__scan *s, grove__sink *sink, size_t n, size_t valid, grove_error *err);
/// Makes room for n items more (scan.c).
grove_status grove__scan_reserve(grove__scan *s, grove__sink *sink, size_t n, grove_error *err);
/// Reads pages up to the next that has rows (pages.c).
grove_status grove__scan_page(grove__scan *s, grove_error *err);
/// Takes the dictionary page's body at s->p (dictionary.c).
grove_status grove__dictionary_load(
    grove__scan *s, int32_t values, int32_t encoding, grove_error *err);
void grove__dictionary_drop(grove__scan *s);
/// The page's values are codes.
grove_status grove__dictionary_begin(grove__scan *s, grove_error *err);
grove_status grove__dictionary_fixed(grove__scan *s, uint8_t *out, size_t n, grove_error *err);
grove_status grove__dictionary_text(grove__scan *s, int32_t *lengths, size_t n, grove__block *text,
    uint64_t *used, grove_error *err);
/// Stored values to Arrow's (convert.c). An int96 out of range becomes INT64_MIN.
grove_status grove__convert_values(
    const grove__scan *s, const uint8_t *in, uint8_t *out, size_t n, grove_error *err);
/// A decimal of n big-endian bytes to `width` little-endian ones; false: it does not fit.
bool grove__convert_decimal(const uint8_t *in, size_t n, uint8_t *out, size_t width);

static inline bool grove__text_is_utf8(const uint8_t *p, size_t n)
{
  return grove__utf8_check((const char *)p, n) == n;
}

/// The encoding of that number; NULL: not known. grove__encoding_name: its name in words.
const grove__encoding *grove__encoding_of(int32_t id);
const char *grove__encoding_name(int32_t id);
extern const grove__encoding grove__encoding_plain, grove__encoding_rle, grove__encoding_delta,
    grove__encoding_delta_length, grove__encoding_delta_bytes, grove__encoding_split;
#endif
