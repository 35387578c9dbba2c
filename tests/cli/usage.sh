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
grep -q 'VALUE a parameter\|VALUE$' out || complain "an option runs into its help"
run 0 parquet cat --help
says out "--columns"
run 0 help parquet check
says out "exit 0 if they are good"
run 2
says err "Usage:"
silent out
run 2 trian
says err 'unknown command "trian"; did you mean "train"? known: train, predict,'
run 2 parquet cet
says err 'did you mean "parquet cat"'
run 2 parquet
says err 'unknown command "parquet"'
run 2 train --modle x
says err 'unknown option "--modle"; did you mean "--model"? "grove train --help" lists them'
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
# Results that can't be written are no results.
if [ -w /dev/full ]; then
  printf 'x,y\n1,2\n2,4\n3,6\n4,8\n' > few.csv
  full() {
    said="grove $* > /dev/full"
    "$grove" "$@" > /dev/full 2> err < /dev/null
    code=$?
    : > out
    [ "$code" -eq 1 ] || complain "$said: exit code should be 1"
    says err "can't write to standard output"
    [ "$(wc -l < err)" -eq 1 ] || complain "$said: one line of error is enough"
  }
  full --version
  full --help
  full help train
  full train --help
  full info
  full train --data few.csv --model linear -q
  full train --data few.csv --model linear -q --json
  full predict --rule 'x > 1' -q few.csv
fi
run 0 info
says out "workers"
run 0 info --json
is out 'd["schema"] == 1 and d["workers"] >= 1 and "decision_tree" in d["models"]'

# What shells and man(1) are given is made from the same tables.
run 0 completion bash
says out "complete -o filenames -F _grove grove"
says out " --resume"
if command -v bash > /dev/null 2>&1; then
  bash -n out || complain "bash can't read it"
  answer=$(bash -c '. ./out; COMP_WORDS=(grove predict --res); COMP_CWORD=2; _grove; echo "${COMPREPLY[*]}"
    COMP_WORDS=(grove parquet c); _grove; echo "${COMPREPLY[*]}"')
  checks=$((checks + 1))
  [ "$answer" = "--resume
cat check" ] || complain "bash completes to: $answer"
fi
says out "actors | model | parquet"
if command -v bash > /dev/null 2>&1; then
  answer=$(bash -c '. ./out; COMP_WORDS=(grove actors ""); COMP_CWORD=2; _grove; echo "${COMPREPLY[*]}"
    COMP_WORDS=(grove top --int); _grove; echo "${COMPREPLY[*]}"')
  checks=$((checks + 1))
  [ "$answer" = "ls show tree kill restart
--interval" ] || complain "bash completes to: $answer"
fi
for shell in zsh fish; do
  run 0 completion $shell
  says out "resume"
  if command -v $shell > /dev/null 2>&1; then
    $shell -n out || complain "$shell can't read it"
  fi
done
run 2 completion sh
says err "bash, zsh or fish"
run 0 man predict
says out '.TH "GROVE\-PREDICT" 1'
says out '\fB\-\-resume\fR'
run 0 man
says out 'parquet cat'
run 0 man actors kill
says out '.TH "GROVE\-ACTORS\-KILL" 1'
says out 'GROVE_TOKEN'
run 2 actors
says err 'unknown command "actors"'
run 2 man nothing
finish
