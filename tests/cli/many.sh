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
finish
