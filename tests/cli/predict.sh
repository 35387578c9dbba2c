# grove predict: shards good and bad, rules, models, predictions written back.
. "$(dirname "$0")/lib.sh"

printf 'passenger_count,fare\n1,5\n2,6\n,7\n4,\n' > a.csv
printf 'Passenger_Count,fare\n2,5\n3,6.5\n' > b.csv
printf 'x,fare\n2,5\n' > other.csv
: > zero.parquet
echo 'this is a text, and no Parquet file' > text.parquet
mkdir -p folder/deep empty
rule='passenger_count >= 2'

run 0 predict --rule "$rule" a.csv b.csv --json
is out 'list(d) == ["schema", "seconds", "peak_rss_bytes", "rows", "score", "shards", "failed", "members"]'
is out 'd["rows"] == 6 and d["score"] == 4 and d["failed"] == 0 and d["peak_rss_bytes"] > 0'
is out 'd["shards"] == [{"path": "a.csv", "rows": 4, "score": 2, "state": "DONE", "error": None}, {"path": "b.csv", "rows": 2, "score": 2, "state": "DONE", "error": None}]'
run 0 predict --rule "$rule" a.csv b.csv
says out "total"
says out "2 shards, 0 failed"
says err "2/2 shards"
run 0 predict --rule "$rule" --actors 2 a.csv b.csv a.csv b.csv --json
is out 'sum(m["groups"] for m in d["members"]) == 4 and sum(m["rows"] for m in d["members"]) == 12'
is out '1 <= len(d["members"]) <= 2 and all(m["name"].startswith("member ") and m["busy_seconds"] > 0 and m["failed"] == 0 and m["restarts"] == 0 for m in d["members"])'
run 3 predict --rule "$rule" --actors 1 a.csv nowhere.csv --json
is out 'd["members"] == [{**d["members"][0], "items": 2, "failed": 1, "groups": 1, "rows": 4}]'
run 0 predict --rule "$rule" a.csv --quiet
silent err
run 0 predict --rule 'fare is null' --actors 50 --threads 1 a.csv --json # more actors than shards
is out 'd["score"] == 1 and d["failed"] == 0'
run 0 predict --rule "$rule" --executor uv a.csv b.csv --json
is out 'd["score"] == 4'

# A name may be anything; a row of the table stays one line, and no command for a terminal.
odd=$(printf 'b\nc \033[2J.csv')
cp a.csv "$odd"
run 0 predict --rule "$rule" "$odd" --quiet
says out 'b?c ?[2J.csv            4      2'
run 0 predict --rule "$rule" "$odd" --json
is out 'd["shards"][0]["path"] == "b?c ?[2J.csv" and d["score"] == 2'

# In the manifest, too, where bytes that are no text are said to be something else.
bytes=$(printf 'b\377"\303\274.csv')
cp a.csv "$bytes"
run 0 predict --rule "$rule" --out bytes "$bytes"
is bytes/manifest.json 'd["shards"][0]["shard"] == "b\ufffd\"\u00fc.csv" and d["shards"][0]["output"] == "b\ufffd\"\u00fc.parquet"'
run 0 predict --rule "$rule" --out bytes --resume "$bytes"
says out "1 done before"

# What is there already is not written over unasked.
echo mine > bytes/a.parquet
run 3 predict --rule "$rule" --out bytes a.csv b.csv
says err '"bytes/a.parquet" is there already: resume to leave out what is done, force to write over it'
run 3 predict --rule "$rule" --out bytes --resume a.csv b.csv
says err 'no note says that a job made it'
[ "$(cat bytes/a.parquet)" = mine ] || complain "an output was written over"
run 0 predict --rule "$rule" --out bytes --resume --force a.csv b.csv
says out "1 done before"
echo mine > bytes/manifest.json
run 4 predict --rule "$rule" --out bytes --resume a.csv b.csv
says err 'is no manifest of a job'

