#!/bin/sh
# declared.sh INCLUDE LIBRARY.so...: what the headers declare with GROVE_API is what the libraries export: no
# function without a body, no export without a contract, no name in two libraries.
set -eu
include=${1:?usage: declared.sh INCLUDE LIBRARY.so...}
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# A declaration is from GROVE_API to the first "(" behind a grove_ name, or to the ";" of an object.
cat "$include"/grove/*.h | sed 's,//.*,,' | awk '
  /^[ \t]*#/ { next }
  { text = text " " $0 }
  END {
    while ((i = index(text, "GROVE_API ")) > 0) {
      text = substr(text, i + 10)
      end = index(text, ";")
      d = substr(text, 1, end)
      gsub(/GROVE_[A-Z_]+(\([^)]*\))?/, "", d)
      if (match(d, /grove_[a-z0-9_]+[ ]*\(/)) { n = substr(d, RSTART, RLENGTH); sub(/[ ]*\(/, "", n); print n }
      else { # objects: "extern const grove_method a, b;"
        n = split(d, part, ",")
        for (i = 1; i <= n; i++) {
          if (match(part[i], /grove_[a-z0-9_]+[ ]*(\[[^]]*\])?[ ]*;?$/)) {
            o = substr(part[i], RSTART, RLENGTH); sub(/[ ]*(\[.*)?;?$/, "", o); print o
          }
        }
      }
    }
  }' | LC_ALL=C sort > "$tmp/declared"
for library in "$@"; do
  ${NM:-nm} -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }'
done | LC_ALL=C sort > "$tmp/exported"
[ -s "$tmp/declared" ] || { echo "no declarations found in $include"; exit 1; }
bad=0
for name in $(uniq -d "$tmp/exported"); do
  echo "$name is exported by two libraries"
  bad=1
done
for name in $(LC_ALL=C comm -23 "$tmp/declared" "$tmp/exported"); do
  echo "$name is declared and has no body"
  bad=1
done
for name in $(LC_ALL=C comm -13 "$tmp/declared" "$tmp/exported"); do
  echo "$name is exported and no header declares it"
  bad=1
done
[ "$bad" -eq 0 ] || exit 1
echo "$(wc -l < "$tmp/declared") declarations, each with one body"
