#include <grove/exchange.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "base/suggest.h"
#include "exchange/foreign.h"

static const char *const names[] = {[GROVE_FORMAT_GROVE] = "grove",
    [GROVE_FORMAT_XGBOOST_JSON] = "xgboost-json",
    [GROVE_FORMAT_XGBOOST_UBJSON] = "xgboost-ubjson",
    [GROVE_FORMAT_LIGHTGBM] = "lightgbm",
    [GROVE_FORMAT_C] = "c"};

const char *grove_format_name(int32_t format)
{
  return format >= 0 && (size_t)format < GROVE__COUNT(names) ? names[format] : NULL;
}

static const char *name_at(const void *user, size_t i)
{
  (void)user;
  return i < GROVE__COUNT(names) ? names[i] : NULL;
}

grove_status grove_format_find(const char *name, int32_t *format, grove_error *err)
{
  if (!name || !format) {
    return grove__error(err, GROVE_EINVAL, -1, "a name of a form, and a place for it");
  }
  for (size_t i = 0; i < GROVE__COUNT(names); i++) {
    if (strcmp(names[i], name) == 0) {
      *format = (int32_t)i;
      return GROVE_OK;
    }
  }
  return grove__error_unknown(err, GROVE_ENOENT, "form of a model", name, name_at, NULL);
}

// ---- import -------------------------------------------------------------------------------------------
// JSON's keys are quoted, UBJSON's begin with the type of a length, or the object with its own type or count.
static bool is_ubjson(const unsigned char *b, size_t n)
{
  return n >= 2 && b[0] == '{' && b[1] && strchr("iUIlL$#N", b[1]);
}

static bool is_json(const unsigned char *b, size_t n)
{
  size_t i = 0;
  while (i < n && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t')) {
    i++;
  }
  return i < n && b[i] == '{';
}

static bool is_lightgbm(const unsigned char *b, size_t n)
{
  return n >= 5 && memcmp(b, "tree", 4) == 0 && (b[4] == '\n' || b[4] == '\r');
}

static bool is_old_xgboost(const unsigned char *b, size_t n)
{
  return n >= 4 && (memcmp(b, "binf", 4) == 0 || memcmp(b, "bs64", 4) == 0);
}

static grove_status read_foreign(const void *bytes, size_t n, grove__foreign *f, grove_error *err)
{
  if (is_lightgbm(bytes, n)) {
    return grove__lightgbm_read(bytes, n, f, err);
  }
  return is_ubjson(bytes, n) ? grove__xgboost_read_ubjson(bytes, n, f, err)
                             : grove__xgboost_read_json(bytes, n, f, err);
}

grove_status grove_model_import(
    const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err)
{
  grove_error own = {.at = -1};
  grove__foreign f;
  if (!out || (!bytes && n)) {
    return grove__error(err, GROVE_EINVAL, -1, "bytes of a model, and a place for it");
  }
  *out = NULL;
  if (is_old_xgboost(bytes, n)) {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "this is XGBoost's old binary form, which says nothing of its version; save it as JSON or "
        "UBJSON");
  }
  if (!is_lightgbm(bytes, n) && !is_ubjson(bytes, n) && !is_json(bytes, n)) {
    return grove_model_load(r, bytes, n, out, err);
  }
  grove__foreign_init(&f, NULL);
  grove__output saved = {.allocator = &grove__allocator_malloc};
  grove_status s = read_foreign(bytes, n, &f, &own);
  s = s ? s : grove__foreign_encode(&f, &saved, &own);
  grove__foreign_deinit(&f);
  s = s ? s : grove_model_load(r, saved.bytes, saved.used, out, &own);
  grove__output_free(&saved);
  return s ? grove__error(err, s, own.at, "%s", own.text[0] ? own.text : grove_status_text(s))
           : GROVE_OK;
}

// ---- export -------------------------------------------------------------------------------------------
static grove_status write_form(
    const grove__foreign *f, int32_t format, grove__output *out, grove_error *err)
{
  switch (format) {
  case GROVE_FORMAT_LIGHTGBM: return grove__lightgbm_write(f, out, err);
  case GROVE_FORMAT_C: return grove__c_write(f, out, err);
  default: return grove__xgboost_write(f, format == GROVE_FORMAT_XGBOOST_UBJSON, out, err);
  }
}

grove_status grove_model_export(const grove_model *m, int32_t format, const grove_allocator *a,
    void **bytes, size_t *n, grove_error *err)
{
  grove_allocator own = grove__allocator_of(a);
  void *saved;
  size_t saved_bytes;
  if (!m || !bytes || !n || !grove_format_name(format)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "a model, one of GROVE_FORMAT_*, and places for bytes and their number");
  }
  *bytes = NULL;
  *n = 0;
  if (format == GROVE_FORMAT_GROVE) {
    return grove_model_save(m, a, bytes, n, err);
  }
  GROVE__TRY(grove_model_save(m, &own, &saved, &saved_bytes, err));
  grove__foreign f;
  grove__output out = {.allocator = &own};
  grove__foreign_init(&f, &own);
  grove_status s = grove__foreign_decode(saved, saved_bytes, &f, err);
  grove__free(&own, saved, saved_bytes);
  s = s ? s : write_form(&f, format, &out, err);
  grove__foreign_deinit(&f);
  if (s) {
    grove__output_free(&out);
    return s;
  }
  return grove__output_take(&out, bytes, n, err);
}
