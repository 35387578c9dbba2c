# grove parquet: what is printed, and what is refused.
. "$(dirname "$0")/lib.sh"

run 2 parquet cat
says err "a FILE is needed"
run 2 parquet cat --csv --jsonl a
says err "one of them is wanted"
run 4 parquet cat nowhere.parquet
says err "nowhere.parquet"
: > zero.parquet
run 5 parquet check zero.parquet
says err "zero.parquet"
silent out
echo 'this is a text, and no Parquet file' > text.parquet
run 5 parquet check text.parquet --json
is err 'd["error"]["exit"] == 5'
is out 'd["good"] is False and d["path"] == "text.parquet" and d["rows"] is None and len(d["problems"]) == 1'
is out '"not a Parquet file" in d["problems"][0]["message"] and d["problems"][0]["at"] == 0'
run 4 parquet check nowhere.parquet --json
is out 'd["good"] is False and d["problems"][0]["status"] == "not found"'

# What a footer says beside the data, and bounds with all of their digits.
printf 'a,b\n1640995200000001,0.1\n-7,1e300\n' > digits.csv
run 0 predict --rule 'b > 0' --keep a,b --out digits digits.csv
run 0 parquet stats digits/digits.parquet
says out " 1640995200000001 "
says out " -7 "
run 0 parquet meta digits/digits.parquet
says out "written by  grove version "
run 0 parquet meta digits/digits.parquet --json
is out 'd["created_by"].startswith("grove version ") and isinstance(d["metadata"], list)'

# Infinities are bounds, and JSON has none.
printf 'a,b\ninf,1\n-inf,2\n3,4\n' > infinite.csv
run 0 predict --rule 'b > 0' --keep a,b --out infinite infinite.csv
run 0 parquet stats infinite/infinite.parquet --json
is out 'd["columns"][0]["min"] == "-inf" and d["columns"][0]["max"] == "inf" and d["columns"][1]["max"] == 4'
run 0 parquet check infinite/infinite.parquet --json
is out 'd["good"] and d["rows"] == d["whole_rows"] == 3 and d["good_values"] == d["values"] == 9 and d["problems"] == []'

month=$data/taxi/green_tripdata_2022-01.parquet
if [ -r "$month" ]; then
  run 0 parquet check "$month"
  says out "62495 rows"
  run 0 parquet head -n 2 "$month" --columns VendorID,lpep_pickup_datetime,store_and_fwd_flag,trip_distance,ehail_fee
  printf '%s\n' VendorID,lpep_pickup_datetime,store_and_fwd_flag,trip_distance,ehail_fee \
    2,2022-01-01T00:14:21,N,0.44, 1,2022-01-01T00:20:55,N,2.1, > want
  cmp -s out want || complain "head printed something else"
  run 0 parquet head --rows 1 "$month" --jsonl --columns VendorID,store_and_fwd_flag,ehail_fee,fare_amount
  is out 'd == {"VendorID": 2, "store_and_fwd_flag": "N", "ehail_fee": None, "fare_amount": 3.5}'
  run 0 parquet cat "$month" --columns fare_amount
  [ "$(wc -l < out)" -eq 62496 ] || complain "cat should print 62496 lines"
  run 2 parquet cat "$month" --columns fare_amout
  says err "fare_amout"
  run 0 parquet meta "$month" --json
  is out 'd["rows"] == 62495 and d["columns"] == 20 and d["bytes"] == 1254291'
  run 0 parquet schema "$month" --json
  is out 'd["columns"][1] == {"name": "lpep_pickup_datetime", "format": "tsu:", "nullable": True}'
  run 0 parquet stats "$month" --json
  is out 'len(d["columns"]) == 20 and d["columns"][1]["name"] == "lpep_pickup_datetime" and d["columns"][1]["bytes"] > 0'
  is out 'd["columns"][3]["nulls"] == 6295'
  run 0 parquet stats "$month"
  says out "ehail_fee"
  head -c 400000 "$month" > cut.parquet
  run 5 parquet check cut.parquet
  says err "cut.parquet"
  run 5 parquet cat cut.parquet
  silent out
