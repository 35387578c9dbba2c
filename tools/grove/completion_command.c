// grove completion: what a shell needs to complete the command's words, made from the tables that the help is made from.
#include "cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const cli_option options[] = {{NULL, NULL, NULL, 0, false}};

// ---- bash -----------------------------------------------------------------------------------------

static void put_option_words(const cli_command *c)
{
  for (const cli_option *o = c->options; o->name; o++) {
    if (!o->hidden) {
      printf(" --%s", o->name);
    }
  }
  printf(" --help");
}

// First words, or the second words of those that begin with `first`.
static void put_words(const char *first)
{
  char last[64] = "";
  for (size_t i = 0; cli_commands[i]; i++) {
    const char *name = cli_commands[i]->name;
    size_t n = strcspn(name, " ");
    const char *word = first ? name + n + (name[n] == ' ') : name;
    size_t length = first ? strlen(word) : n;
    bool mine = !first || (strlen(first) == n && !strncmp(name, first, n) && length);
    if (mine && (strlen(last) != length || strncmp(last, word, length))) {
      snprintf(last, sizeof last, "%.*s", (int)length, word);
      printf(" %s", last);
    }
  }
}

static void put_bash(void)
{
  puts("# bash completion for grove: grove completion bash > /etc/bash_completion.d/grove\n"
       "_grove()\n"
       "{\n"
       "  local word=${COMP_WORDS[COMP_CWORD]} words=\"\" command=\"${COMP_WORDS[1]}\"\n"
       "  COMPREPLY=()\n"
       "  if [ \"$COMP_CWORD\" -eq 1 ]; then");
  printf("    words=\"");
  put_words(NULL);
  puts(" help --version\"\n"
       "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
       "    return\n"
       "  fi\n"
       "  case $command in\n"
       "    actors | model | parquet)\n"
       "      if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
       "        case $command in");
  printf("          actors) words=\"");
  put_words("actors");
  printf("\" ;;\n          model) words=\"");
  put_words("model");
  printf("\" ;;\n          parquet) words=\"");
  put_words("parquet");
  puts("\" ;;\n"
       "        esac\n"
       "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
       "        return\n"
       "      fi\n"
       "      command=\"$command ${COMP_WORDS[2]}\"\n"
       "      ;;\n"
       "  esac\n"
       "  case $command in");
  for (size_t i = 0; cli_commands[i]; i++) {
    printf("    \"%s\") words=\"", cli_commands[i]->name);
    put_option_words(cli_commands[i]);
    puts("\" ;;");
  }
  puts("  esac\n"
       "  case $word in\n"
       "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
       "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
       "  esac\n"
       "}\n"
       "complete -o filenames -F _grove grove");
}

// ---- zsh and fish ---------------------------------------------------------------------------------

// The help's text in one line, without what the shell would take for its own.
static void put_help(const char *help, const char *quoted)
{
  for (; *help; help++) {
    if (*help == '\n') {
      putchar(' ');
    } else if (strchr(quoted, *help)) {
      printf("\\%c", *help);
    } else if (*help == '\'') {
      printf("'\\''");
    } else {
      putchar(*help);
    }
  }
}

// The shell's function for a command: its name with what is no letter as "_".
static void put_name(const char *name)
{
  printf("_grove_");
  for (; *name; name++) {
    putchar(isalnum((unsigned char)*name) ? *name : '_');
  }
}

static void put_zsh_command(const cli_command *c)
{
  put_name(c->name);
  printf("() {\n  _arguments -s");
  for (const cli_option *o = c->options; o->name; o++) {
    if (!o->hidden) {
      printf(" \\\n    '--%s%s[", o->name, o->argument ? "=" : "");
      put_help(o->help, "[]:");
      printf("]%s%s%s'", o->argument ? ":" : "", o->argument ? o->argument : "",
          o->argument ? ":_files" : "");
    }
  }
  puts(" \\\n    '--help[this help]' '*:file:_files'\n}");
}

static void put_zsh(void)
{
  puts("#compdef grove\n# zsh completion for grove: grove completion zsh > ~/.zfunc/_grove");
  for (size_t i = 0; cli_commands[i]; i++) {
    put_zsh_command(cli_commands[i]);
  }
  printf("_grove() {\n  local first=\"$words[2]\" name\n  if (( CURRENT == 2 )); then\n    compadd --");
  put_words(NULL);
  printf(" help --version\n    return\n  fi\n  if (( CURRENT == 3 )); then\n    case $first in\n"
         "      actors) compadd --");
  put_words("actors");
  printf("; return ;;\n      model) compadd --");
  put_words("model");
  printf("; return ;;\n      parquet) compadd --");
  put_words("parquet");
  puts("; return ;;\n    esac\n  fi\n"
       "  name=_grove_$first\n"
       "  shift words; (( CURRENT-- ))\n"
       "  case $first in\n"
       "    actors | model | parquet) name=${name}_$words[2]; shift words; (( CURRENT-- )) ;;\n"
       "  esac\n"
       "  (( $+functions[$name] )) && $name\n"
       "}\n"
       "_grove \"$@\"");
}

static void put_fish_command(const cli_command *c)
{
  size_t n = strcspn(c->name, " ");
  const char *second = c->name[n] ? c->name + n + 1 : NULL;
  if (second) {
    printf("complete -c grove -n '__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from", (int)n,
        c->name);
    char group[32];
    snprintf(group, sizeof group, "%.*s", (int)n, c->name);
    put_words(group);
    printf("' -f -a %s -d '", second);
  } else {
    printf("complete -c grove -n __fish_use_subcommand -f -a %s -d '", c->name);
  }
  put_help(c->summary, "");
  puts("'");
  for (const cli_option *o = c->options; o->name; o++) {
    if (o->hidden) {
      continue;
    }
    printf("complete -c grove -n '__fish_seen_subcommand_from %.*s", (int)n, c->name);
    if (second) {
      printf("; and __fish_seen_subcommand_from %s", second);
    }
    printf("' -l %s%s -d '", o->name, o->argument ? " -r" : "");
    put_help(o->help, "");
    puts("'");
  }
}

static void put_fish(void)
{
  puts("# fish completion for grove: grove completion fish > ~/.config/fish/completions/grove.fish\n"
       "complete -c grove -n __fish_use_subcommand -f -a actors -d 'Looks at the actors of a running process'\n"
       "complete -c grove -n __fish_use_subcommand -f -a model -d 'Looks at models'\n"
       "complete -c grove -n __fish_use_subcommand -f -a parquet -d 'Looks at Parquet files'");
  for (size_t i = 0; cli_commands[i]; i++) {
    put_fish_command(cli_commands[i]);
  }
}

static int run(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  if (cli_next(&walk) == -2) {
    return EXIT_USAGE;
  }
  const char *shell = walk.first + 1 == argc ? argv[walk.first] : "";
  if (!strcmp(shell, "bash")) {
    put_bash();
  } else if (!strcmp(shell, "zsh")) {
    put_zsh();
  } else if (!strcmp(shell, "fish")) {
    put_fish();
  } else {
    return cli_fail(EXIT_USAGE, "a shell is wanted: bash, zsh or fish");
  }
  return EXIT_GOOD;
}

const cli_command cli_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Prints what a shell needs to complete the command's words.",
    .examples = "  grove completion bash > /etc/bash_completion.d/grove\n",
    .options = options,
    .run = run,
};
