#include "columnar/rule.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/letters.h"
#include "base/status.h"
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- words ----------------------------------------------------------------------------------------

enum token_kind { END, WORD, QUOTED, NUMBER, OPERATOR, OTHER };

struct token {
  enum token_kind kind;
  const char *start;
  size_t n;
};

struct parser {
  const char *text;
  struct token now;
  grove__rule *rule;
  grove_error *err;
};

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

// Bytes of other alphabets (UTF-8) count as letters.
static bool is_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' ||
         (unsigned char)c >= 0x80;
}

static size_t measure_digits(const char *p)
{
  size_t n = 0;
  while (is_digit(p[n])) {
    n++;
  }
  return n;
}

// [+-]digits[.digits][e[+-]digits], or .digits; 0 if there is no number here.
static size_t measure_number(const char *p)
{
  size_t n = *p == '+' || *p == '-';
  size_t whole = measure_digits(p + n);
  n += whole;
  size_t part = 0;
  if (p[n] == '.') {
    part = measure_digits(p + n + 1);
    n += 1 + part;
  }
  if (!whole && !part) {
    return 0;
  }
  if (p[n] == 'e' || p[n] == 'E') {
    size_t sign = p[n + 1] == '+' || p[n + 1] == '-';
    size_t digits = measure_digits(p + n + 1 + sign);
    n += digits ? 1 + sign + digits : 0;
  }
  return is_word(p[n]) ? 0 : n; // "2nd" is a word, not the number 2
}

// Up to the closing quote; a doubled one stands for itself. 0: it is not closed.
static size_t measure_quoted(const char *p)
{
  for (size_t n = 1; p[n]; n++) {
    if (p[n] == *p) {
      if (p[n + 1] != *p) {
        return n + 1;
      }
      n++;
    }
  }
  return 0;
}

static struct token read_token(const char *p)
{
  while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
    p++;
  }
  struct token t = {END, p, 0};
  if (!*p) {
    return t;
  }
  if (*p == '"' || *p == '`') {
    t.n = measure_quoted(p);
    t.kind = t.n ? QUOTED : OTHER;
  } else if ((t.n = measure_number(p))) {
    t.kind = NUMBER;
  } else if (is_word(*p)) {
    t.kind = WORD;
    while (is_word(p[t.n])) {
      t.n++;
    }
  } else if (strchr("<>=!", *p)) {
    t.kind = OPERATOR;
    t.n = p[1] && strchr("<>=!", p[1]) ? 2 : 1; // "=>" is one mistake, not two tokens
  } else {
    t.kind = OTHER;
  }
  if (t.kind == OTHER) {
    t.n = 1;
  }
  return t;
}

static void step(struct parser *p)
{
  p->now = read_token(p->now.start + p->now.n);
}

static bool at_word(const struct parser *p, const char *word)
{
  return p->now.kind == WORD && p->now.n == strlen(word) &&
         grove__same_start(p->now.start, word, p->now.n);
}

static grove_status expected(struct parser *p, const char *what)
{
  int64_t at = p->now.start - p->text;
  if (p->now.kind == END) {
    return grove__error(p->err, GROVE_EINVAL, at,
        "rule \"%.150s\": expected %s at its end (character %lld)", p->text, what,
        (long long)at + 1);
  }
  if (p->now.kind == OTHER && (*p->now.start == '"' || *p->now.start == '`')) {
    return grove__error(p->err, GROVE_EINVAL, at,
        "rule \"%.150s\": the quote at character %lld is not closed", p->text, (long long)at + 1);
  }
  const char *hint =
      *p->now.start == '(' || *p->now.start == ')' ? "; parentheses are not supported" : "";
  return grove__error(p->err, GROVE_EINVAL, at,
      "rule \"%.150s\": expected %s at character %lld, found \"%.*s\"%s", p->text, what,
      (long long)at + 1, p->now.n > 40 ? 40 : (int)p->now.n, p->now.start, hint);
}

// ---- terms ----------------------------------------------------------------------------------------

// The word, or what stands between the quotes with doubled ones made single.
static char *copy_column(const struct token *t)
{
  char *name = grove__alloc(memory, t->n + 1);
  size_t n = 0;
  if (!name) {
    return NULL;
  }
  if (t->kind == WORD) {
    memcpy(name, t->start, t->n);
    n = t->n;
  } else {
    for (size_t i = 1; i + 1 < t->n; i++) {
      name[n++] = t->start[i];
      i += t->start[i] == *t->start;
    }
  }
  name[n] = '\0';
  // Freed as a text, so the block has to be as long as the text is.
  char *exact = grove__copy_text(memory, name);
  grove__free(memory, name, t->n + 1);
  return exact;
}

static grove_status parse_column(struct parser *p, size_t *column)
{
  bool named = p->now.kind == QUOTED ? p->now.n > 2 : p->now.kind == WORD;
  if (!named || at_word(p, "and") || at_word(p, "or") || at_word(p, "is") || at_word(p, "not")) {
    return expected(p, "a column's name");
  }
  grove__rule *r = p->rule;
  char *name = copy_column(&p->now);
  if (!name) {
    return grove__error_memory(p->err, "a rule's column", p->now.n);
  }
  step(p);
  for (*column = 0; *column < r->count; ++*column) {
    if (!strcmp(r->columns[*column], name)) {
      grove__free_text(memory, name);
      return GROVE_OK;
    }
  }
  r->columns[r->count++] = name;
  return GROVE_OK;
}

