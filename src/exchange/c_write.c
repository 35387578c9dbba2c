// A model as a C file of its own: its nodes as a table, and one loop that walks them. So it compiles in a time that
// grows with the nodes alone, and stays small; if and else by the thousand do neither.
#include "base/error.h"
#include "base/status.h"
#include "exchange/foreign.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

// As C has numbers; hexadecimal ones are exact, and need no care for digits.
static void put_number(grove__output *out, double v)
{
  if (isfinite(v)) {
    grove__output_format(out, "%a", v);
  } else {
    grove__output_text(out, isnan(v) ? "NAN" : v < 0 ? "-INFINITY" : "INFINITY");
  }
}

static void put_nodes(grove__output *out, const grove__foreign *f)
{
  size_t sets = 0;
  grove__output_text(
      out, "static const struct node { double value; uint32_t feature, left; } nodes[] = {\n");
  for (size_t t = 0; t < f->tree_count; t++) {
    for (size_t i = 0; i < f->trees[t].count; i++) {
      const grove__foreign_node *n = &f->trees[t].nodes[i];
      bool set = n->left && n->feature & GROVE__NODE_CATEGORY;
      grove__output_text(out, "  {");
      if (set) {
        grove__output_format(out, "%zu", sets++);
      } else {
        put_number(out, grove__double_of(n->bits));
      }
      grove__output_format(
          out, ", 0x%" PRIx32 ", %" PRIu32 "},\n", n->left ? n->feature : 0, n->left);
    }
  }
  grove__output_text(out, f->tree_count ? "};\n" : "  {0, 0, 0}\n};\n");
}

static void put_firsts(grove__output *out, const grove__foreign *f)
{
  size_t first = 0;
  grove__output_text(out, "static const uint32_t trees[] = {");
  for (size_t t = 0; t < f->tree_count; t++) {
    grove__output_format(out, "%s%zu,", t % 12 ? " " : "\n  ", first);
    first += f->trees[t].count;
  }
  grove__output_text(out, "\n  0};\n");
}

// A first word and their number for each set, then the words.
static void put_sets(grove__output *out, const grove__foreign *f)
{
  grove__output_text(out, "static const uint32_t sets[][2] = {");
  for (size_t t = 0; t < f->tree_count; t++) {
    for (size_t i = 0; i < f->trees[t].count; i++) {
      const grove__foreign_node *n = &f->trees[t].nodes[i];
      if (n->left && n->feature & GROVE__NODE_CATEGORY) {
        grove__output_format(
            out, "\n  {%" PRIu32 ", %" PRIu32 "},", (uint32_t)n->bits, (uint32_t)(n->bits >> 32));
      }
    }
  }
  grove__output_text(out, "\n  {0, 0}};\nstatic const uint32_t words[] = {");
  for (size_t i = 0; i < f->word_count; i++) {
    grove__output_format(out, "%s0x%" PRIx32 ",", i % 8 ? " " : "\n  ", f->words[i]);
  }
  grove__output_text(out,
      "\n  0};\n"
      "static int in_set(const struct node *n, uint32_t category)\n"
      "{\n"
      "  const uint32_t *s = sets[(uint32_t)n->value];\n"
      "  return category / 32 < s[1] && (words[s[0] + category / 32] >> category % 32 & 1);\n"
      "}\n");
}

// The same steps as in model/tree_step.h.
static const char right_xgboost[] = "static int right(const struct node *n, double v)\n"
                                    "{\n"
                                    "  float x = (float)v;\n"
                                    "  if (x != x)\n"
                                    "    return !(n->feature & 0x80000000u);\n"
                                    "  if (n->feature & 0x40000000u)\n"
                                    "    return x >= 0 && x < 0x1p24f && in_set(n, (uint32_t)x);\n"
                                    "  return !(x < (float)n->value);\n"
                                    "}\n";
static const char right_lightgbm[] =
    "static int right(const struct node *n, double x)\n"
    "{\n"
    "  if (n->feature & 0x40000000u)\n"
    "    return !(x > -1 && x < 0x1p31 && in_set(n, (uint32_t)(int32_t)x));\n"
    "  if (x != x) {\n"
    "    if (!(n->feature & 0x30000000u))\n"
    "      return !(n->feature & 0x80000000u);\n"
    "    x = 0;\n"
    "  }\n"
    "  x = fabs(x) <= (double)1e-35f ? 0 : x;\n"
    "  if (x == 0 && n->feature & 0x10000000u)\n"
    "    return !(n->feature & 0x80000000u);\n"
    "  return x > n->value;\n"
    "}\n";
