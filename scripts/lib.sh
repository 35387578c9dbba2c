# What the scripts share; sourced, POSIX sh. Everything is relative to the top of the repository.

top=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)

# Relative to where the caller stands, not to the folder that CMake is started in.
case ${GROVE_DATA_DIR-} in
  '' | /*) ;;
  *) GROVE_DATA_DIR=$PWD/$GROVE_DATA_DIR ;;
esac

say()
{
  printf '== %s\n' "$*"
}

# fail STATUS WORDS...
fail()
{
  status=$1
  shift
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit "$status"
}

# version_at_least HAVE WANT: both MAJOR.MINOR...
version_at_least()
{
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$2" ]
}

have_header()
{
  printf '#include <%s>\n' "$1" | cc -E - > /dev/null 2>&1
}

have_module()
{
  command -v pkg-config > /dev/null 2>&1 && pkg-config --exists "$1" 2> /dev/null
}

# One line for each thing that is not here: its Debian package, and what it is.
missing()
{
  if ! command -v cc > /dev/null 2>&1 || ! command -v c++ > /dev/null 2>&1 || ! have_header stdio.h; then
    echo "build-essential: a C11 compiler (gcc 12 or clang 14, or newer), a C++ one for the tests, the C library's headers"
  fi
  cmake=$(cmake --version 2> /dev/null | sed -n 's/^cmake version //p')
  if [ -z "$cmake" ] || ! version_at_least "$cmake" 3.25; then
    echo "cmake: CMake 3.25 or newer"
  fi
  command -v ninja > /dev/null 2>&1 || echo "ninja-build: ninja"
  command -v pkg-config > /dev/null 2>&1 || echo "pkg-config: pkg-config"
  have_module 'libuv >= 1.44' || echo "libuv1-dev: libuv 1.44 or newer, with headers"
  have_module cmocka || echo "libcmocka-dev: cmocka, for the tests"
  have_module libzstd || echo "libzstd-dev: zstd, with headers"
  have_module zlib || echo "zlib1g-dev: zlib, with headers"
  have_module jansson || echo "libjansson-dev: jansson, for the models of other libraries and the command"
  have_module libcurl || echo "libcurl4-openssl-dev: libcurl 7.85 or newer, for http, s3 and grove top"
  have_module 'libmicrohttpd >= 0.9.75' || echo "libmicrohttpd-dev: libmicrohttpd 0.9.75 or newer, for the dashboard"
  have_module expat || echo "libexpat1-dev: expat, for s3's listings"
  have_header snappy-c.h || echo "libsnappy-dev: snappy, with headers"
  for extra in "$@"; do
    case $extra in
      downloader)
        command -v curl > /dev/null 2>&1 || command -v wget > /dev/null 2>&1 ||
          echo "curl ca-certificates: curl or wget, to fetch data"
        ;;
      clang)
        # The sanitizer runtime is a package of its own; its name has the version of clang in it.
        printf 'int main(void) { return 0; }' |
          clang -fsanitize=thread -x c - -o /dev/null > /dev/null 2>&1 ||
          echo "clang llvm $(clang_runtime_package): clang with its sanitizers"
        ;;
    esac
  done
}

# What a build takes in where it is there, and does without: installed along with what is missing.
wished()
{
  have_module liblz4 || echo liblz4-dev
  have_module libbrotlidec || echo libbrotli-dev
  have_module ncursesw || echo libncurses-dev
}

clang_runtime_package()
{
  version=$(apt-cache depends clang 2> /dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  [ -z "$version" ] || echo "libclang-rt-$version-dev"
}

# as_root COMMAND...: as root, by sudo where we are not.
as_root()
{
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_install()
{
  command -v apt-get > /dev/null 2>&1 || return 1
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo > /dev/null 2>&1 || return 1
  [ -t 0 ] || sudo -n true 2> /dev/null
}

# need [downloader] [clang]: installs what is missing, or lists it and ends with 2.
need()
{
  lacking=$(missing "$@")
  [ -n "$lacking" ] || return 0
  if can_install; then
    say "installing: $(printf '%s\n' "$lacking" | sed 's/:.*//' | tr '\n' ' ')"
    as_root apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
    # The name of clang's runtime package is known only now that the lists are here.
    packages="$(missing "$@" | sed 's/:.*//') $(wished)"
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages \
      > "$(log_file install)" 2>&1 || {
      tail -n 20 "$(log_file install)" >&2
      fail 2 "apt-get could not install: $(printf '%s' "$packages" | tr '\n' ' ')"
    }
    lacking=$(missing "$@")
    [ -n "$lacking" ] || return 0
  fi
  {
    echo "Some things that grove is built with are not here, and this script can't install them"
    echo "(it does so on Debian 12 or 13, as root or with sudo). Debian's package, and what it is:"
    printf '%s\n' "$lacking" | sed 's/^/  /'
  } >&2
  exit 2
}

# What the tests beside other programs want of a Python, and what is enough to call it a peer.
peer_packages="pyarrow duckdb polars scikit-learn lightgbm"

# has_peer PYTHON
has_peer()
{
  "$1" -c 'import pyarrow' > /dev/null 2>&1
}

