// Blocks of houses in a land of our own: two rich coasts, prices by income, place and age, some noise.
#include "generate.h"
#include <math.h>
#include <stdio.h>

enum { BLOCKS = 20640 };

static double clip(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

/// How dear a place is: two towns, the dearer the nearer.
static double worth(double latitude, double longitude)
{
  double north = hypot(latitude - 37.8, longitude + 122.3);
  double south = hypot(latitude - 34.0, longitude + 118.4);
  return 1.3 * exp(-north) + 1.1 * exp(-south);
}

static void add_block(text *t, dice *d)
{
  bool north = dice_below(d, 2) != 0;
  double latitude = clip((north ? 37.6 : 33.9) + 1.1 * dice_normal(d), 32.5, 42);
  double longitude = clip((north ? -121.7 : -118.0) + .9 * dice_normal(d), -124.4, -114.3);
  double income = clip(exp(1.2 + .45 * dice_normal(d)), .5, 15);
  double age = 1 + dice_below(d, 52);
  double rooms = clip(3.5 + .5 * income + .8 * dice_normal(d), 1, 40);
  double bedrooms = clip(rooms / 5 + .1 * dice_normal(d), .4, 10);
  double people = 3 + dice_below(d, 2800);
  double crowd = clip(2.9 + .8 * dice_normal(d), 1, 20);
  double price = .36 * income + worth(latitude, longitude) * (1 + .08 * income) + .004 * age -
                 .18 * (crowd - 2.9) + .35 * dice_normal(d);
  text_add(t, "%.4f,%.1f,%.6f,%.6f,%.1f,%.6f,%.2f,%.2f,%.3f\n", income, age, rooms, bedrooms,
      people, crowd, latitude, longitude, clip(price, .15, 5.00001));
}

int make_housing(const char *folder, uint64_t seed)
{
  char path[4096];
  text t = {0};
  dice d = {seed * 2 + 1};
  text_add(&t,
      "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal\n");
  for (int i = 0; i < BLOCKS; i++) {
    add_block(&t, &d);
  }
  int n = snprintf(path, sizeof(path), "%s/california_housing.csv", folder);
  FILE *f = !t.failed && n > 0 && (size_t)n < sizeof(path) ? fopen(path, "wb") : NULL;
  int bad = !f || fwrite(t.bytes, 1, t.n, f) != t.n;
  bad |= f && fclose(f) != 0;
  if (bad) {
    perror(path);
  }
  text_free(&t);
  return bad;
}