fi

# Several files, one behind the other.
other=$data/taxi/green_tripdata_2024-03.parquet
if [ -r "$other" ]; then
  run 0 parquet head -n 1 "$month" "$other" --columns passenger_count,store_and_fwd_flag
  printf '%s\n' passenger_count,store_and_fwd_flag 1,N 1,N > want # a double, then an integer
  cmp -s out want || complain "head of two files printed something else"
  run 0 parquet cat "$month" "$other" --columns fare_amount
  [ "$(wc -l < out)" -eq 119953 ] || complain "cat of two files should print 119953 lines"
  run 0 parquet meta "$month" "$other" --json
  [ "$(wc -l < out)" -eq 2 ] || complain "meta of two files should print two documents"
  run 0 parquet schema "$month" "$other"
  says out "green_tripdata_2022-01.parquet:"
  says out "green_tripdata_2024-03.parquet:"
  run 4 parquet stats "$month" nowhere.parquet
  run 5 parquet head -n 1 "$month" "$data/taxi/taxi_zone_lookup.parquet"
  says err "taxi_zone_lookup.parquet: its columns are not those of"
  run 0 parquet head -n 1 "$month" "$data/taxi/taxi_zone_lookup.parquet" --jsonl
  run 5 parquet check "$month" cut.parquet text.parquet "$other"
  says out "62495 rows"
  says out "57457 rows" # behind two that are bad
  says err "cut.parquet"
  says err "text.parquet"
fi

good=$data/parquet-testing/data
if [ -r "$good/list_columns.parquet" ]; then
  run 0 parquet schema "$good/list_columns.parquet"
  says out "  item"
  run 0 parquet schema "$good/list_columns.parquet" --json
  is out 'd["columns"][0]["format"] == "+l" and [c["format"] for c in d["columns"][0]["children"]] == ["l"]'
fi
bad=$data/parquet-testing/bad_data
if [ -d "$good" ]; then
  run 0 parquet cat "$good/alltypes_plain.parquet" --columns id,bool_col,string_col,timestamp_col
  says out "4,true,"
  run 0 parquet cat "$good/fixed_length_decimal.parquet"
  says out "24.00"
  run 5 parquet check "$good/datapage_v1-corrupt-checksum.parquet"
  says err "checksum"
  says err "0 of 2 column chunks are good"
  says err "0 of 5120 rows in all columns"
  says err "column \"a\""
  says err "column \"b\"" # each of the two is told
  says err "2 flaws"
  [ "$(grep -c "the page's checksum" err)" -eq 2 ] || complain "check should tell each flaw once"
  run 0 parquet meta "$good/float16_nonzeros_and_nans.parquet" --json
  is out '[m["key"] for m in d["metadata"]] and "parquet" in d["created_by"]'
  run 5 parquet check --json "$good/datapage_v1-corrupt-checksum.parquet"
  is out 'd["chunks"] == 2 and d["good_chunks"] == 0 and d["rows"] == 5120 and d["whole_rows"] == 0 and len(d["problems"]) == 2'
  is out 'all("checksum" in p["message"] and p["status"] == "damaged data" and p["at"] > 0 for p in d["problems"])'
  # A chunk that can't lie where the footer says does not hide the others.
  run 5 parquet check --json "$bad/ARROW-RS-GH-6229-DICTHEADER.parquet"
  is out 'd["good_values"] >= 25 and any("does not lie between" in p["message"] for p in d["problems"])'
  run 0 parquet check --no-crc "$good/datapage_v1-corrupt-checksum.parquet"
  for f in "$bad"/*.parquet; do
    case $f in
    */ARROW-GH-43605.parquet) run 0 parquet check "$f" ;;
    *) run 5 parquet check "$f" ;;
    esac
  done
  for f in "$good"/*.encrypted; do
    run 5 parquet check "$f"
  done
fi
finish
