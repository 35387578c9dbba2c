#!/bin/sh
# parameters.sh GROVE PAGE: the page lists all parameters of all models just as the command does, and the guide that it belongs to
# names every option of grove train and grove predict.
set -eu
grove=${1:?usage: parameters.sh GROVE PAGE}
page=${2:?usage: parameters.sh GROVE PAGE}
said=$("$grove" train --help | sed -n '/^Models and their parameters/,$p')
want=$(sed -n '/^```text parameters$/,/^```$/p' "$page" | sed '1d;$d')
[ -n "$want" ] || { echo "$page lists no parameters"; exit 1; }
if [ "$said" != "$want" ]; then
  echo "$page is not what \"grove train --help\" prints; put this between the fences:"
  printf '%s\n' "$said"
  exit 1
fi
guide=$(dirname "$page")
missing=0
for command in train predict; do
  for option in $("$grove" "$command" --help | sed -n 's/^ *\(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p'); do
    [ "$option" = --help ] || grep -qE -- "$option([^a-z-]|\$)" "$guide"/*.md || {
      echo "no page of $guide names $option of grove $command"
      missing=1
    }
  done
done
exit "$missing"
