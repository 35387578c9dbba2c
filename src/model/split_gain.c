#include "model/split_gain.h"
#include "model/tree.h"
#include <math.h>

double grove__side_value(double q, double weight, const grove__gain_rule *rule)
{
  double value = grove__soften(q, rule->alpha) / (weight + rule->lambda);
  return rule->monotone ? grove__clip(value, rule->low, rule->high) : value;
}

double grove__side_gain(double q, double weight, const grove__gain_rule *rule)
{
  double s = fabs(q) - rule->alpha, all = weight + rule->lambda;
  if (rule->monotone) {
    double v = grove__side_value(q, weight, rule);
    return 2 * grove__soften(q, rule->alpha) * v - all * v * v;
  }
  return s > 0 ? s * s / all : 0;
}

double grove__split_gain(
    grove__sum all, grove__sum left, const grove__gain_rule *rule, int direction)
{
  double least = rule->least_weight > 1 ? rule->least_weight : 1;
  double q = (double)left.q, weight = (double)left.weight;
  double other = (double)(all.q - left.q), rest = (double)(all.weight - left.weight);
  if (weight < least || rest < least) {
    return -1;
  }
  if (direction) {
    double a = grove__side_value(q, weight, rule), b = grove__side_value(other, rest, rule);
    if (direction > 0 ? a > b : a < b) {
      return -1;
    }
  }
  double gain = grove__side_gain(q, weight, rule) + grove__side_gain(other, rest, rule);
  return gain > 0 ? gain : 0; // bounds may leave less than nothing
}

void grove__bounds_part(grove__sum all, grove__sum left, const grove__gain_rule *rule,
    int direction, grove__bounds side[2])
{
  side[0] = side[1] = (grove__bounds){rule->low, rule->high};
  if (direction) {
    double a = grove__side_value((double)left.q, (double)left.weight, rule);
    double b =
        grove__side_value((double)(all.q - left.q), (double)(all.weight - left.weight), rule);
    double middle = a * 0.5 + b * 0.5;
    *(direction > 0 ? &side[0].high : &side[0].low) = middle;
    *(direction > 0 ? &side[1].low : &side[1].high) = middle;
  }
}
