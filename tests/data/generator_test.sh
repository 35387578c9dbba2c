#!/bin/sh
# generator_test.sh GENERATE GROVE SCRATCH: made-up data has the shape of the real: names, columns, types that drift;
# the same seed gives the same bytes; the command takes it.
set -eu
generate=$1 grove=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
"$generate" one/deep 5
"$generate" two 5
"$generate" other 6
cmp one/deep/california_housing.csv two/california_housing.csv
cmp one/deep/taxi/green_tripdata_2023-02.parquet two/taxi/green_tripdata_2023-02.parquet
if cmp -s two/california_housing.csv other/california_housing.csv; then
  echo "two seeds gave the same bytes"
  exit 1
fi
[ "$(wc -l < two/california_housing.csv)" -eq 20641 ]
head -n 1 two/california_housing.csv | grep -qx 'MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal'
[ "$(ls two/taxi | grep -c '^green_tripdata_20[0-9-]*\.parquet$')" -eq 7 ]
for shard in two/taxi/*.parquet; do
  "$grove" parquet check "$shard" > /dev/null
done
"$grove" predict --rule "passenger_count >= 2" --actors 6 --json two/taxi > doc
grep -q '"rows": *441327' doc
grep -q '"failed": *0' doc
status=0
"$generate" > said 2>&1 || status=$?
[ "$status" -eq 2 ] && grep -q usage said
status=0
"$generate" /dev/null/no 2> said || status=$?
[ "$status" -eq 1 ] && grep -q '/dev/null' said
