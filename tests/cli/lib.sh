# What the scripts of this folder share. Sourced with: PROGRAM WORK_FOLDER DATA_FOLDER
set -u
grove=$1
work=$2
data=$3
here=$(dirname "$0")
rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit 1
failed=0
checks=0

complain() {
  failed=$((failed + 1))
  echo "FAILED: $1"
  echo "  exit $code; standard output:"
  head -c 1500 out | sed 's/^/    /'
  echo "  standard error:"
  head -c 1500 err | sed 's/^/    /'
}

# run WANTED_EXIT ARGUMENT...: runs the program; its streams are in the files out and err.
run() {
  wanted=$1
  shift
  said="grove $*"
  "$grove" "$@" > out 2> err < /dev/null
  code=$?
  checks=$((checks + 1))
  [ "$code" -eq "$wanted" ] || complain "$said: exit code should be $wanted"
}

# says FILE TEXT: the file (out or err) of the last run has the text in it.
says() {
  checks=$((checks + 1))
  grep -qF -- "$2" "$1" || complain "$said: standard $1 should have \"$2\""
}

# silent FILE: nothing is in it.
silent() {
  checks=$((checks + 1))
  [ ! -s "$1" ] || complain "$said: standard $1 should be empty"
}

# is FILE EXPRESSION: the JSON in the file makes the Python expression about d true. Without Python: not looked at.
python=$(command -v python3 || true)
is() {
  [ -n "$python" ] || return 0
  checks=$((checks + 1))
  "$python" -c 'import json, math, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$1" "$2" 2> why || {
    complain "$said: not so: $2"
    sed 's/^/    /' why
  }
}

finish() {
  echo "$checks checks, $failed failed"
  [ "$failed" -eq 0 ]
  exit $?
}
