# Help, version, unknown commands and options.
. "$(dirname "$0")/lib.sh"

run 0 --version
says out "grove "
silent err
run 0 --help
says out "Usage: grove COMMAND"
run 0 help train
says out "--test-size"
says out "decision_tree"
says out "n_estimators"
says out "eta"
run 0 train --help
says out "default 0.2"
run 0 parquet cat --help
says out "--columns"
run 0 help parquet check
says out "exit 0 if it is good"
run 2
says err "Usage:"
silent out
run 2 trian
says err 'unknown command "trian", did you mean "train"'
run 2 parquet cet
says err 'did you mean "parquet cat"'
run 2 parquet
says err 'unknown command "parquet"'
run 2 train --modle x
says err 'unknown option "--modle", did you mean "--model"'
run 2 train --dashboard
says err 'unknown option "--dashboard"'
run 2 predict --dashboard=127.0.0.1:1
says err 'unknown option "--dashboard"'
run 2 train -Z
says err 'unknown option "-Z"'
run 2 train --data
says err 'needs a value'
run 2 train
says err '--data FILE.csv is needed'
run 2 train --data x.csv more.csv
says err 'unexpected argument "more.csv"'
run 2 --json predict --rule 'a > 1'
silent out
run 2 predict --json --rule 'a > 1'
is err 'd["schema"] == 1 and d["error"]["exit"] == 2 and "no shard" in d["error"]["message"]'
run 0 info
says out "workers"
run 0 info --json
is out 'd["schema"] == 1 and d["workers"] >= 1 and "decision_tree" in d["models"]'
finish
