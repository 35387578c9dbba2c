#!/bin/sh
# embed.sh OUT.c FILE...: the files of the page as C arrays, each by gzip, with the type that a browser is told and a tag
# for its cache. index.html is "/".
set -eu
out=${1:?usage: embed.sh OUT.c FILE...}
shift
{
  echo '// Made by embed.sh from src/dash/page.'
  echo '#include "dash/dash.h"'
  i=0
  table=
  for file in "$@"; do
    name=$(basename "$file")
    case $name in
      *.html) type='text/html; charset=utf-8' ;;
      *.css) type='text/css; charset=utf-8' ;;
      *.js) type='text/javascript; charset=utf-8' ;;
      *.svg) type='image/svg+xml' ;;
      *) echo "embed.sh: what is $name?" >&2; exit 2 ;;
    esac
    path=/$name
    [ "$name" != index.html ] || path=/
    tag=$(cksum < "$file" | tr ' ' '-')
    echo "static const unsigned char file_$i[] = {"
    gzip -9nc "$file" | od -An -v -tu1 | sed 's/  *\([0-9]\)/\1/; s/  */,/g; s/$/,/'
    echo '};'
    table="$table  {\"$path\", \"$type\", \"\\\"$tag\\\"\", file_$i, sizeof file_$i},
"
    i=$((i + 1))
  done
  echo 'const grove__dash_asset grove__dash_assets[] = {'
  printf '%s' "$table"
  echo '};'
  echo "const size_t grove__dash_asset_count = $i;"
} > "$out.new"
mv "$out.new" "$out"
