# grove predict killed at any moment, and resumed: the output is that of an undisturbed run. Arguments after the usual
# three: how many kills (default 12).
. "$(dirname "$0")/lib.sh"
kills=${4:-12}

# Twelve shards of some row groups each, of a size that takes some hundredths of a second.
for s in 1 2 3 4 5 6 7 8 9 10 11 12; do
  awk -v s="$s" 'BEGIN { print "a,b"; for (i = 0; i < 4000 * s; i++) print i "," (i * s) % 97 }' > "shard$s.csv"
done
options="--rule b>=50 --keep a,b --threads 2 --quiet"
# shellcheck disable=SC2086 # words
"$grove" predict $options --out whole shard*.csv > out 2> err || complain "the undisturbed run"

# The moments are spread over the time that a whole run takes, whatever the machine.
killed=0
k=0
series=0
while [ "$killed" -lt "$kills" ] && [ "$k" -lt $((3 * kills)) ]; do # a fast machine may be done before it is killed
  rm -rf parts noted
  round=0
  # Every other series has its notes elsewhere, where outputs are known by their checksums.
  notes=
  [ $((series % 2)) -eq 0 ] || notes="--notes noted"
  series=$((series + 1))
  while :; do
    # shellcheck disable=SC2086
    "$grove" predict $options $notes --out parts --resume shard*.csv > out 2> err &
    pid=$!
    # A spin of a length that grows from round to round: so some are killed at once, and a later one comes through. On a busy machine
    # none might for long: then the tenth is let go, so that there are several series.
    turns=$((k * 37 % 200 + round * (round + 2) * 100))
    while [ "$turns" -gt 0 ] && kill -0 "$pid" 2> /dev/null; do
      turns=$((turns - 1))
    done
    if [ "$round" -lt 9 ] && kill -9 "$pid" 2> /dev/null; then
      killed=$((killed + 1))
    fi
    wait "$pid" 2> /dev/null
    code=$?
    if [ "$code" -ne 137 ]; then
      break
    fi
    round=$((round + 1))
  done
  said="grove predict, killed $round times"
  checks=$((checks + 2))
  [ "$code" -eq 0 ] || complain "$said: exit code should be 0"
  # What a killed writer left behind is gone, too.
  if [ -n "$notes" ]; then
    { diff -r -x '.*.done' -x manifest.json whole parts && [ -z "$(find noted -name '*.tmp')" ]; } > difference 2>&1
  else
    diff -r whole parts > difference 2>&1
  fi || { complain "$said: other bytes"; head -5 difference; }
  k=$((k + round + 1))
done
echo "$killed kills in $series series"
checks=$((checks + 1))
[ "$killed" -gt 0 ] || complain "nobody was killed"

# An interrupt ends in order, and says how to go on.
rm -rf parts
# shellcheck disable=SC2086
"$grove" predict $options --out parts shard*.csv > out 2> err &
pid=$!
turns=100
while [ "$turns" -gt 0 ]; do
  turns=$((turns - 1))
done
kill -2 "$pid" 2> /dev/null
wait "$pid"
code=$?
if [ "$code" -eq 130 ] && grep -q "interrupted: " err; then
  says err "go on with"
  says err "grove predict --resume --rule 'b>=50' --keep a,b"
  # shellcheck disable=SC2086
  run 0 predict $options --out parts --resume shard*.csv
  diff -r whole parts > difference 2>&1 || complain "after an interrupt: other bytes"
fi
finish
