#!/bin/sh
# selftest.sh CC SCRATCH: the lints catch what they are there for. Plants offenders one by one in a small tree,
# and wants each one named; the clean tree must pass.
set -eu
cc=${1:?usage: selftest.sh CC SCRATCH}
scratch=${2:?usage: selftest.sh CC SCRATCH}
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$scratch"
mkdir -p "$scratch"
failed=0

# tree: a clean small tree in $scratch/tree
tree()
{
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/src/base" "$scratch/tree/src/plat" "$scratch/tree/src/model" "$scratch/tree/src/pool" \
    "$scratch/tree/tests/unit"
  cd "$scratch/tree"
  echo '#include <grove/base.h>' > src/base/alloc.h
  echo '#include "base/alloc.h"' > src/base/alloc.c
  printf '#include "base/alloc.h"\n#include <uv.h>\n' > src/plat/loop.c
  printf '#include "base/alloc.h"\n#include <grove/model.h>\n#include <math.h>\n' > src/model/tree.c
  printf '#include <grove/actor.h>\n#include <grove/pool.h>\n' > src/pool/pool.c
  echo 'int main(void) { return 0; }' > tests/unit/a_test.c
}

# expect NAME STATUS WORDS COMMAND...: the command ends with the status and says the words
expect()
{
  name=$1 want=$2 words=$3
  shift 3
  got=0
  said=$("$@" 2>&1) || got=$?
  if [ "$got" -ne "$want" ] || ! printf '%s\n' "$said" | grep -qF -- "$words"; then
    echo "FAILED $name: status $got (should be $want), no \"$words\" in: $said"
    failed=$((failed + 1))
  else
    echo "ok $name"
  fi
}

# plant NAME FILE TEXT WORDS: arrows.sh catches this line
plant()
{
  tree
  printf '%s\n' "$3" >> "$2"
  expect "$1" 1 "$4" sh "$here/arrows.sh" "$scratch/tree"
}
tree
expect "clean tree, arrows" 0 "follow the arrows" sh "$here/arrows.sh" "$scratch/tree"
expect "clean tree, text" 0 "keep the rules" sh "$here/text.sh" "$scratch/tree"
plant "base looks up" src/base/alloc.c '#include "plat/thread.h"' 'base may not include "plat/thread.h"'
plant "data tower meets runtime" src/model/tree.c '  #  include "runtime/worker.h"' 'no arrow to runtime'
plant "data tower meets actors" src/model/tree.c '#include <grove/actor.h>' 'not one of its contracts'
plant "threads in a learner" src/model/tree.c '#include <pthread.h>' 'threads is for other rooms'
plant "libuv outside plat" src/pool/pool.c '#include <uv.h>' 'pool may not include <uv.h>'
plant "pool behind actor's face" src/pool/pool.c '#include "actor/cell.h"' 'no arrow to actor'
plant "way out" src/base/alloc.c '#include "../plat/thread.h"' 'no way out'
plant "no room said" src/base/alloc.c '#include "alloc.h"' 'say "room/file.h"'
plant "a room in CMake" src/base/CMakeLists.txt 'grove_room(base SOURCES a.c ROOMS plat)' 'no arrow to plat'
tree
mkdir src/attic
echo '#include <math.h>' > src/attic/a.c
expect "unknown room" 1 "attic is not in arrows.txt" sh "$here/arrows.sh" "$scratch/tree"
rm -rf "$scratch/empty" && mkdir -p "$scratch/empty/src"
expect "empty tree, arrows" 2 "nothing was checked" sh "$here/arrows.sh" "$scratch/empty"

tree
echo 'void f(void) { sle''ep(1); }' >> tests/unit/a_test.c
expect "sleeping test" 1 "a test that sleeps" sh "$here/text.sh" "$scratch/tree"
tree
awk 'BEGIN { for (i = 0; i < 601; i++) print "// line" }' > src/base/long.c
expect "long file" 1 "src/base/long.c:601: more than 600 lines" sh "$here/text.sh" "$scratch/tree"
tree
echo '// see /ho''me/somebody/notes' >> src/base/alloc.c
expect "machine path" 1 "a path of somebody's machine" sh "$here/text.sh" "$scratch/tree"

