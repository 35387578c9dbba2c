#!/bin/sh
# run.sh WORLD SCRIPT [SCREENSHOTS]: the browser test, with what it wants beside grove: node, Debian's chromium, and the
# modules playwright-core and (for accessibility) axe-core, from NODE_PATH or node_modules of a folder of GROVE_TEST_TOOLS.
set -eu
world=${1:?usage: run.sh WORLD SCRIPT [SCREENSHOTS]}
script=${2:?usage: run.sh WORLD SCRIPT [SCREENSHOTS]}
skip()
{
  echo "skipped: $* is not here"
  exit 77
}
command -v node > /dev/null 2>&1 || skip node
browser=
for name in chromium chromium-browser google-chrome; do
  [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
[ -n "$browser" ] || skip "chromium"
IFS=:
for folder in ${GROVE_TEST_TOOLS-}; do
  NODE_PATH=${NODE_PATH:+$NODE_PATH:}$folder/node_modules:$folder
done
unset IFS
export NODE_PATH
node -e 'require("playwright-core")' > /dev/null 2>&1 || skip "playwright-core (npm install playwright-core axe-core, in a folder of GROVE_TEST_TOOLS)"
exec node "$script" "$world" "$browser" "${3-}"
