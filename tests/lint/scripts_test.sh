#!/bin/sh
# scripts_test.sh SOURCE SCRATCH: our scripts where something is wrong: a machine that lacks everything, tests that
# fail in every way there is, benchmarks that are not there.
set -eu
source=$1 scratch=$2
rm -rf "$scratch"
mkdir -p "$scratch/bin"
cd "$scratch"
failed=0

# expect NAME STATUS WORDS COMMAND...
expect()
{
  name=$1 want=$2 words=$3
  shift 3
  got=0
  said=$("$@" 2>&1) || got=$?
  if [ "$got" -ne "$want" ] || ! printf '%s\n' "$said" | grep -qF -e "$words"; then
    echo "FAILED $name: status $got (should be $want), no \"$words\" in: $said"
    failed=$((failed + 1))
  else
    echo "ok $name"
  fi
}

# A machine with the plain tools alone: no compiler, no package manager.
for tool in sh sed grep sort head tail tr dirname basename cat id mkdir awk getconf env printf; do
  path=$(command -v "$tool") && [ -x "$path" ] && ln -s "$path" "bin/$tool"
done
for script in build test demo "bench start"; do
  # shellcheck disable=SC2086 # a script and its argument
  expect "bare machine, $script" 2 "libuv1-dev: libuv 1.44 or newer" env PATH="$scratch/bin" sh "$source"/scripts/$script
done
# By a relative name, too: from the folder above.
cp "$(command -v bash)" bin/bash
expect "bare machine, .ci/run" 2 "libuv1-dev: libuv 1.44 or newer" env PATH="$scratch/bin" \
  sh -c 'cd "$1/.." && bash "$(basename "$1")/.ci/run"' sh "$source"
expect "bare machine names all" 2 "cmake: CMake 3.25 or newer" env PATH="$scratch/bin" sh "$source/scripts/build"
expect "bare machine, data" 2 "neither curl nor wget is here" env PATH="$scratch/bin" sh "$source/scripts/data" --dir in
expect "no such benchmark" 2 "no such benchmark: warp; known: " sh "$source/scripts/bench" warp
expect "no number of runs" 2 'not "many"' sh "$source/scripts/bench" start --runs many

# Where data is goes to CMake each time, as an absolute path: what its cache has may be of another day.
mkdir -p fake top "here and there"
printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' > fake/cmake
chmod +x fake/cmake
configure()
{
  env PATH="$scratch/fake:$PATH" GROVE_DATA_DIR="$1" sh -c '
    . "$(dirname "$0")/lib.sh"
    top=$1
    build release
    cat "$top/build/release.log"' "$source/scripts/build" "$scratch/top"
}
expect "data, relative" 0 "-DGROVE_DATA_DIR=$scratch/here and there" configure "here and there"
expect "data, absolute" 0 "-DGROVE_DATA_DIR=/nowhere/at all" configure "/nowhere/at all"
expect "data, by default" 0 "-DGROVE_DATA_DIR=$scratch/top/data" configure ""
mkdir -p shared/data
expect "data, shared" 0 "-DGROVE_DATA_DIR=$scratch/shared/data" configure ""

# What CTest says and logs of: a cmocka program in order, one with a failure, one that dies in its second test, a
# script, a skipped script, a program that is not there, a script that CTest calls failed, and a cmocka program that
# has to fail.
cat > told << 'END'
The following tests did not run:
	  5 - g.skip (Skipped)

The following tests FAILED:
	  2 - g.fail (Failed)                       quick
	  3 - g.dies (Subprocess aborted)
	  6 - g.none (Not Run)
	  7 - g.script (Timeout)
