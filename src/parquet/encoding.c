// The table of encodings: one file each.
#include "base/status.h"
#include "parquet/scan.h"

static const grove__encoding *const encodings[] = {&grove__encoding_plain, &grove__encoding_rle,
    &grove__encoding_delta, &grove__encoding_delta_length, &grove__encoding_delta_bytes,
    &grove__encoding_split};

const grove__encoding *grove__encoding_of(int32_t id)
{
  for (size_t i = 0; i < GROVE__COUNT(encodings); i++) {
    if (encodings[i]->id == id) {
      return encodings[i];
    }
  }
  return NULL;
}

const char *grove__encoding_name(int32_t id)
{
  static const char *const names[] = {"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE",
      "BIT_PACKED", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
      "RLE_DICTIONARY", "BYTE_STREAM_SPLIT", "ALP"};
  return id >= 0 && id < (int32_t)GROVE__COUNT(names) ? names[id] : "of an unknown number";
}
