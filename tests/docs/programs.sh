#!/bin/sh
# programs.sh OUT FILE.md...: pulls the complete programs out of pages, which are the ```c blocks with a main in them, into
# OUT/PAGE_N.c, and what is said that they print, which is a ```text block right after one, into OUT/PAGE_N.out.
# Prints the names PAGE_N. A page without a program is fine, no program at all is not.
set -eu
out=${1:?usage: programs.sh OUT FILE.md...}
shift
mkdir -p "$out"
rm -f "$out"/*.c "$out"/*.out
for page in "$@"; do
  name=$(basename "$page" .md | tr 'A-Z-' 'a-z_')
  awk -v base="$out/$name" '
    function close_block() {
      if (kind == "c" && text ~ /(^|\n)int main\(/) {
        n++
        printf "#line %d \"%s\"\n%s", start, FILENAME, text > (base "_" n ".c")
        close(base "_" n ".c")
        after = 1
      } else {
        if (kind == "text" && after) {
          printf "%s", text > (base "_" n ".out")
          close(base "_" n ".out")
        }
        after = 0
      }
      inside = 0
    }
    inside && /^```$/ { close_block(); next }
    inside { text = text $0 "\n"; next }
    /^```/ { inside = 1; kind = substr($0, 4); text = ""; start = FNR + 1; next }
    END { if (inside) { print FILENAME ": a block is not closed" > "/dev/stderr"; exit 1 } }
  ' "$page"
done
found=$(cd "$out" && ls ./*.c 2> /dev/null | sed 's,^\./,,; s,\.c$,,')
[ -n "$found" ] || { echo "no programs in $*" >&2; exit 1; }
echo "$found"
