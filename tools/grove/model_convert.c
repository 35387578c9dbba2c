// grove model convert: a model from one library's form to another's.
#include "cli.h"
#include "cli_store.h"
#include "cli_output.h"
#include <stdio.h>
#include <stdlib.h>

enum { MODEL, TO, OUT, JSON };

static const cli_option options[] = {
    [MODEL] = {"model", "FILE", "the model, in any form that is read; needed", 'm', false},
    [TO] = {"to", "FORM",
        "xgboost-json, xgboost-ubjson, lightgbm, grove, or c: a C\nfile with a function "
        "grove_predict; needed",
        't', false},
    [OUT] = {"out", "FILE", "where it goes; needed", 'o', false},
    [JSON] = {"json", NULL, "the result as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false},
};

static int write_file(const char *path, const void *bytes, size_t n)
{
  grove_store *store = NULL;
  grove_writer *out = NULL;
  grove_error err = {0};
  grove_status s = cli_store_open(NULL, &store, &err);
  if (!s) {
    s = grove_store_write(store, path, &out, &err);
  }
  if (!s) {
    s = grove_writer_put(out, bytes, n, &err);
    grove_status closed = grove_writer_close(out, s == GROVE_OK, s ? NULL : &err);
    s = s ? s : closed;
  }
  grove_store_close(store);
  return s ? cli_fail_with(s, &err) : EXIT_GOOD;
}

static int convert(const grove_model *m, int32_t form, const char *path, bool json)
{
  void *bytes = NULL;
  size_t n = 0;
  grove_error err = {0};
  grove_status s = grove_model_export(m, form, NULL, &bytes, &n, &err);
  if (s) {
    return cli_fail_with(s, &err);
  }
  int code = write_file(path, bytes, n);
  free(bytes);
  if (!code && json) {
    code = cli_put_json(
        json_pack("{s:i, s:s, s:s, s:s, s:I}", "schema", 1, "name", grove_model_name(m), "form",
            grove_format_name(form), "path", path, "bytes", (json_int_t)n),
        EXIT_GOOD);
  }
  return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  const char *given[JSON] = {NULL};
  bool json = false;
  int option, code;
  int32_t form;
  grove_error err = {0};
  while ((option = cli_next(&walk)) >= 0) {
    if (option == JSON) {
      json = true;
    } else {
      given[option] = walk.value;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(EXIT_USAGE, "unexpected argument \"%s\"", argv[walk.first]);
  }
  if (!given[MODEL] || !given[TO] || !given[OUT]) {
    return cli_fail(EXIT_USAGE, "--model FILE, --to FORM and --out FILE are needed");
  }
  if (grove_format_find(given[TO], &form, &err)) {
    return cli_fail(EXIT_USAGE, "%s", err.text);
  }
  grove_model *m = cli_read_model(given[MODEL], &code);
  if (m) {
    code = convert(m, form, given[OUT], json);
    grove_model_destroy(m);
  }
  return code;
}

const cli_command cli_model_convert = {.name = "model convert",
    .arguments = "",
    .summary = "Writes a tree model in another library's form.",
    .examples =
        "  grove model convert --model booster.json --to grove --out booster.grove\n"
        "  grove model convert --model models/random_forest.grove --to lightgbm --out f.txt\n"
        "  grove model convert --model booster.json --to c --out booster.c\n",
    .options = options,
    .run = run};