# find_peers: the Python that the tests beside other programs run by, to GROVE_PEER_PYTHON: the caller's whatever it
# has, that of make_peers, or python3. 1: none has pyarrow.
find_peers()
{
  if [ -n "${GROVE_PEER_PYTHON-}" ]; then
    return 0
  fi
  for python in "$top/build/peers/bin/python" python3; do
    if has_peer "$python"; then
      GROVE_PEER_PYTHON=$python
      export GROVE_PEER_PYTHON
      return 0
    fi
  done
  return 1
}

# make_peers: one of our own in build/peers, from the packages registry. What can't be had is skipped by name, so it
# never fails.
make_peers()
{
  say "installing for the tests beside others: $peer_packages"
  log=$(log_file peers)
  venv="python3 -m venv $top/build/peers"
  # shellcheck disable=SC2086 # words
  if ! $venv > "$log" 2>&1 && can_install; then # Debian has that part of Python in a package of its own
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >> "$log" 2>&1 || :
    $venv >> "$log" 2>&1 || :
  fi
  for package in $peer_packages; do # without the first the others are no use, and without a registry none comes
    timeout 120 "$top/build/peers/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
      --retries 1 --timeout 15 "$package" >> "$log" 2>&1 || say "not to be had here: $package"
    has_peer "$top/build/peers/bin/python" || break
  done
  find_peers || :
}

# make_servers: those that tests/interop/store_peers.py starts, into build/servers, which is put into GROVE_TEST_TOOLS: moto from
# the packages registry of Python, versitygw by Go's client, nginx from Debian. What can't be had is skipped by name, so it never
# fails.
make_servers()
{
  say "installing for the tests against other servers: moto versitygw nginx"
  log=$(log_file servers)
  servers=$top/build/servers
  if python3 -m venv "$servers" > "$log" 2>&1; then
    timeout 180 "$servers/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
      --retries 1 --timeout 15 'moto[server,s3]' boto3 >> "$log" 2>&1 || say "not to be had here: moto"
  fi
  if command -v go > /dev/null 2>&1; then
    GOBIN=$servers/bin GOFLAGS=-mod=mod timeout 300 go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 >> "$log" 2>&1 ||
      say "not to be had here: versitygw"
  fi
  if ! command -v nginx > /dev/null 2>&1 && [ ! -x /usr/sbin/nginx ] && can_install; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light >> "$log" 2>&1 ||
      say "not to be had here: nginx"
  fi
  GROVE_TEST_TOOLS=${GROVE_TEST_TOOLS:+$GROVE_TEST_TOOLS:}$servers/bin
  export GROVE_TEST_TOOLS
}

log_file()
{
  mkdir -p "$top/build"
  echo "$top/build/$1.log"
}

# build PRESET [TARGET...]: configures it and builds it, or those targets; its log is shown only if it fails.
build()
{
  say "building $*"
  log=$(log_file "$1")
  # Said each time: what an earlier configuration found, or was told, is in CMake's cache.
  if ! (cd "$top" && cmake --preset "$1" "-DGROVE_DATA_DIR=$(data_dir)") > "$log" 2>&1; then
    cat "$log" >&2
    fail 1 "the $1 preset does not configure"
  fi
  preset=$1
  shift
  if ! cmake --build "$top/build/$preset" ${1:+--target "$@"} >> "$log" 2>&1; then
    grep -E -A 12 'FAILED|error|warning' "$log" | head -n 200 >&2
    fail 1 "the $preset preset does not build; all of it: $log"
  fi
}

# run_tests PRESET CTEST_ARGUMENTS...: leaves counts in $passed, $failed, $skipped (added to what they were).
run_tests()
{
  preset=$1
  shift
  say "testing $preset"
  log=$top/build/$preset/Testing/Temporary/LastTest.log
  told=$top/build/$preset/Testing/told.log
  mkdir -p "$top/build/$preset/Testing"
  rm -f "$log" "$told"
  tested=0
  ctest --test-dir "$top/build/$preset" --output-on-failure --no-tests=error -j "$(processors)" -O "$told" "$@" ||
    tested=$?
  counts=$(awk -f "$top/scripts/count.awk" "$told" "$log") || fail 1 "no log of tests in $log"
  awk -f "$top/scripts/skips.awk" "$told" "$log"
  # shellcheck disable=SC2086 # three numbers
  set -- $counts
  passed=$((${passed:-0} + $1)) failed=$((${failed:-0} + $2)) skipped=$((${skipped:-0} + $3))
  # A failure that left no trace in the log is still one.
  if [ "$tested" -ne 0 ] && [ "$2" -eq 0 ]; then
    failed=$((failed + 1))
  fi
}

processors()
{
  getconf _NPROCESSORS_ONLN 2> /dev/null || echo 2
}

# Where data is: GROVE_DATA_DIR of the caller, ../shared/data where it is there, else data/.
data_dir()
{
  if [ -n "${GROVE_DATA_DIR-}" ]; then
    echo "$GROVE_DATA_DIR"
  elif [ -d "$top/../shared/data" ]; then
    (cd "$top/../shared/data" && pwd)
  else
    echo "$top/data"
  fi
}