# object NAME STATUS WORDS CODE: symbols.sh on one object
object()
{
  rm -rf "$scratch/object"
  mkdir -p "$scratch/object"
  printf '%s\n' "$4" > "$scratch/object/planted.c"
  "$cc" -std=gnu11 -O1 -fPIC -c "$scratch/object/planted.c" -o "$scratch/object/planted.o"
  ar rcs "$scratch/object/libplanted.a" "$scratch/object/planted.o"
  expect "$1" "$2" "$3" sh "$here/symbols.sh" "$scratch/object/libplanted.a"
}
# twice NAME STATUS WORDS CODE CODE: the same on two objects of one name, each in an archive of its own
twice()
{
  rm -rf "$scratch/object"
  mkdir -p "$scratch/object/1" "$scratch/object/2"
  printf '%s\n' "$4" > "$scratch/object/1/planted.c"
  printf '%s\n' "$5" > "$scratch/object/2/planted.c"
  for i in 1 2; do
    "$cc" -std=gnu11 -O1 -fPIC -c "$scratch/object/$i/planted.c" -o "$scratch/object/$i/planted.o"
    ar rcs "$scratch/object/lib$i.a" "$scratch/object/$i/planted.o"
  done
  expect "$1" "$2" "$3" sh "$here/symbols.sh" "$scratch/object/lib1.a" "$scratch/object/lib2.a"
}
twice "two clean archives" 0 "keep promise 5" 'static int half(int a) { return a / 2; }
int grove__one(int a) { return half(a); }' 'static int half(int a) { return a / 2; }
int grove__two(int a) { return half(a); }'
# And in one archive.
rm -rf "$scratch/object"
mkdir -p "$scratch/object/1" "$scratch/object/2"
for i in 1 2; do
  echo "int grove__one(int a) { return a + $i; }" > "$scratch/object/$i/planted.c"
  "$cc" -std=gnu11 -O1 -fPIC -c "$scratch/object/$i/planted.c" -o "$scratch/object/$i/planted.o"
done
ar qc "$scratch/object/libplanted.a" "$scratch/object/1/planted.o" "$scratch/object/2/planted.o"
expect "one name in two objects of one name" 1 "defines grove__one, as libplanted.a(planted.o) does" \
  sh "$here/symbols.sh" "$scratch/object/libplanted.a"
twice "one name in two archives" 1 "planted.o: defines grove__one, as lib1.a(planted.o) does" \
  'int grove__one(int a) { return a; }' 'int grove__one(int a) { return a + 1; }'
object "clean object" 0 "keep promise 5" '#include <stdio.h>
static const char *const names[] = {"a", "b"};
const char *grove__name(unsigned i) { return names[i & 1]; }
int grove_text(char *p, int n) { return snprintf(p, 9, "%d", n); }'
object "prints" 1 "planted.o: uses printf" '#include <stdio.h>
void grove_a(int n) { printf("%d", n); }'
object "prints to a stream" 1 "planted.o: uses stderr" '#include <stdio.h>
void grove_a(int n) { fprintf(stderr, "%d", n); }'
object "reads the environment" 1 "planted.o: uses getenv" '#include <stdlib.h>
char *grove_a(void) { return getenv("A"); }'
object "exits" 1 "planted.o: uses exit" '#include <stdlib.h>
void grove_a(void) { exit(1); }'
object "asserts in release" 1 "planted.o: uses __assert_fail" '#include <assert.h>
void grove_a(int n) { assert(n); }'
object "OpenMP" 1 "planted.o: uses GOMP_parallel" 'void GOMP_parallel(void);
void grove_a(void) { GOMP_parallel(); }'
object "global variable" 1 "writable data: grove_count" 'int grove_count = 3;'
object "static variable" 1 "writable data: hits" 'static int hits;
int grove_a(void) { return ++hits; }'
object "thread-local variable" 1 "writable data: last" 'static _Thread_local int last;
int *grove_a(void) { return &last; }'
object "constructor" 1 "constructor or destructor" 'void grove_b(void);
__attribute__((constructor)) static void begin(void) { grove_b(); }'
object "foreign prefix" 1 "without our prefix: helper" 'int helper(int a) { return a; }'
object "nearly our prefix" 1 "without our prefix: groveless" 'int groveless(int a) { return a; }'

[ "$failed" -eq 0 ] || { echo "$failed planted offenders were not caught as they should be"; exit 1; }
