// Any bytes as a model of any form. What is read must predict, be saved and loaded with the same hash, and go out in
// each form or be refused with words.
#include <grove/exchange.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static void predict(const grove_model *m, size_t features)
{
  static const double values[8] = {0, 1, -3.5, 40, 1e300, -1e-40, 16777216, 5};
  double out[8];
  const double **column = malloc((features + 1) * sizeof *column);
  require(column != NULL);
  for (size_t i = 0; i < features; i++) {
    column[i] = values;
  }
  grove_matrix x = {column, features, 8};
  grove_status s = grove_model_predict_matrix(m, &x, out);
  require(s == GROVE_OK || s == GROVE_EINVAL);
  free(column);
}

static void send_out(const grove_model *m)
{
  grove_error err;
  for (int32_t form = GROVE_FORMAT_GROVE; form <= GROVE_FORMAT_LIGHTGBM; form++) {
    void *out = NULL;
    size_t n = 0;
    grove_model *again = NULL;
    memset(&err, 0, sizeof err);
    grove_status s = grove_model_export(m, form, NULL, &out, &n, &err);
    require(s == GROVE_OK || (!out && err.text[0]));
    if (form == GROVE_FORMAT_GROVE) {
      require(grove_model_import(NULL, out, n, &again, &err) == GROVE_OK);
      require(grove_model_hash(again) == grove_model_hash(m));
      grove_model_destroy(again);
    }
    free(out);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
  grove_model *m = NULL;
  grove_error err = {0};
  grove_status s = grove_model_import(NULL, data, bytes, &m, &err);
  require((s == GROVE_OK) == (m != NULL));
  require(m || err.text[0]);
  if (m) {
    size_t features = 0;
    while (grove_model_feature(m, features)) {
      features++;
    }
    predict(m, features);
    send_out(m);
    grove_model_destroy(m);
  }
  return 0;
}