static grove_status parse_operator(struct parser *p, grove__rule_op *op)
{
  static const struct {
    const char *text;
    grove__rule_op op;
  } known[] = {{"<", GROVE__RULE_LT}, {"<=", GROVE__RULE_LE}, {">", GROVE__RULE_GT},
      {">=", GROVE__RULE_GE}, {"==", GROVE__RULE_EQ}, {"=", GROVE__RULE_EQ},
      {"!=", GROVE__RULE_NE}};
  for (size_t i = 0; i < GROVE__COUNT(known) && p->now.kind == OPERATOR; i++) {
    if (strlen(known[i].text) == p->now.n && !strncmp(known[i].text, p->now.start, p->now.n)) {
      *op = known[i].op;
      step(p);
      return GROVE_OK;
    }
  }
  return expected(p, "one of < <= > >= == != or \"is null\", \"is not null\"");
}

// strtod obeys the process's locale, which is the host's: a rule must mean the same everywhere.
static grove_status parse_number(struct parser *p, double *out)
{
  char text[400];
  if (p->now.kind != NUMBER) {
    return expected(p, "a number");
  }
  if (p->now.n >= sizeof text) {
    return grove__error(p->err, GROVE_EINVAL, p->now.start - p->text,
        "rule: the number at character %lld has %zu characters (limit %zu)",
        (long long)(p->now.start - p->text) + 1, p->now.n, sizeof text - 1);
  }
  memcpy(text, p->now.start, p->now.n);
  text[p->now.n] = '\0';
  locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  if (!plain) {
    return grove__error_memory(p->err, "reading a number", sizeof text);
  }
  *out = strtod_l(text, NULL, plain);
  freelocale(plain);
  step(p);
  return GROVE_OK;
}

static grove_status parse_null(struct parser *p, grove__rule_op *op)
{
  *op = GROVE__RULE_NULL;
  step(p);
  if (at_word(p, "not")) {
    *op = GROVE__RULE_NOT_NULL;
    step(p);
  }
  if (!at_word(p, "null")) {
    return expected(p, *op == GROVE__RULE_NULL ? "\"null\" or \"not null\"" : "\"null\"");
  }
  step(p);
  return GROVE_OK;
}

static grove_status parse_term(struct parser *p, bool starts_group)
{
  grove__rule *r = p->rule;
  grove__rule_term t = {.starts_group = starts_group};
  GROVE__TRY(parse_column(p, &t.column));
  if (at_word(p, "is")) {
    GROVE__TRY(parse_null(p, &t.op));
  } else {
    GROVE__TRY(parse_operator(p, &t.op));
    GROVE__TRY(parse_number(p, &t.number));
    r->compared[t.column] = true;
  }
  r->term[r->terms++] = t;
  return GROVE_OK;
}

static grove_status parse_all(struct parser *p)
{
  bool starts_group = true;
  for (;;) {
    GROVE__TRY(parse_term(p, starts_group));
    if (p->now.kind == END) {
      return GROVE_OK;
    }
    starts_group = at_word(p, "or");
    if (!starts_group && !at_word(p, "and")) {
      return expected(p, "\"and\", \"or\" or the end");
    }
    step(p);
  }
}

// ---- the whole ------------------------------------------------------------------------------------

grove_status grove__rule_parse(const char *text, grove__rule **out, grove_error *err)
{
  *out = NULL;
  // The shortest term, "a<1", has three characters: so many can there be at most, and as many columns.
  size_t most = strlen(text) / 3 + 2;
  grove__rule *r = grove__alloc_zero(memory, sizeof *r);
  if (!r) {
    return grove__error_memory(err, "a rule", sizeof *r);
  }
  r->term = grove__alloc_sized(memory, most * sizeof *r->term);
  r->columns = grove__alloc_sized(memory, most * sizeof *r->columns);
  r->compared = grove__alloc_sized(memory, most * sizeof *r->compared);
  if (!r->term || !r->columns || !r->compared) {
    grove__rule_destroy(r);
    return grove__error_memory(err, "a rule", most * sizeof *r->term);
  }
  memset(r->columns, 0, most * sizeof *r->columns);
  memset(r->compared, 0, most * sizeof *r->compared);
  struct parser p = {.text = text, .now = read_token(text), .rule = r, .err = err};
  grove_status s = parse_all(&p);
  if (s) {
    grove__rule_destroy(r);
    return s;
  }
  *out = r;
  return GROVE_OK;
}

void grove__rule_destroy(grove__rule *r)
{
  if (!r) {
    return;
  }
  for (size_t i = 0; i < r->count; i++) {
    grove__free_text(memory, r->columns[i]);
  }
  grove__free_sized(memory, r->term);
  grove__free_sized(memory, r->columns);
  grove__free_sized(memory, r->compared);
  grove__free(memory, r, sizeof *r);
}
