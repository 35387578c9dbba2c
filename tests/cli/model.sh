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
# Out to other libraries and in again: LightGBM's form keeps every bit, XGBoost's has floats.
for form in xgboost-json xgboost-ubjson lightgbm grove; do
  run 0 model convert --model models/decision_tree.grove --to $form --out tree.$form
  silent out
  run 0 model predict --model tree.$form --data line.csv
  cmp -s out piped.csv || complain "$form has other predictions"
  run 0 predict --model tree.$form line.csv --json
  is out "abs(d['score'] - $sum) < 1e-6"
done
run 0 model info tree.lightgbm
says out "library=lightgbm"
run 0 model convert --model tree.lightgbm --to xgboost-json --out again.json --json
is out 'd["form"] == "xgboost-json" and d["bytes"] > 100'
run 0 model diff tree.grove models/decision_tree.grove --data line.csv
says out "0 of 60 different"
run 1 model diff tree.lightgbm models/decision_tree.grove --data line.csv --json
is out 'd["kind_differs"] and d["trees_different"] == 0 and d["predictions"]["different"] == 0'
run 2 model diff tree.grove
run 2 model convert --model tree.grove --to lightgmb --out x
says err "lightgbm"
run 2 model convert --model tree.grove --to lightgbm
head -c 200 tree.xgboost-ubjson > short.ubj
run 5 model info short.ubj
run 4 model info nowhere.json
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
