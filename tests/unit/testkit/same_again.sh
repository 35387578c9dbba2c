#!/bin/sh
# same_again.sh PROGRAM: the bug of its test loses_a_coin must be found by some seed and not by all, and the command that
# the failure names must show the same again: the same seed, the same lines of log, each time.
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$program" --test loses_a_coin > "$dir/first" 2>&1 && {
  echo "the planted bug was not found" >&2
  exit 1
}
seed=$(sed -n 's/^.*loses_a_coin ended in seed \([0-9]*\);.*$/\1/p' "$dir/first")
case $seed in
  "" | 1) echo "found at once or without a seed: \"$seed\"" >&2 && exit 1 ;;
esac
what()
{
  sed -n -e '/ended in seed/p' -e '/^ *log: /p' -e '/!=/p' "$1"
}
what "$dir/first" > "$dir/wanted"
[ "$(wc -l < "$dir/wanted")" -ge 3 ] || {
  echo "too little was said:" >&2
  cat "$dir/first" >&2
  exit 1
}
for time in 1 2 3 4 5; do
  "$program" --test loses_a_coin --seed "$seed" > "$dir/again" 2>&1 && {
    echo "seed $seed does not fail again" >&2
    exit 1
  }
  what "$dir/again" | diff "$dir/wanted" - || {
    echo "seed $seed showed something else, time $time" >&2
    exit 1
  }
done
# The seeds before it are good, each by itself.
"$program" --test loses_a_coin --seed $((seed - 1)) > /dev/null 2>&1 || {
  echo "seed $((seed - 1)) fails, too, and was passed over" >&2
  exit 1
}
echo "found at seed $seed, and again"
