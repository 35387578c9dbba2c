# grove train: the report, its options, and what is wrong with data and requests.
. "$(dirname "$0")/lib.sh"

# A small table with something to learn, by a fixed sequence.
awk 'BEGIN {
  print "a,b,c,y"; s = 7
  for (i = 0; i < 400; i++) {
    s = (s * 1103515245 + 12345) % 2147483648; a = s / 2147483648
    s = (s * 1103515245 + 12345) % 2147483648; b = s / 2147483648
    printf "%.6f,%.6f,%d,%.6f\n", a, b, i % 7, 3 * a + b * b
  }
}' > good.csv
small="--set random_forest.n_estimators=5 --set gradient_boosting.n_estimators=5"

run 0 train --data good.csv $small --json
is out 'list(d) == ["schema", "seconds", "models"] and d["schema"] == 1 and d["seconds"] > 0'
is out 'sorted(m["name"] for m in d["models"]) == ["decision_tree", "gradient_boosting", "linear", "random_forest"]'
is out '[m["mse"] for m in d["models"]] == sorted(m["mse"] for m in d["models"])'
is out 'all(m["state"] == "DONE" and m["seed"] == 0 and len(m["model_hash"]) == 16 for m in d["models"])'
is out 'all(list(m) == ["name", "state", "mse", "rmse", "mae", "r2", "ended", "train_seconds", "predict_seconds", "parameters", "seed", "model_hash"] for m in d["models"])'
is out '{m["name"]: m["parameters"] for m in d["models"]}["random_forest"]["n_estimators"] == 5'
is out '{m["name"]: m["parameters"] for m in d["models"]}["decision_tree"]["max_depth"] == 15'

# The same seed gives the same bits for any number of threads; another seed another split.
for threads in 1 2 8; do
  run 0 train --data good.csv $small --seed 3 --threads $threads --json
  grep -o '"model_hash":"[0-9a-f]*"\|"mse":[0-9.e-]*' out > bits.$threads
done
cmp -s bits.1 bits.2 && cmp -s bits.1 bits.8 || complain "bits differ between numbers of threads"
run 0 train --data good.csv $small --seed 4 --json
grep -o '"model_hash":"[0-9a-f]*"' out > other
grep -o '"model_hash":"[0-9a-f]*"' bits.1 > one
cmp -s other one && complain "seeds 3 and 4 give the same models"
run 0 train --data good.csv $small --seed 3 --executor uv --json
grep -o '"model_hash":"[0-9a-f]*"\|"mse":[0-9.e-]*' out > bits.uv
cmp -s bits.1 bits.uv || complain "bits differ on libuv's pool"

# The table for people; progress in plain lines on the other stream.
run 0 train --data good.csv --model linear --model decision_tree
says out "time to train"
says out "linear"
says err "linear: DONE"
grep -q random_forest out && complain "a model that was not asked for"
run 0 train --data good.csv --model linear --quiet
silent err
run 0 train --data good.csv --model linear --no-progress
silent err
run 0 train --data good.csv --model xgboost --set xgboost.n_estimators=3 --set xgboost.lr=0.1 --set xgboost.eta=0.3
says out "gradient_boosting"
says out "note: gradient_boosting: lr"

# Categories and directions; errors by folds; time limits.
run 0 train --data good.csv --model decision_tree --model gradient_boosting --categorical c --increasing a --decreasing b --json
is out 'all(m["state"] == "DONE" and m["r2"] < 1 and m["mae"] > 0 and abs(m["rmse"] ** 2 - m["mse"]) < 1e-9 for m in d["models"])'
run 3 train --data good.csv --model linear --model decision_tree --categorical c --json
is out 'd["models"][1]["state"] == "FAILED" and "linear does not take categories" in d["models"][1]["error"]'
run 2 train --data good.csv --model decision_tree --categorical z
says err "z"
run 0 train --data good.csv --model linear --folds 5 --json
is out 'd["models"][0]["mse_error"] > 0 and d["models"][0]["mse"] > 0'
run 0 train --data good.csv --model linear --folds 5
says out "+-"
run 2 train --data good.csv --folds 1
run 0 train --data good.csv --model random_forest --set random_forest.n_estimators=1000000 --time-limit 20 --json
is out 'd["models"][0]["ended"] == "time" and d["models"][0]["state"] == "DONE"'

# Options of the split and the target.
run 0 train --data good.csv --model linear --target a --test-size 0.5 --json
is out 'd["models"][0]["mse"] > 0'
run 2 train --data good.csv --model linear --target z
says err 'target "z"'
says err "a, b, c, y"
run 2 train --data good.csv --test-size 1.5
says err '--test-size is "1.5"; a number between 0 and 1'
run 2 train --data good.csv --seed -1
says err '--seed is "-1"'
run 2 train --data good.csv --threads 0
says err '--threads is "0"; a whole number from 1'