# What can't be written is said beside what was done.
mkdir -p taken/manifest.json
run 4 predict --rule "$rule" --out taken a.csv b.csv
says err 'manifest.json" can'"'"'t be read, and may be somebody'"'"'s: it wants the right to, another folder, or force'
silent out
run 5 predict --rule "$rule" --out taken --force a.csv b.csv
says out "2 shards, 0 failed"
says err 'manifest.json" is a folder; a file is wanted'

# Some shards fail: the others are done, and the exit code says so.
run 3 predict --rule "$rule" a.csv nowhere.parquet zero.parquet text.parquet other.csv b.csv --json
is out 'd["failed"] == 4 and d["rows"] == 6 and d["score"] == 4'
is out '[s["state"] for s in d["shards"]] == ["DONE", "FAILED", "FAILED", "FAILED", "FAILED", "DONE"]'
is out 'all(s["rows"] == 0 and s["path"] in s["error"] for s in d["shards"] if s["state"] == "FAILED")'
is out '"unknown column \"passenger_count\"" in d["shards"][4]["error"]'
run 3 predict --rule "$rule" a.csv zero.parquet
says out "FAILED"
says err "zero.parquet"

# All fail, or none is there: the code is that of the failure.
run 4 predict --rule "$rule" nowhere.parquet
says err 'can'"'"'t open "nowhere.parquet": No such file or directory'
run 5 predict --rule "$rule" zero.parquet
says err "zero.parquet: the file is empty (0 bytes): not a Parquet file"
run 5 predict --rule "$rule" text.parquet
says err 'text.parquet: it does not start with PAR1 but with "this is a te": not a Parquet file'
run 5 predict --rule "$rule" other.csv
says err 'other.csv: unknown column "passenger_count"'
run 4 predict --rule "$rule" empty
says err 'folder "empty" has no shard (*.parquet) in it'
run 4 predict --rule "$rule" 'empty/*.parquet'
says err 'no file matches "empty/*.parquet"'

# Requests.
run 2 predict --rule "$rule" --actors 0 a.csv
says err '--actors is "0"; a whole number from 1'
run 2 predict --rule 'passenger_count >= two' a.csv
says err 'expected a number at character 20, found "two"'
silent out
run 2 predict --rule 'passenger_count >=' a.csv --json
is err 'd["error"]["exit"] == 2 and "expected a number at its end" in d["error"]["message"]'
run 2 predict a.csv
says err "--model FILE or --rule TEXT is needed"
run 2 predict --rule "$rule" --model m a.csv
says err "one of them is wanted"
run 2 predict --rule "$rule"
says err "no shard is given"
run 4 predict --model nowhere.grove a.csv
says err "nowhere.grove"
run 5 predict --model a.csv a.csv
says err "a.csv"

