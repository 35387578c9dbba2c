# Very many shards: what is kept of each is little, so that the memory of ten thousand is that of a thousand and some MB.
. "$(dirname "$0")/lib.sh"
mkdir shards
awk 'BEGIN { for (i = 0; i < 10000; i++) { name = sprintf("shards/part-%05d.csv", i); print "a,b\n1," i % 7 "\n2," i % 5 > name; close(name) } }'
run 0 predict --rule 'b >= 3' --threads 2 --quiet --json 'shards/part-00*.csv'
is out 'len(d["shards"]) == 1000 and d["failed"] == 0'
few=$(sed 's/.*"peak_rss_bytes":\([0-9]*\).*/\1/' out)
run 0 predict --rule 'b >= 3' --threads 2 --quiet --json 'shards/*.csv'
is out 'len(d["shards"]) == 10000 and d["rows"] == 20000'
is out 'd["score"] == sum((i % 7 >= 3) + (i % 5 >= 3) for i in range(10000))'
many=$(sed 's/.*"peak_rss_bytes":\([0-9]*\).*/\1/' out)
echo "$few bytes for 1000 shards, $many for 10000"
checks=$((checks + 1))
[ $((many - few)) -lt 5500000 ] || complain "each shard costs $(((many - few) / 9000)) bytes of memory"

# An interrupt in the midst ends in order: what is done stays, the manifest says so, and the command that is printed goes on.
# stopped SIGNAL EXIT OPTION...
stopped()
{
  signal=$1 wanted=$2
  shift 2
  rm -rf parts
  "$grove" predict --rule 'b >= 3' --threads 2 --out parts "$@" 'shards/part-00*.csv' > out 2> err < /dev/null &
  pid=$!
  while kill -0 "$pid" 2> /dev/null && [ ! -e parts/.part-00003.parquet.done ]; do
    :
  done
  kill -"$signal" "$pid"
  wait "$pid"
  code=$?
  said="a job of 1000 shards, interrupted by $signal"
  checks=$((checks + 1))
  [ "$code" -eq "$wanted" ] || complain "$said: exit code should be $wanted"
  says err "interrupted: "
}
"$grove" predict --rule 'b >= 3' --threads 2 --quiet --out whole 'shards/part-00*.csv' > out 2> err || complain "the undisturbed run"
stopped INT 130
says err "go on with"
says err "  grove predict --resume --rule 'b >= 3' --threads 2 --out parts 'shards/part-00*.csv'"
is parts/manifest.json '{s["state"] for s in d["shards"]} == {"DONE", "OPEN"} and len(d["shards"]) == 1000'
checks=$((checks + 2))
[ -z "$(find parts -name '*.tmp')" ] || complain "$said: something half is left"
again=$(sed -n 's/^  grove predict/predict/p' err)
said="grove $again"
sh -c "'$grove' $again" > out 2> err || complain "$said: what was printed does not go on: $again"
diff -r whole parts > difference 2>&1 || complain "$said: other bytes"
stopped TERM 143 --json
tail -n 1 err > last
is last 'd["error"]["exit"] == 143 and "go on with: grove predict --resume --rule '"'"'b >= 3'"'"' --threads 2 --out parts --json" in d["error"]["message"]'

# Limits have an exit code of their own.
awk 'BEGIN { print "a,b"; for (i = 0; i < 200000; i++) print i "," i % 7 }' > large.csv
run 6 predict --rule 'b >= 3' --memory 1 large.csv
says err "memory_bytes"
finish
