// A value as text: the key of a group.
#ifndef GROVE_COLUMNAR_KEYTEXT_H
#define GROVE_COLUMNAR_KEYTEXT_H
#include "columnar/builder.h"

/// Puts the text of a row, which is not null, and a zero byte into `out`: integers and decimals in
/// full, doubles as short as reads back, true and false, dates and timestamps by ISO 8601, texts as
/// they are, bytes of a fixed width in hexadecimal.
grove_status grove__key_text(
    const grove__stored *c, int64_t row, grove__budget *budget, grove__buffer *out);
#endif
