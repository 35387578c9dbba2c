# grove model: saved models, looked at and used.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { print "x,z,y"; for (i = 0; i < 60; i++) print i "," i % 5 "," 2 * i + 1 }' > line.csv
run 0 train --data line.csv --model decision_tree --save models --json
hash=$(grep -o '"model_hash":"[0-9a-f]*"' out | cut -d'"' -f4)
run 0 model info models/decision_tree.grove
says out "decision_tree"
says out "$hash"
says out "x, z"
run 0 model info --model models/decision_tree.grove --json
is out 'd["name"] == "decision_tree" and d["features"] == ["x", "z"]'
run 0 model predict --model models/decision_tree.grove --data line.csv --json
is out 'd["schema"] == 1 and d["rows"] == 60 and len(d["predictions"]) == 60'
run 0 model predict --model models/decision_tree.grove --data line.csv
cp out piped.csv
run 0 model predict --model models/decision_tree.grove --data line.csv --out p.csv
silent out
cmp -s p.csv piped.csv || complain "--out and standard output disagree"
run 0 model predict --model models/decision_tree.grove --data line.csv --out p.parquet
run 0 parquet cat p.parquet
cmp -s out piped.csv || complain "the Parquet file has other predictions"
run 0 predict --model models/decision_tree.grove line.csv --json
sum=$(awk 'NR > 1 { s += $1 } END { printf "%.9f", s }' piped.csv)
is out "abs(d['score'] - $sum) < 1e-6"
# Numbers keep their value and the document its form, however short or long their texts are.
awk 'BEGIN { print "x,y"; for (i = 0; i < 40; i++) print i % 4 ",9.5367431640625e-07" }' > tiny.csv
run 0 train --data tiny.csv --model decision_tree --save tiny --json
is out 'd["models"][0]["mse"] == 0'
run 0 model predict --model tiny/decision_tree.grove --data tiny.csv --json
is out 'd["predictions"] == [2.0 ** -20] * 40'
printf 'x,q\n1,2\n' > other.csv
run 5 model predict --model models/decision_tree.grove --data other.csv
says err '"z"'
run 4 model predict --model nowhere.grove --data line.csv
says err "nowhere.grove"
run 4 model predict --model models/decision_tree.grove --data nowhere.csv
says err "nowhere.csv"
head -c 100 models/decision_tree.grove > cut.grove
run 5 model info cut.grove
says err "cut.grove"
: > zero.grove
run 5 model info zero.grove
run 5 model info line.csv
run 2 model info
says err "one FILE is wanted"
run 2 model predict --model models/decision_tree.grove
says err "--data FILE"
finish