# What is not learned from is said, and which field is the reason.
awk 'NR == 8 { sub(/,[^,]*/, ",oops") } { print }' good.csv > oops.csv
run 0 train --data oops.csv --model linear --no-progress
says err 'not learned from: column "b" is text, not numbers: row 7 has "oops"'
run 0 train --data oops.csv --model linear --quiet
silent err
run 5 train --data oops.csv --model linear --target b
says err 'target "b": column "b" is text, not numbers: row 7 has "oops"'
run 0 train --data good.csv --model linear
says out "1 model in "

# Names.
run 2 train --data good.csv --model xgbost
says err 'did you mean "xgboost"? known: decision_tree, random_forest, gradient_boosting, linear'
run 2 train --data good.csv --model random_forrest
says err 'did you mean "random_forest"'
run 2 train --data good.csv --set decision_tree.max_dept=3
says err 'did you mean "max_depth"'
run 2 train --data good.csv --set decision_tree.max_depth=-3
says err "max_depth"
run 2 train --data good.csv --set max_depth=3
says err "is not MODEL.PARAMETER=VALUE"
run 2 train --data good.csv --model linear --set decision_tree.max_depth=3
says err 'unknown model among those to train "decision_tree"'
run 2 train --data good.csv --model linear --model linear --json
says err "asked for twice"

# Data.
run 4 train --data nowhere.csv
says err "nowhere.csv"
run 4 train --data nowhere.csv --json
is err 'd["error"]["exit"] == 4 and "nowhere.csv" in d["error"]["message"]'
silent out
printf 'a,b,y\n1,2,3\n4,5\n7,8,9\n' > ragged.csv
run 5 train --data ragged.csv
says err "ragged.csv"
says err "line 3"
printf 'a,b,y\n1,2,3\n4,"5,6\n7,8,9\n' > quote.csv
run 5 train --data quote.csv
says err "line 3"
says err "column"
: > zero.csv
run 5 train --data zero.csv
says err "zero.csv"
printf 'a,b,y\n' > empty.csv
run 5 train --data empty.csv
says err "no rows"
printf 'a,b,y\n1,2,3\n' > one.csv
run 5 train --data one.csv
says err "only 1 row"
printf 'y\n1\n2\n3\n' > lonely.csv
run 5 train --data lonely.csv
says err "1 column"
awk 'NR == 5 { sub(/,[^,]*$/, ",NaN") } { print }' good.csv > nan_target.csv
run 5 train --data nan_target.csv
says err 'target "y" is missing (null or NaN) in row 4 of 400'
awk -F, -v OFS=, 'NR % 9 == 5 { $1 = "" } NR % 11 == 5 { $2 = "NaN" } { print }' good.csv > nan_features.csv
run 0 train --data nan_features.csv $small --model decision_tree --model random_forest \
  --model gradient_boosting --json
is out 'all(m["state"] == "DONE" for m in d["models"])'
run 3 train --data nan_features.csv --model decision_tree --model linear --json
is out '[m["name"] for m in d["models"]] == ["decision_tree", "linear"]'
is out 'd["models"][1]["state"] == "FAILED" and d["models"][1]["mse"] is None'
is out 'd["models"][1]["error"].startswith("in the training part: ")'
is out 'd["models"][1]["parameters"] == {"l2": 0, "fit_intercept": "true", "l1": 0}'
run 5 train --data nan_features.csv --model linear
says err "no model could be trained: linear: in the training part: "

# Saved models.
run 0 train --data good.csv $small --save models/deep --json
is out 'len(d["models"]) == 4'
for m in decision_tree random_forest gradient_boosting linear; do
  [ -s models/deep/$m.grove ] || complain "models/deep/$m.grove is not there"
done
run 4 train --data good.csv --model linear --save ''
says err 'can'"'"'t make the folder "": No such file or directory'
run 4 train --data good.csv --model linear --save good.csv/x
says err "good.csv/x"

# On the real data, where it is there: the errors that are asked for, split by split.
if [ -r "$data/california_housing.csv" ]; then
  run 0 train --data "$data/california_housing.csv" --json
  is out '{m["name"]: m["mse"] for m in d["models"]}["random_forest"] <= 0.275'
  is out '{m["name"]: m["mse"] for m in d["models"]}["decision_tree"] <= 0.53'
  is out '{m["name"]: m["mse"] for m in d["models"]}["gradient_boosting"] <= 0.255'
  is out '{m["name"]: m["mse"] for m in d["models"]}["linear"] <= 0.57'
fi
finish
