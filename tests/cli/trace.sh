# --trace FILE: what train and predict did, as a Chrome trace file, read by Python; tests/interop/perfetto.sh has Perfetto read it.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 300; i++) printf "%d,%d,%d\n", i % 17, i % 5, i % 17 + 2 * (i % 5) }' > few.csv

# Each begin has its end, each flow both sides, times ascend on each track.
cat > judge.py <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
stacks, last, out, into, queued = {}, {}, {}, {}, {}
names = []
for e in d['traceEvents']:
    if e['ph'] == 'M':
        names.append(e['args']['name'])
        continue
    track = (e['pid'], e['tid'])
    assert e['ts'] >= last.get(track, 0), e
    last[track] = e['ts']
    if e['ph'] == 'B':
        stacks.setdefault(track, []).append(e['name'])
    elif e['ph'] == 'E':
        stacks[track].pop()
    elif e['ph'] == 's':
        assert stacks[track] and e['id'] not in out, e
        out[e['id']] = e['ts']
    elif e['ph'] == 'f':
        assert stacks[track] and e['bp'] == 'e' and out[e['id']] <= e['ts'] and e['id'] not in into, e
        into[e['id']] = 1
    elif e['ph'] == 'b':
        queued[e['id']] = e['name']
    elif e['ph'] == 'e':
        assert queued.pop(e['id']) == e['name'], e
assert out.keys() == into.keys() and out, (out, into)
assert not any(stacks.values()) and not queued, (stacks, queued)
for wanted in sys.argv[2:]:
    assert any(wanted in n for n in names), (wanted, names)
print(len(d['traceEvents']), 'events,', len(out), 'flows')
PY
judge() {
  [ -n "$python" ] || return 0
  checks=$((checks + 1))
  "$python" judge.py "$@" > seen 2>&1 || { complain "$said: the trace is not in order"; cat seen; }
}

run 0 train --data few.csv --model linear --model decision_tree --trace t.json -q
judge t.json 'decision_tree' 'linear' 'trainer' 'worker '
run 0 train --data few.csv --model linear --executor uv --trace u.json -q
judge u.json 'linear' 'worker '
for shard in "$data"/taxi/*.parquet; do
  [ -e "$shard" ] || continue
  run 0 predict --rule 'passenger_count >= 2' --actors 2 --trace p.json -q "$shard"
  judge p.json 'worker '
  break
done
run 4 train --data few.csv --model linear --trace nowhere/t.json
says err 'nowhere/t.json'
[ ! -s /dev/full ] && [ -c /dev/full ] && {
  run 1 train --data few.csv --model linear --trace /dev/full -q
  says err "--trace: the file can't be written"
}
finish
