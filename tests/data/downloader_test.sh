#!/bin/sh
# downloader_test.sh TOOL SERVER SOURCE SCRATCH: scripts/data against a server on the loopback address, with curl or
# wget: right files, a wrong checksum, a cut transfer, a file that is not there, what is in place already.
set -eu
tool=$1 server=$2 source=$3 scratch=$4
if ! command -v "$tool" > /dev/null 2>&1; then
  echo "$tool is not here: skipped"
  exit 77
fi
rm -rf "$scratch"
mkdir -p "$scratch/web"
cd "$scratch"
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY GROVE_DATA_DIR 2> /dev/null || true

# Two rows of the housing file in its original form, and a shard: what is in it does not matter here.
printf '%s\n%s\n' -122.230000,37.880000,41.000000,880.000000,129.000000,322.000000,126.000000,8.325200,452600.000000 \
  -122.220000,37.860000,21.000000,7099.000000,1106.000000,2401.000000,1138.000000,8.301400,358500.000000 \
  > web/cal_housing.data
printf '%s\n%s\n%s\n' MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal \
  8.3252,41.0,6.984126984126984,1.0238095238095237,322.0,2.5555555555555554,37.88,-122.23,4.526 \
  8.3014,21.0,6.238137082601054,0.9718804920913884,2401.0,2.109841827768014,37.86,-122.22,3.585 > web/table.csv
mkdir CaliforniaHousing
cp web/cal_housing.data CaliforniaHousing/
tar -czf web/cal_housing.tgz CaliforniaHousing
awk 'BEGIN { for (i = 0; i < 20000; i++) print "shard", i }' > web/green_tripdata_2022-01.parquet
printf '# a remark\n%s  california_housing.csv\n%s  taxi/green_tripdata_2022-01.parquet\n' \
  "$(sha256sum < web/table.csv | sed 's/ .*//')" "$(sha256sum < web/green_tripdata_2022-01.parquet | sed 's/ .*//')" > table

# Ends with this script, or by itself after that many connections or half a minute without one.
mkfifo port
"$server" web 40 > port &
server_id=$!
trap 'kill "$server_id" 2> /dev/null || true' EXIT
read -r port < port || { echo "the server did not start"; exit 1; }
base=http://127.0.0.1:$port
failed=0

# check NAME STATUS WORDS HOUSING TAXI [ARGUMENT...]: scripts/data into a fresh folder "in"
check()
{
  name=$1 want=$2 words=$3 housing=$4 taxi=$5
  shift 5
  got=0
  said=$(sh "$source/scripts/data" --with "$tool" --table table --dir in --housing "$base/$housing" \
    --taxi "$base/$taxi" "$@" 2>&1) || got=$?
  if [ "$got" -ne "$want" ] || ! printf '%s\n' "$said" | grep -q -e "$words"; then
    echo "FAILED $name: status $got (should be $want), no \"$words\" in: $said"
    failed=$((failed + 1))
  elif [ -n "$(find in -name '*.part*' 2> /dev/null)" ]; then
    echo "FAILED $name: a part was left behind"
    failed=$((failed + 1))
  else
    echo "ok $name"
  fi
}

# holds NAME yes|no FILE: the file is in place (and right) or not there at all
holds()
{
  here=no
  if cmp -s "in/$3" "web/$4"; then here=yes; elif [ -e "in/$3" ]; then here=damaged; fi
  [ "$here" = "$2" ] || { echo "FAILED $1: $3 in place: $here, should be $2"; failed=$((failed + 1)); }
}
csv="california_housing.csv table.csv"
shard="taxi/green_tripdata_2022-01.parquet green_tripdata_2022-01.parquet"

check "right files" 0 "california_housing.csv: fetched" good/cal_housing.tgz good
# shellcheck disable=SC2086 # two names
holds "right files" yes $csv && holds "right files" yes $shard
check "once more" 0 "taxi/green_tripdata_2022-01.parquet: is there" missing missing
rm -rf in
check "housing as plain data" 0 "california_housing.csv: fetched" good/cal_housing.data good
rm -rf in
check "housing as a table" 0 "california_housing.csv: fetched" good/table.csv good
# shellcheck disable=SC2086
holds "housing as a table" yes $csv
rm -rf in
check "wrong checksum" 1 "green_tripdata_2022-01.parquet: wrong checksum from .*should be" good/table.csv wrong
# shellcheck disable=SC2086
holds "wrong checksum" no $shard && holds "wrong checksum" yes $csv
check "wrong checksum, accepted" 0 "kept, as --accept says" good/table.csv wrong --accept
check "damaged file in place" 0 "2022-01.parquet: fetched" good/table.csv good
# shellcheck disable=SC2086
holds "damaged file in place" yes $shard
rm -rf in
check "cut transfer" 1 "green_tripdata_2022-01.parquet: not fetched from .*$tool ended with" good/table.csv cut
# shellcheck disable=SC2086
holds "cut transfer" no $shard
rm -rf in
check "cut transfer, even if accepted" 1 "not fetched" good/table.csv cut --accept
# shellcheck disable=SC2086
holds "cut transfer, even if accepted" no $shard
rm -rf in
check "not there" 1 "california_housing.csv: not fetched from .*404" missing good
check "something else" 1 "not cal_housing.data" good/green_tripdata_2022-01.parquet good
check "unknown option" 2 "unknown argument --fast" good/table.csv good --fast
rm -rf in
base=http://127.0.0.1:1
check "nobody there" 1 "2022-01.parquet: left out: http://127.0.0.1:1 is not reachable" good/table.csv good
[ "$failed" -eq 0 ]
