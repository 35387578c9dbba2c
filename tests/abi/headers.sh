#!/bin/sh
# headers.sh ROOT SCRATCH: each public header, alone, compiles without a warning as C11 and as C++11, by every
# compiler that is here. Also two of them after one another in both orders: a header is guarded. test.h is C only, and
# compiles after cmocka.h alone; without it, it says so.
set -eu
root=${1:?usage: headers.sh ROOT SCRATCH}
scratch=${2:?usage: headers.sh ROOT SCRATCH}
mkdir -p "$scratch"
flags="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only"
uv=$(pkg-config --cflags libuv cmocka)
done_=0
failed=0
for pair in gcc:c11 clang:c11 g++:c++11 clang++:c++11; do
  cc=${pair%%:*} std=${pair#*:}
  if ! command -v "$cc" > /dev/null 2>&1; then
    echo "$cc is not here: left out"
    continue
  fi
  case $std in
    c11) ext=c extra="-Wstrict-prototypes -Wmissing-prototypes" ;;
    *) ext=cpp extra= ;;
  esac
  for header in grove.h $(cd "$root/include" && ls grove/*.h); do
    before=
    if [ "$header" = grove/test.h ]; then
      [ "$std" = c11 ] || continue
      before='#include <setjmp.h>\n#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <cmocka.h>\n'
      printf '#include <grove/test.h>\n' > "$scratch/bare.c"
      if "$cc" -std=c11 -fsyntax-only -I"$root/include" "$scratch/bare.c" 2> "$scratch/bare.log" ||
        ! grep -q 'include cmocka.h' "$scratch/bare.log"; then
        echo "<grove/test.h> without cmocka.h does not say so with $cc"
        failed=$((failed + 1))
      fi
    fi
    # shellcheck disable=SC2059 # `before` is a format
    printf "$before"'#include <%s>\n#include <%s>\n#include <grove/base.h>\nint main() { return GROVE_OK; }\n' \
      "$header" "$header" > "$scratch/alone.$ext"
    [ "$ext" = cpp ] || sed -i 's/main()/main(void)/' "$scratch/alone.$ext"
    # shellcheck disable=SC2086 # lists of flags
    if "$cc" -std=$std $flags $extra "-I$root/include" $uv "$scratch/alone.$ext"; then
      done_=$((done_ + 1))
    else
      echo "<$header> alone does not compile as $std with $cc"
      failed=$((failed + 1))
    fi
  done
done
[ "$done_" -gt 0 ] || { echo "no compiler compiled anything"; exit 1; }
[ "$failed" -eq 0 ] || exit 1
echo "$done_ compilations of public headers"
