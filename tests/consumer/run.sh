#!/bin/sh
# run.sh HOW BUILD SOURCE SCRATCH CC CXX: builds and runs the small project as a user of an installed grove, HOW
# being: static, shared, any (find_package); static_only, shared_only (the other kind is not installed);
# pkgconfig, pkgconfig_static; subproject. Environment: GENERATOR.
set -eu
how=$1 build=$2 source=$3 scratch=$4 cc=$5 cxx=$6
rm -rf "$scratch"
mkdir -p "$scratch"
project=$source/tests/consumer/project

# Installed in one place and moved to another: nothing may remember where it was built or first put, nor fall over a
# blank.
install_moved()
{
  cmake --install "$build" --prefix "$scratch/first" > "$scratch/install.log"
  mv "$scratch/first" "$scratch/the prefix"
  lib=$(dirname "$(find "$scratch/the prefix" -name 'libgrove.*' | head -n 1)")
  [ -n "$lib" ] || { echo "no libgrove was installed"; exit 1; }
}

without()
{
  case $1 in
    shared) find "$scratch/the prefix" \( -name '*.so*' -o -name 'grove-grove*_shared*' \) -exec rm {} + ;;
    static) find "$scratch/the prefix" \( -name '*.a' -o -name 'grove-grove*_static*' \) -exec rm {} + ;;
  esac
}

run_all()
{
  for program in "$scratch"/out/hello "$scratch"/out/hello_cpp "$scratch"/out/table "$scratch"/out/shards; do
    [ -x "$program" ] || { echo "$program was not built"; exit 1; }
    said=$(cd "$scratch/out" && LD_LIBRARY_PATH=${lib-} "$program") || {
      echo "$(basename "$program") ended with $?: $said"
      exit 1
    }
    echo "$(basename "$program"): $said"
  done
}

with_cmake()
{
  mode=$1
  shift
  cmake -S "$project" -B "$scratch/out" -G "$GENERATOR" -DMODE="$mode" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release "$@" > "$scratch/configure.log" 2>&1 ||
    { cat "$scratch/configure.log"; exit 1; }
  cmake --build "$scratch/out" -j 2 > "$scratch/build.log" 2>&1 || { cat "$scratch/build.log"; exit 1; }
  run_all
}

# linked KIND: the program depends on the shared libgrove, or not.
linked()
{
  got=static
  if readelf -d "$scratch/out/hello" 2> /dev/null | grep -q 'NEEDED.*libgrove\.so'; then got=shared; fi
  [ "$got" = "$1" ] || { echo "hello is linked with the $got library, not the $1 one"; exit 1; }
}

with_pkgconfig()
{
  mkdir -p "$scratch/out"
  export PKG_CONFIG_PATH="$lib/pkgconfig"
  for pair in hello.c:grove hello_cpp.cpp:grove table.c:grove_model shards.c:grove_data; do
    file=${pair%%:*} package=${pair#*:}
    case $file in
      *.cpp) compile="$cxx -std=c++11" ;;
      *) compile="$cc -std=c11" ;;
    esac
    # shellcheck disable=SC2086 # a flag or none
    flags="$(pkg-config --cflags "$package") $(pkg-config $static_flag --libs "$package")"
    # Blanks in paths come out as "\ ", for a shell to read.
    eval "$compile \"\$project/\$file\" -o \"\$scratch/out/\${file%.*}\" $flags" || return 1
  done
  run_all
}

case $how in
  static | shared)
    install_moved
    with_cmake "$how" -DCMAKE_PREFIX_PATH="$scratch/the prefix" -DNEEDS=grove_data
    linked "$how"
    ;;
  any)
    install_moved
    with_cmake any -DCMAKE_PREFIX_PATH="$scratch/the prefix"
    linked static
    with_cmake any -DCMAKE_PREFIX_PATH="$scratch/the prefix" -DBUILD_SHARED_LIBS=ON
    linked shared
    ;;
  static_only)
    install_moved
    without shared
    with_cmake any -DCMAKE_PREFIX_PATH="$scratch/the prefix" -DBUILD_SHARED_LIBS=ON
    linked static
    ;;
  shared_only)
    # As on a machine without the headers of libuv and the codecs: pkg-config is not asked at all.
    install_moved
    without static
    PKG_CONFIG=false with_cmake any -DCMAKE_PREFIX_PATH="$scratch/the prefix"
    linked shared
    ;;
  pkgconfig)
    install_moved
    static_flag=
    with_pkgconfig
    linked shared
    ;;
  pkgconfig_static)
    # libgrove*.a with all that it calls. (Debian has no static libuv under its own name, so no -static.)
    install_moved
    without shared
    static_flag=--static
    with_pkgconfig
    linked static
    ;;
  subproject)
    with_cmake subproject -DGROVE_SOURCE="$source"
    linked static
    ;;
  *)
    echo "no such way: $how" >&2
    exit 2
    ;;
esac
echo "$how: a user builds and runs"
