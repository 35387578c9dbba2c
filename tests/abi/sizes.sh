#!/bin/sh
# sizes.sh INCLUDE HEADERS_INC SIZES_INC: writes the include lines of all public headers, and one SIZE(name) line
# for each public struct whose members a header shows. test.h has none: it is compiled into the user's tests.
set -eu
include=${1:?usage: sizes.sh INCLUDE HEADERS_INC SIZES_INC}
(cd "$include" && ls grove/*.h) | grep -v -e '^grove/uv.h$' -e '^grove/test.h$' | sed 's/.*/#include <&>/' > "$2"
(cd "$include" && ls grove/*.h | grep -v '^grove/test.h$' | xargs cat) | sed 's,//.*,,' | sed -n \
  -e 's/^} \(grove_[a-z0-9_]*\);.*/SIZE(\1),/p' \
  -e 's/^typedef struct grove_[a-z0-9_]* {.*} \(grove_[a-z0-9_]*\);.*/SIZE(\1),/p' \
  -e 's/^struct \(grove_[a-z0-9_]*\) {.*/SIZE(\1),/p' |
  grep -v 'SIZE(grove_status)' | LC_ALL=C sort -u > "$3"
