// Seven months of taxi trips, with what makes the real ones hard: columns that change their type from month to month
// (passenger_count is a double, then an int64, then a double again), nulls, a column without any value.
#include "generate.h"
#include <grove/columnar.h>
#include <grove/parquet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WHOLE_FROM = 3, WHOLE_TO = 5 }; // the months, from 0, with whole numbers for counts
static const struct {
  const char *name;
  unsigned trips;
  int64_t first_second; // since 1970
} months[] = {
    {"2022-01", 62495, 1640995200},
    {"2022-02", 69399, 1643673600},
    {"2023-01", 68211, 1672531200},
    {"2023-02", 64809, 1675209600},
    {"2023-03", 72044, 1677628800},
    {"2024-03", 57457, 1709251200},
    {"2025-11", 46912, 1761955200},
};

static unsigned passengers(dice *d)
{
  static const unsigned char of_hundred[][2] = {
      {83, 1}, {93, 2}, {95, 5}, {97, 3}, {98, 6}, {99, 0}, {100, 4}};
  unsigned x = dice_below(d, 100);
  for (size_t i = 0;; i++) {
    if (x < of_hundred[i][0]) {
      return of_hundred[i][1];
    }
  }
}

static void add_trip(text *t, dice *d, size_t month)
{
  const char *point = month >= WHOLE_FROM && month <= WHOLE_TO ? "" : ".0";
  int64_t start = months[month].first_second + dice_below(d, 28 * 86400);
  double miles = exp(.6 + .8 * dice_normal(d));
  double fare = 3 + 2.5 * miles;
  double tip = dice_below(d, 3) ? 0 : fare * .2;
  bool known = dice_below(d, 100) >= 8;
  text_add(t, "%u,%lld,%lld,", 1 + dice_below(d, 2), (long long)start * 1000000,
      (long long)(start + 60 + (int64_t)(miles * 240)) * 1000000);
  if (known) {
    text_add(t, "N,%u%s,", dice_below(d, 20) ? 1 : 5, point);
  } else {
    text_add(t, ",,");
  }
  text_add(t, "%u,%u,", 1 + dice_below(d, 265), 1 + dice_below(d, 265));
  if (known) {
    text_add(t, "%u%s,", passengers(d), point);
  } else {
    text_add(t, ",");
  }
  text_add(t, "%.2f,%.2f,%.2f,0.5,%.2f,0.0,,1.0,%.2f,", miles, fare, dice_below(d, 2) * .5, tip,
      fare + tip + 1.5);
  if (known) {
    text_add(t, "%u%s,%u%s,0.0\n", 1 + dice_below(d, 2), point, dice_below(d, 20) ? 1 : 2, point);
  } else {
    text_add(t, ",,\n");
  }
}

static grove_status write_table(const grove_table *table, const char *path, grove_error *err)
{
  grove_store *s = NULL;
  grove_writer *w = NULL;
  grove_status st = grove_store_open(NULL, &s, err);
  if (!st) {
    st = grove_store_write(s, path, &w, err);
  }
  if (!st) {
    st = grove_parquet_write(table, NULL, w, err);
    grove_status closed = grove_writer_close(w, st == GROVE_OK, st ? NULL : err);
    st = st ? st : closed;
  }
  grove_store_close(s);
  return st;
}

static int make_month(const char *folder, size_t month, uint64_t seed)
{
  char path[4096];
  text t = {0};
  dice d = {(seed + 1) * 1000 + month};
  grove_error err = {0};
  grove_table *table = NULL;
  text_add(&t,
      "VendorID,lpep_pickup_datetime,lpep_dropoff_datetime,store_and_fwd_flag,RatecodeID,"
      "PULocationID,"
      "DOLocationID,passenger_count,trip_distance,fare_amount,extra,mta_tax,tip_amount,tolls_"
      "amount,"
      "ehail_fee,improvement_surcharge,total_amount,payment_type,trip_type,congestion_surcharge\n");
  for (unsigned i = 0; i < months[month].trips; i++) {
    add_trip(&t, &d, month);
  }
  grove_status st = GROVE_ENOMEM;
  int n =
      snprintf(path, sizeof(path), "%s/taxi/green_tripdata_%s.parquet", folder, months[month].name);
  if (!t.failed && n > 0 && (size_t)n < sizeof(path)) {
    st = grove_csv_parse(t.bytes, t.n, NULL, &table, &err);
  }
  if (!st) {
    st = write_table(table, path, &err);
  }
  if (st) {
    fprintf(stderr, "%s: %s\n", path, err.text[0] ? err.text : grove_status_text(st));
  }
  grove_table_release(table);
  text_free(&t);
  return st != GROVE_OK;
}

int make_taxi(const char *folder, uint64_t seed)
{
  for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++) {
    if (make_month(folder, i, seed)) {
      return 1;
    }
  }
  return 0;
}