# A trained model; predictions written back, and not made twice.
awk 'BEGIN { print "x,y"; for (i = 0; i < 50; i++) print i "," 2 * i + 1 }' > line.csv
run 0 train --data line.csv --model linear --save models --quiet
printf 'other,X\n9,1\n9,2\n' > shard.csv
run 0 predict --model models/linear.grove shard.csv --json
is out 'd["rows"] == 2 and abs(d["score"] - 8) < 1e-6'
run 0 predict --model models/linear.grove --out scored shard.csv line.csv --json
is out 'd["failed"] == 0'
run 0 parquet cat scored/shard.parquet --csv
says out "prediction"
[ "$(wc -l < out)" -eq 3 ] || complain "scored/shard.parquet should have two rows"
run 0 parquet check scored/line.parquet
before=$(ls -i scored/*.parquet)
run 0 predict --model models/linear.grove --out scored --resume shard.csv line.csv --json
is out 'd["rows"] == 52 and all(s["resumed"] for s in d["shards"])'
[ "$before" = "$(ls -i scored/*.parquet)" ] || complain "predictions were made again"
mkdir -p twice
cp shard.csv twice/
run 2 predict --model models/linear.grove --out scored shard.csv twice/shard.csv
says err "would both be scored/shard.parquet"

# What is read is not written over, nor taken for input what an earlier run wrote.
mkdir -p own/deep
cp scored/line.parquet own/
cp scored/shard.parquet own/deep/
cp own/line.parquet line.before
for out in own own/ ./own/../own "file://$(pwd)/own"; do
  run 2 predict --rule 'prediction >= 2' --out "$out" own
  says err 'the predictions of "own/line.parquet" would be written over it'
done
cmp -s own/line.parquet line.before || complain "a shard was written over"
for listed in own own/ './own' 'own/**' "$(pwd)/own" "file://$(pwd)/own"; do
  run 0 predict --rule 'prediction >= 2' --out own/deep/scored --force --json "$listed"
  is out 'len(d["shards"]) == 2 and d["failed"] == 0 and all("scored" not in s["path"] for s in d["shards"])'
done
says err '2 files in own/deep/scored left out: that is where predictions are written'
run 0 predict --rule 'prediction >= 2' --out own/deep/scored --force --quiet own
run 0 predict --rule 'prediction >= 2' --out own/deep/scored --resume --quiet own
says out '2 done before'
silent err
run 0 predict --rule 'prediction >= 2' --out other own/deep/scored # what is asked for by name is meant
run 0 predict --rule 'prediction >= 2' --out "file://$(pwd)/a%20folder" own/line.parquet
[ -e 'a folder/line.parquet' ] && [ ! -e file: ] || complain "--out file://"

# On a terminal: a bar, drawn in place, and taken off in the end. `script` makes one.
if command -v script > /dev/null 2>&1; then
  said="grove predict on a terminal"
  code=0
  TERM=xterm script -qec "stty cols 120 rows 30; '$grove' predict --rule 'X >= 2' shard.csv line.csv > table" typescript > out 2> err < /dev/null || code=$?
  says typescript "░"
  says typescript "100 %"
  says typescript "2/2 shards, 0.00 M rows, 0.000 GB"
  says typescript "member 1"
  says table "2 shards, 0 failed"
  checks=$((checks + 1))
  ! grep -q '░' table || complain "$said: the bar is in the result"
  for how in '--quiet' '--no-progress' '--progress=lines'; do
    TERM=xterm script -qec "'$grove' predict --rule 'X >= 2' shard.csv $how > table" typescript > out 2> err < /dev/null || code=$?
    checks=$((checks + 1))
    ! grep -q '░' typescript || complain "$said: $how, and a bar"
  done
fi

# How progress is told.
run 0 predict --rule 'X >= 2' --progress bar shard.csv
says err "░"
run 0 predict --rule 'X >= 2' --progress none shard.csv
silent err
run 0 predict --rule 'X >= 2' --progress none --progress lines shard.csv
says err "1/1 shards"
run 2 predict --rule 'X >= 2' --progress often shard.csv
says err '--progress is "often"; it can be auto, bar, lines or none'
run 0 train --data line.csv --model linear --progress none
silent err

# A job's options.
run 0 predict --rule 'X >= 2' --filter 'X < 2 or other = 9' --keep other,X --format csv --out text shard.csv
[ "$(cat text/shard.csv)" = "$(printf 'other,X,prediction\n9,1,0\n9,2,1')" ] || complain "text/shard.csv"
run 0 predict --rule 'X >= 2' --dry-run shard.csv
says out "nothing was scored"
says out "1 kind of columns; memory for shards about"
printf 'other,X,y\n9,1.5,t\n' > drift.csv
run 3 predict --rule 'X >= 2' --dry-run --out planned shard.csv drift.csv nowhere.csv line.csv --actors 1
says out "X is double, not int64; also y"
says out "no other; X is called x; also y"
says out "4 shards, 1 can't be used; 3 kinds of columns"
run 3 predict --rule 'X >= 2' --dry-run --json --out planned shard.csv drift.csv nowhere.csv line.csv
is out 'd["plan"] and [s["columns_differ"] for s in d["shards"]] == [None, "X is double, not int64; also y", None, "no other; X is called x; also y"]'
is out '[s["state"] for s in d["shards"]] == ["READY", "READY", "FAILED", "READY"] and d["rows"] == 53 and d["failed"] == 1 and d["memory_bytes"] > 0'
[ ! -d planned ] || complain "a plan makes no folder"
run 0 predict --rule 'X >= 2' --limit 1 shard.csv line.csv
says out "1 shard, 0 failed"
run 4 predict --rule 'X >= 2' --on-error fail none.csv shard.csv
run 3 predict --rule 'X >= 2' --on-error retry=2 none.csv shard.csv
run 2 predict --rule 'X >= 2' --on-error never shard.csv
says err "it can be skip, fail, or retry=N"
run 2 predict --rule 'X >= 2' --format orc --out text shard.csv
says err "it can be parquet or csv"
run 2 predict --rule 'X >= 2' --keep X shard.csv
says err "there is no --out"
run 2 predict --rule 'X >= 2' --out '' shard.csv
says err "--out has an empty name: a folder is wanted"
run 2 predict --rule 'X >= 2' --notes '' shard.csv
says err "--notes has an empty name: a folder is wanted"
run 2 predict --rule 'X >= 2' --resume shard.csv
says err "--resume needs --out or --notes"
run 2 predict --rule 'X >= 2' --filter 'X >' shard.csv
says err "--filter: rule"
run 0 predict --rule 'X >= 2' --notes notes shard.csv
run 0 predict --rule 'X >= 2' --notes notes --resume shard.csv
says out "1 done before"

run 0 predict --rule 'X >= 2' --out noted --quiet shard.csv
run 4 predict --rule 'X >= 2' --notes noted --resume --quiet shard.csv
says err 'is the note of an output, which this job doesn'"'"'t write: the folder of that output (out), other notes, or force'
run 0 predict --rule 'X >= 2' --out noted --resume --quiet shard.csv
says out "1 done before"
run 5 predict --rule 'X >= 2' --quiet hdfs://name/shard.csv
says err 'the store knows no scheme hdfs://; it knows plain paths, file http https s3'

# A filter that the reader can't judge by itself.
lists=$data/parquet-testing/data/list_columns.parquet
if [ -r "$lists" ]; then
  run 0 predict --rule 'int64_list is null' --filter 'int64_list is not null' --json "$lists"
  is out 'd["rows"] == 3 and d["score"] == 0'
  run 0 predict --rule 'int64_list is null' --filter 'int64_list is not null' --keep utf8_list --out lists --json "$lists"
  is out 'd["rows"] == 3 and d["failed"] == 0'
fi

# Real months, whose types drift: the same score for any number of actors; one cut short is named.
months=$data/taxi
if [ -r "$months/green_tripdata_2022-01.parquet" ]; then
  run 0 predict --rule "$rule" --actors 6 "$months"/green_tripdata_*.parquet --json
  is out 'd["rows"] == 441327 and len(d["shards"]) == 7 and d["failed"] == 0 and d["score"] > 50000'
  grep -o '"rows":[0-9]*,"score":[0-9.]*' out > six
  run 0 predict --rule "$rule" --actors 1 --threads 1 "$months"/green_tripdata_*.parquet --json
  grep -o '"rows":[0-9]*,"score":[0-9.]*' out > one
  cmp -s one six || complain "one actor and six disagree"
  cp "$months/green_tripdata_2022-01.parquet" folder/deep/good.parquet
  head -c 500000 folder/deep/good.parquet > folder/cut.parquet
  run 3 predict --rule "$rule" folder --json
  is out '[s["path"] for s in d["shards"]] == ["folder/cut.parquet", "folder/deep/good.parquet"]'
  is out 'd["rows"] == 62495 and d["failed"] == 1'
  says err 'folder/cut.parquet: it starts with PAR1 but does not end so: the file is cut short (it has 500000 bytes)'
fi
finish
