// What the sub-commands of the grove program share: options, errors, exit codes, signals, memory.
#ifndef GROVE_TOOL_CLI_H
#define GROVE_TOOL_CLI_H
#include <grove.h>
#include <grove/exchange.h>
#include <grove/predict.h>
#include <grove/train.h>

/// Contracts for scripts; docs and help say them.
enum {
  EXIT_GOOD = 0,
  EXIT_RUN = 1,     ///< it ran and failed
  EXIT_USAGE = 2,   ///< an option, argument, name or rule that is wrong
  EXIT_PARTIAL = 3, ///< some models or shards failed, the others are done
  EXIT_INPUT = 4,   ///< an input is not there or can't be read, or an output can't be written
  EXIT_DATA = 5,    ///< an input is there and is damaged, or not what it should be
  EXIT_LIMIT = 6,   ///< over a limit, or timed out
  EXIT_INTERRUPTED = 130
};

/// One option of a sub-command. A list ends with a zero `name`.
typedef struct cli_option {
  const char *name;     ///< "test-size"
  const char *argument; ///< "FRACTION"; NULL: a flag
  const char *help;     ///< may have several lines
  int letter;           ///< short form; 0: none
  bool hidden;          ///< not in the help
} cli_option;

typedef struct cli_command {
  const char *name;      ///< "train", or with its verb: "parquet cat"
  const char *arguments; ///< "SHARD..." or ""
  const char *summary;   ///< one line
  const char *examples;  ///< lines, each with two spaces in front
  const cli_option *options;
  /// Runs with argv[0] the first word after the sub-command. Gives the exit code.
  int (*run)(const struct cli_command *c, int argc, char **argv);
  void (*more_help)(void); ///< printed at the end of the help; may be NULL
} cli_command;

extern const cli_command cli_train, cli_predict, cli_model_info, cli_model_predict,
    cli_model_convert, cli_model_diff, cli_model_importance, cli_model_explain, cli_parquet_cat, cli_parquet_head, cli_parquet_check,
    cli_parquet_schema, cli_parquet_meta, cli_parquet_stats, cli_top, cli_actors_ls, cli_actors_show, cli_actors_tree,
    cli_actors_kill, cli_actors_restart, cli_timeline, cli_info, cli_completion, cli_man;
/// All of them, NULL-ended: main.c's.
extern const cli_command *const cli_commands[];

/// How a command speaks. Set once by main before the command runs.
typedef struct cli_voice {
  const char *command;
  bool json;
} cli_voice;
extern cli_voice cli_said;

/// Walks over the options: cli_next gives the option's index in c->options, -1 at the end (then `first` is the
/// index of the first argument), or -2 after it has reported a mistake: return EXIT_USAGE.
typedef struct cli_walk {
  const cli_command *c;
  int argc;
  char **argv;
  const char *value; ///< of the option just given
  int first;
} cli_walk;
int cli_next(cli_walk *w);

void cli_print_help(const cli_command *c);

/// Prints the error on standard error, as text or (under --json) as a JSON object; gives `code` back.
int cli_fail(int code, const char *format, ...) GROVE_PRINTF(2, 3);
/// The same from an error object of the library: the exit code is that of its status.
int cli_fail_with(grove_status s, const grove_error *err);
int cli_exit_code(grove_status s);
/// An error's words without the method of ours that failed ("grove_trainer.work: ").
const char *cli_plain_words(const char *text);
/// Makes a text printable in one line and in JSON: control characters and broken UTF-8 become "?".
void cli_clean_text(char *text);
/// A path or url as it may be said to anybody, to be freed: of http without who, password and query, which may be a
/// signature.
char *cli_shown_url(const char *url);
/// A line for people on standard error.
void cli_note(const char *format, ...) GROVE_PRINTF(1, 2);

/// Whole text as a number in [low, high]; else reports what is wrong with the option and gives false.
bool cli_parse_count(
    const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out);
bool cli_parse_fraction(const char *option, const char *text, double *out);

/// malloc, or the end of the program with EXIT_RUN and words: a command has nothing to save by then.
void *cli_alloc(size_t n, size_t each);
void *cli_grow(void *p, size_t n, size_t each);
char *cli_format(const char *format, ...) GROVE_PRINTF(1, 2);

/// From now on SIGINT and SIGTERM are remembered; a second one ends the program at once.
void cli_catch_signals(void);
/// 0, or the exit code that the signal asks for (128 + its number).
int cli_interrupted(void);

/// Reads a table from FILE.csv or FILE.parquet; on failure reports and gives the exit code in *code.
grove_table *cli_read_table(const char *path, const grove_work *work, int *code);
/// Reads a model from a file; the same.
grove_model *cli_read_model(const char *path, int *code);
/// The path that a plain path or a file:// url names, freed by free(); NULL: it is on a server.
char *cli_local_path(const char *path);
/// Makes a folder and its parents, unless it is on a server; on failure reports and gives false.
bool cli_make_folder(const char *path);
/// Largest memory that this process has had.
uint64_t cli_peak_bytes(void);
/// Shortest text that reads back as the same double; `out` has room for 32.
void cli_format_double(double v, char *out);
#endif
