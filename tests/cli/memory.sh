# A job's budget: however many members there are, what they read, score and write together stays within it.
. "$(dirname "$0")/lib.sh"

# Shards of one row group, whose texts take some ten MB each when they are read.
awk 'BEGIN {
  print "id,a,text"
  for (i = 0; i < 90000; i++) printf "%d,%d,%08d the quick brown fox jumps over the lazy dog and over the next one as well: %08d\n", i, i % 97, (i * 7919) % 90000, i
}' > one.csv
run 0 predict --rule 'a >= 50' --keep id,a,text --out one --quiet one.csv
mkdir parquet csv
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  cp one/one.parquet "parquet/part-$i.parquet"
  ln one.csv "csv/part-$i.csv"
done

# peak ARGUMENT...: sets $peak, in KB, of a run.
peak() {
  rm -rf scored
  run 0 predict --rule 'a >= 50' --keep id,text --out scored --threads 8 --quiet --json "$@"
  is out 'd["failed"] == 0 and d["rows"] == 12 * 90000'
  peak=$(($(sed 's/.*"peak_rss_bytes":\([0-9]*\).*/\1/' out) / 1024))
}
for kind in parquet csv; do
  peak --actors 8 "$kind/*.$kind"
  free=$peak
  mv scored "$kind-free"
  peak --actors 8 --memory 40 "$kind/*.$kind"
  echo "$kind: $free KB without a budget, $peak KB with one of 40960"
  checks=$((checks + 2))
  [ "$peak" -lt $((40960 + 16384)) ] || complain "$kind: a budget of 40960 KB, and $peak KB"
  diff -r "$kind-free" scored > difference 2>&1 || complain "$kind: other bytes within a budget"
done
finish
