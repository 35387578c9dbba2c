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
# As a C file, which is compiled and says the same.
cc=$(command -v cc || command -v gcc || true)
emitted() { # MODEL ROWS
  run 0 model convert --model "$1" --to c --out emitted.c
  run 0 model predict --model "$1" --data "$2"
  [ -n "$cc" ] || return 0
  checks=$((checks + 1))
  cat emitted.c - > whole.c << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
  static char line[65536];
  double x[64];
  puts("prediction");
  while (fgets(line, sizeof line, stdin)) {
    int n = 0;
    for (char *at = line, *end; n < 64; at = end + 1) {
      x[n++] = *at == ',' || *at == '\n' ? NAN : strtod(at, &end);
      end = at + strcspn(at, ",\n");
      if (*end != ',')
        break;
    }
    printf("%.17g\n", grove_predict(x));
  }
}
END
  "$cc" -std=c99 -O1 -Wall -Werror -ffp-contract=off whole.c -o whole -lm 2> err || complain "what was emitted does not compile"
  tail -n +2 "$2" | ./whole > said
  awk 'NR == FNR { want[FNR] = $1; next } FNR > 1 && want[FNR] + 0 != $1 + 0 { bad++ } END { exit bad > 0 || FNR < 20 }' out said ||
    complain "$1 as C has other predictions"
}
emitted models/decision_tree.grove line.csv
models=$here/../data/models
for kind in decision_tree random_forest gradient_boosting; do
  emitted "$models/v1/$kind.grove" "$models/v1/rows.csv"
done
for name in xgb32_category.ubj xgb32_logistic.ubj lgb47_category.txt lgb47_binary.txt lgb33_sqrt.txt; do
  columns=f0,f1,f2,f3
  case $name in lgb*) columns=Column_0,Column_1,Column_2,Column_3 ;; esac
  { echo $columns; awk '{ print $1 "," $2 "," $3 "," $4 }' "$models/${name%.*}.rows" | sed 's/nan//g'; } > rows.csv
  emitted "$models/$name" rows.csv
done
# What a model goes by.
run 0 model importance --model models/decision_tree.grove
says out "x "
run 0 model importance --model models/decision_tree.grove --by split --json
is out 'd["features"][0]["importance"] > d["features"][1]["importance"]'
run 0 model importance --model models/decision_tree.grove --by permutation --data line.csv --json
is out 'd["features"][0]["importance"] > 100 and d["features"][1]["importance"] < 1'
run 2 model importance --model models/decision_tree.grove --by permutation
run 2 model importance --model models/decision_tree.grove --by heart
run 0 model explain --model models/decision_tree.grove --data line.csv --json
is out 'len(d["values"]) == 60 and all(len(v) == 3 for v in d["values"])'
cp out explained
run 0 model predict --model models/decision_tree.grove --data line.csv --json
is out 'all(abs(sum(v) - p) < 1e-9 for v, p in zip(json.load(open("explained"))["values"], d["predictions"]))'
run 0 model explain --model models/decision_tree.grove --data line.csv
says out "x,z,expected"
run 2 model diff tree.grove
run 2 model convert --model tree.grove --to lightgmb --out x
says err "lightgbm"
run 2 model convert --model tree.grove --to lightgbm
head -c 200 tree.xgboost-ubjson > short.ubj
run 5 model info short.ubj
run 4 model info nowhere.json
# A column's name is quoted like any text of a CSV, and what is written reads back.
awk 'BEGIN { print "\"a,\"\"b\"\"\",y"; for (i = 0; i < 60; i++) print i "," 2 * i }' > quoted.csv
run 0 train --data quoted.csv --model decision_tree --save quoted
run 0 model explain --model quoted/decision_tree.grove --data quoted.csv
[ "$(head -n 1 out)" = '"a,""b""",expected' ] || complain "explain: the header is $(head -n 1 out)"
cp out explained.csv
run 0 train --data explained.csv --target expected --model decision_tree
run 0 predict --model quoted/decision_tree.grove quoted.csv --out batch --format csv
run 0 model predict --model quoted/decision_tree.grove --data quoted.csv --out quoted_p.csv
cut -d , -f 1 batch/*.csv | cmp -s - quoted_p.csv || complain "model predict and predict write other numbers: $(head -n 3 batch/*.csv quoted_p.csv)"
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
