// grove/exchange.h: tree models from and to other libraries. A link target of its own, grove_exchange: it needs
// jansson, which the models themselves do not.
#ifndef GROVE_EXCHANGE_H
#define GROVE_EXCHANGE_H
#include <grove/model.h>
GROVE_BEGIN
/// Forms of a model. Values are never renumbered.
enum {
  GROVE_FORMAT_GROVE = 0,          ///< grove_model_save
  GROVE_FORMAT_XGBOOST_JSON = 1,
  GROVE_FORMAT_XGBOOST_UBJSON = 2,
  GROVE_FORMAT_LIGHTGBM = 3,       ///< text, version v4
  GROVE_FORMAT_C = 4               ///< out only: a C file of its own, tables and one loop: double grove_predict(const double *x)
};
/// "grove", "xgboost-json", "xgboost-ubjson", "lightgbm", "c"; NULL: no such form. Static.
GROVE_API const char *grove_format_name(int32_t format);
/// Returns: GROVE_ENOENT: no such name; err lists the known ones
GROVE_API GROVE_CHECK grove_status grove_format_find(const char *name, int32_t *format, grove_error *err);

/// A model from bytes of any form, told by its content: grove's own, XGBoost's JSON and UBJSON (1.x to 3.x),
/// LightGBM's text (v2 to v4). Of the others it is of the kind "imported": it predicts, is saved and loaded,
/// and can't be fitted. XGBoost's floats give the same bits (its base score first, then all trees in order, also
/// those after the best iteration); LightGBM's doubles the same within 1e-12. Features that the file has no names
/// for are "f0", "f1" …; a categorical feature takes the numbers that the library was trained with.
/// Memory: while it reads, malloc's, some 40 times the bytes; the model's is the registry's.
/// Returns: GROVE_ENOTSUP, with its name: a version, objective, booster or shape that is not read (several
///          classes or targets, dart, gblinear, linear leaves, data-frame categories that are recoded);
///          GROVE_ECORRUPT: cut short or damaged; GROVE_ELIMIT: sets of categories over 64 MB; as grove_model_load
GROVE_API GROVE_CHECK grove_status grove_model_import(const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err);

/// Bytes of a tree model in a form, malloc-like from `a`, freed by the caller with it.
///   LightGBM: thresholds and leaves are doubles there too: of our own models the same bits. Of an XGBoost model
///     the same leaf for each row; sums in double instead of float.
///   XGBoost: thresholds become the least float above, so that each row whose features are floats goes to the same
///     leaf; a double between a threshold and that float may go to the other side. Leaves are rounded to float, and
///     sums are in float: about 1e-7 relative for each tree. From an XGBoost model: the same bits.
/// Returns: GROVE_ENOTSUP: no trees, or what the form has no words for, named
GROVE_API GROVE_CHECK grove_status grove_model_export(const grove_model *m, int32_t format, const grove_allocator *a, void **bytes, size_t *n, grove_error *err);
GROVE_END
#endif
