#!/bin/sh
# perfetto.sh PROGRAM FOLDER: Perfetto's own trace_processor opens what `grove train --trace` writes: it finds no mistake, every
# slice has its end, and there are as many arrows as the file says. It is looked for in PATH and in the folders of
# GROVE_TEST_TOOLS, as trace_processor_shell or trace_processor.
set -eu
grove=${1:?usage: perfetto.sh PROGRAM FOLDER}
work=${2:?usage: perfetto.sh PROGRAM FOLDER}
perfetto=
IFS=:
for name in trace_processor_shell trace_processor; do
  for folder in ${GROVE_TEST_TOOLS-} $PATH; do
    [ -n "$perfetto" ] || [ ! -x "$folder/$name" ] || perfetto=$folder/$name
  done
done
unset IFS
[ -n "$perfetto" ] || { echo "skipped: trace_processor (Perfetto's) is not here"; exit 77; }
mkdir -p "$work"
cd "$work"
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 300; i++) printf "%d,%d,%d\n", i % 17, i % 5, i % 17 + 2 * (i % 5) }' > few.csv
"$grove" train --data few.csv --model linear --model decision_tree --trace t.json -q > out
cat > query.sql << 'SQL'
select 'wrong', name, value from stats where severity in ('error', 'data_loss') and value > 0;
select 'slices', count(*) from slice;
select 'endless', count(*) from slice where dur < 0;
select 'flows', count(*) from flow;
select 'workers', count(*) from thread where name glob 'worker *';
SQL
"$perfetto" -q query.sql t.json > said 2> err || { echo "$perfetto does not open it:"; cat err; exit 1; }
tr -d ' "' < said > answers
flows=$(sed -n 's/.*"flows":\([0-9]*\).*/\1/p' t.json | head -n 1)
wrong=$(grep '^wrong,' answers || true)
[ -z "$wrong" ] || { echo "$perfetto finds mistakes: $wrong"; exit 1; }
for wanted in 'slices,[1-9]' 'endless,0$' "flows,$flows\$" 'workers,[1-9]'; do
  grep -Eq "^$wanted" answers || { echo "$perfetto: $wanted is not in its answers:"; cat said; exit 1; }
done
echo "$perfetto: $(grep -E '^(slices|flows),' answers | tr '\n' ' ')"
