#!/bin/sh
# lines_test.sh COMPILER SOURCE SCRATCH: bench/lines/lines.c counts the crossings of a program that has so many.
set -eu
compiler=$1 source=$2 scratch=$3
turns=2000
mkdir -p "$scratch"
cd "$scratch"
"$compiler" -std=c11 -O2 -Wall -Wextra -Werror -c "$source/bench/lines/lines.c" -o lines.o
"$compiler" -std=c11 -O2 -fsanitize=thread -c "$source/tests/lines/turns.c" -o turns.o
"$compiler" turns.o lines.o -lpthread -o turns
./turns $turns 2> told
# A look is counted before it is made: when the other writes between the two, it is one crossing that writes instead of two.
awk -v turns=$turns '
  $1 == "crossings" { all = $2; threads = $4 }
  $1 == "T" && $4 == 0 { turn[$3] += $2 }
  END {
    ok = threads == 2 && all >= turns - 8 && all <= 2 * turns + 8
    ok = ok && turn["read"] + turn["write"] >= turns - 8 && turn["upgrade"] >= turns / 10
    print ok ? "ok" : "FAILED", all, "crossings of", turns, "turns by", threads, "threads:", turn["read"], "read,", turn["upgrade"], "upgrade"
    exit !ok
  }' told