static const char right_own[] =
    "static int right(const struct node *n, double x)\n"
    "{\n"
    "  if (x != x)\n"
    "    return !(n->feature & 0x80000000u);\n"
    "  if (n->feature & 0x40000000u)\n"
    "    return !(x >= 0 && x < 0x1p31 && x == floor(x) && in_set(n, (uint32_t)x));\n"
    "  return x > n->value;\n"
    "}\n";

static const char *link_of(const grove__foreign *f)
{
  bool floats = f->arithmetic == GROVE__ARITHMETIC_XGBOOST;
  switch (f->link) {
  case GROVE__LINK_EXP: return floats ? "expf(sum)" : "exp(sum)";
  case GROVE__LINK_LOGISTIC:
    return floats ? "1.0f / (expf(-sum < 88.7f ? -sum : 88.7f) + 1.0f + 1e-16f)"
                  : "1.0 / (1.0 + exp(-scale * sum))";
  case GROVE__LINK_SIGNED_SQUARE: return "sum < 0 ? -(sum * sum) : sum * sum";
  case GROVE__LINK_LOG1P_EXP: return "log1p(exp(sum))";
  default: return "sum";
  }
}

static void put_predict(grove__output *out, const grove__foreign *f)
{
  const char *type = f->arithmetic == GROVE__ARITHMETIC_XGBOOST ? "float" : "double";
  grove__output_format(
      out, "/* One row: %" PRIu32 " numbers in the order above; NaN is missing. ", f->features);
  grove__output_text(out, "From any number of threads. */\n"
                          "double grove_predict(const double *x);\n"
                          "double grove_predict(const double *x)\n"
                          "{\n");
  grove__output_format(out, "  const %s divide = ", type);
  put_number(out, f->divide);
  if (f->link == GROVE__LINK_LOGISTIC && f->arithmetic != GROVE__ARITHMETIC_XGBOOST) {
    grove__output_text(out, ";\n  const double scale = ");
    put_number(out, f->scale);
  }
  grove__output_format(out, ";\n  %s sum = ", type);
  put_number(out, f->base);
  grove__output_format(out, ";\n  for (uint32_t t = 0; t < %zu; t++) {\n", f->tree_count);
  grove__output_text(out, "    const struct node *tree = nodes + trees[t], *n = tree;\n"
                          "    while (n->left)\n"
                          "      n = tree + n->left + right(n, x[n->feature & 0xfffffff]);\n");
  grove__output_format(out, "    sum += (%s)n->value;\n  }\n  sum /= divide;\n", type);
  grove__output_format(out, "  return %s;\n}\n", link_of(f));
}

// Names come from files: what would end a comment does not get into one.
static void put_name(grove__output *out, const char *name)
{
  for (const char *p = name; *p; p++) {
    bool bad = (unsigned char)*p < ' ' || *p == '*' || *p == '/' || *p == '\\' || *p == '?';
    grove__output_put(out, bad ? "_" : p, 1);
  }
}

grove_status grove__c_write(const grove__foreign *f, grove__output *out, grove_error *err)
{
  (void)err;
  grove__output_format(out,
      "/* Made by grove. Wants -ffp-contract=off where the compiler would fuse sums and products.\n"
      " * Trees: %zu. Features:",
      f->tree_count);
  for (uint32_t i = 0; i < f->features; i++) {
    grove__output_text(out, i % 8 ? " " : "\n *   ");
    put_name(out, f->names[i]);
    grove__output_text(out, i + 1 < f->features ? "," : "\n");
  }
  grove__output_text(out, " */\n#include <math.h>\n#include <stdint.h>\n");
  put_nodes(out, f);
  put_firsts(out, f);
  put_sets(out, f);
  grove__output_text(out, f->arithmetic == GROVE__ARITHMETIC_XGBOOST    ? right_xgboost
                          : f->arithmetic == GROVE__ARITHMETIC_LIGHTGBM ? right_lightgbm
                                                                        : right_own);
  put_predict(out, f);
  return GROVE_OK;
}
