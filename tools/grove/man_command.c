// grove man: a page of the manual, as man(7) wants it, made from the tables that the help is made from.
#include "cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const cli_option options[] = {{NULL, NULL, NULL, 0, false}};

// Text as roff: a backslash, a minus, and what stands at the begin of a line must not be taken for a request.
static void put_text(const char *text)
{
  bool first = true;
  for (; *text; text++) {
    if (first && (*text == '.' || *text == '\'')) {
      printf("\\&");
    }
    if (*text == '\\') {
      printf("\\e");
    } else if (*text == '-') {
      printf("\\-");
    } else {
      putchar(*text);
    }
    first = *text == '\n';
  }
}

static void put_head(const char *name, const char *summary)
{
  printf(".TH \"");
  for (const char *p = name; *p; p++) {
    putchar(*p == ' ' ? '\\' : toupper((unsigned char)*p));
    if (*p == ' ') {
      putchar('-');
    }
  }
  printf("\" 1 \"\" \"grove %s\" \"grove\"\n.SH NAME\n", grove_version());
  for (const char *p = name; *p; p++) {
    printf(*p == ' ' ? "\\-" : "%c", *p);
  }
  printf(" \\- ");
  put_text(summary);
  puts("");
}

static void put_rest(void)
{
  puts(".SH EXIT STATUS\n"
       "0 good, 1 failed, 2 usage, 3 some models or shards failed, 4 input not found or unreadable, 5 input damaged or not\n"
       "fit, 6 over a limit or timed out, 130 interrupted, 143 terminated.\n"
       ".SH ENVIRONMENT\n"
       "NO_COLOR and TERM. For running processes: GROVE_AT, GROVE_TOKEN and XDG_RUNTIME_DIR. For servers: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE,\n"
       "AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,\n"
       "AWS_CA_BUNDLE, SSL_CERT_FILE; https_proxy, http_proxy, all_proxy, no_proxy.");
}

static void put_command(const cli_command *c)
{
  char name[64];
  snprintf(name, sizeof name, "grove %s", c->name);
  put_head(name, c->summary);
  printf(".SH SYNOPSIS\n.B grove %s\n[options]", c->name);
  puts("");
  if (*c->arguments) {
    put_text(c->arguments);
    puts("");
  }
  puts(".SH OPTIONS");
  for (const cli_option *o = c->options; o->name; o++) {
    if (o->hidden) {
      continue;
    }
    printf(".TP\n");
    if (o->letter) {
      printf("\\fB\\-%c\\fR, ", o->letter);
    }
    printf("\\fB\\-\\-");
    put_text(o->name);
    printf("\\fR");
    if (o->argument) {
      printf(" \\fI");
      put_text(o->argument);
      printf("\\fR");
    }
    puts("");
    put_text(o->help);
    puts("");
  }
  if (c->examples && *c->examples) {
    puts(".SH EXAMPLES\n.nf");
    put_text(c->examples);
    puts(".fi");
  }
  put_rest();
}

static void put_whole(void)
{
  put_head("grove", "trains many models at once, and scores shards of columnar data");
  puts(".SH SYNOPSIS\n.B grove\n.I COMMAND\n[options]\n.SH COMMANDS");
  for (size_t i = 0; cli_commands[i]; i++) {
    printf(".TP\n\\fB");
    put_text(cli_commands[i]->name);
    printf("\\fR\n");
    put_text(cli_commands[i]->summary);
    puts("");
  }
  put_rest();
}

static int run(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  if (cli_next(&walk) == -2) {
    return EXIT_USAGE;
  }
  char name[64] = "";
  for (int i = walk.first; i < argc; i++) {
    size_t used = strlen(name);
    snprintf(name + used, sizeof name - used, "%s%s", used ? " " : "", argv[i]);
  }
  if (!*name) {
    put_whole();
    return EXIT_GOOD;
  }
  for (size_t i = 0; cli_commands[i]; i++) {
    if (!strcmp(cli_commands[i]->name, name)) {
      put_command(cli_commands[i]);
      return EXIT_GOOD;
    }
  }
  return cli_fail(EXIT_USAGE, "there is no command \"%s\"", name);
}

const cli_command cli_man = {
    .name = "man",
    .arguments = "[COMMAND]",
    .summary = "Prints the manual's page of a command, or of all, for man(1).",
    .examples = "  grove man predict | man -l -\n",
    .options = options,
    .run = run,
};