END
cat > log << 'END'
1/7 Testing: g.good
[ RUN      ] a
[       OK ] a
[ RUN      ] b
words before [  SKIPPED ] b
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] b
Test Passed.
2/7 Testing: g.fail
[ RUN      ] a
[       OK ] a
[ RUN      ] b
[  FAILED  ] b
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] b
Test Failed.
3/7 Testing: g.dies
[ RUN      ] a
[       OK ] a
[ RUN      ] b
Test Failed.
4/7 Testing: g.plain
Test Passed.
5/7 Testing: g.skip
Test Passed.
7/8 Testing: g.script
Test Failed.
8/8 Testing: g.has_to_fail
[ RUN      ] a
[  FAILED  ] a
Test Passed.
END
expect "counting tests" 0 "5 4 2" awk -f "$source/scripts/count.awk" told log
cat >> log << 'END'
9/9 Testing: g.skip_too
Command: "sh"
Output:
----------------------------------------------------------
some words
no pyarrow in this Python: skipped
<end of output>
Test Skipped.
END
sed 's/(Skipped)$/(Skipped)\n\t  9 - g.skip_too (Skipped)   quick/' told > told_too
expect "naming what is missing" 0 "skipped: g.skip_too: no pyarrow in this Python: skipped" awk -f "$source/scripts/skips.awk" told_too log
expect "naming nothing" 0 "skipped: g.skip: it says no more" awk -f "$source/scripts/skips.awk" told_too log

# A Python that is a peer, one that is none, and none at all.
peers()
{
  env PATH="$scratch/peers:$PATH" GROVE_PEER_PYTHON="$1" sh -c '
    . "$(dirname "$0")/lib.sh"
    top=$1
    find_peers && echo "found $GROVE_PEER_PYTHON"' "$source/scripts/build" "$scratch/top"
}
mkdir -p peers top/build/peers/bin
printf '#!/bin/sh\nexit 1\n' > peers/python3
chmod +x peers/python3
expect "no peer" 1 "" peers ""
printf '#!/bin/sh\nexit 0\n' > peers/python3
expect "python3 is a peer" 0 "found python3" peers ""
cp peers/python3 top/build/peers/bin/python
expect "one of our own" 0 "found $scratch/top/build/peers/bin/python" peers ""
expect "the caller's, whatever it has" 0 "found /nowhere/python" peers /nowhere/python

: > empty
expect "counting nothing" 1 "" awk -f "$source/scripts/count.awk" empty empty

cat > lines << 'END'
grove a seconds 2 s
grove a seconds 1 s
grove a seconds 9 s
slow a seconds 6 s
quick a seconds 3 s
grove b rate 5 1/s
quick b rate 10 1/s
grove c mse 0.25 mse
END
expect "comparing, table" 0 "a                            seconds                  2 quick                   3 1.5" \
  awk -v machine='a "machine"' -v json=doc -f "$source/scripts/bench.awk" lines
expect "comparing, lower is better" 0 '"benchmark":"a","metric":"seconds","unit":"s","better":"lower","grove":2,"peers":{"slow":6,"quick":3},"best_peer":"quick","ratio":1.5' cat doc
expect "comparing, higher is better" 0 '"better":"higher","grove":5,"peers":{"quick":10},"best_peer":"quick","ratio":0.5' cat doc
expect "comparing, alone" 0 '"grove":0.25,"peers":{},"best_peer":null,"ratio":null}]}' cat doc
expect "comparing, machine" 0 '{"schema":1,"machine":"a \"machine\"","results":[' cat doc
cat > lines << 'END'
bar a seconds 2 ratio
bar a peak_bytes 16 tenth
bar b peak_bytes 16 tenth
grove a seconds 2 s
grove a cpu_seconds 4 s
grove a rows 1000000 rows
grove a peak_bytes 20 B
quick a seconds 3 s
quick a cpu_seconds 5 s
slow a seconds 4 s
slow a cpu_seconds 3 s
slow a peak_bytes 100 B
grove b peak_bytes 20 B
slow b peak_bytes 200 B
END
expect "a bar that is not reached" 0 "ratio >= 2: short" awk -v json=doc -f "$source/scripts/bench.awk" lines
expect "a tenth, or more" 0 "<= 16: short" awk -f "$source/scripts/bench.awk" lines
expect "a bar that is reached" 0 "<= 20: met" awk -f "$source/scripts/bench.awk" lines
expect "the processor's seconds" 0 '"cpu":{"grove":4,"peers":{"quick":5,"slow":3},"best_peer":"slow","ratio":0.75},"rows_per_second":500000,"bar":{"kind":"ratio","value":2,"met":false}}' cat doc
expect "no row of their own" 1 "" grep -q '"metric":"cpu_seconds"' doc
[ "$failed" -eq 0 ]
