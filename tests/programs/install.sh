#!/bin/bash
# An installed weft can be built against: with pkg-config, shared and static, and with find_package.
set -euo pipefail

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$WEFT_BUILD" --prefix "$prefix" >/dev/null
libdir=$(dirname "$(find "$prefix" -name libweft.so)")
flags=$(sed -n 's/^CMAKE_C_FLAGS_DEBUG:[^=]*=//p' "$WEFT_BUILD/CMakeCache.txt")

cat >"$prefix/user.c" <<'END'
#include <string.h>
#include <weft/error.h>

int main(void)
{
    return strcmp(weft_err_name(WEFT_ETIMEDOUT), "ETIMEDOUT");
}
END
cat >"$prefix/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(weft 0.1 REQUIRED)
add_executable(shared user.c)
target_link_libraries(shared weft::weft)
add_executable(static user.c)
target_link_libraries(static weft::weft_static)
END

export PKG_CONFIG_PATH=$libdir/pkgconfig
export LD_LIBRARY_PATH=$libdir
cd "$prefix"
# shellcheck disable=SC2046,SC2086
{
    cc $flags user.c $(pkg-config --cflags --libs weft) -o user
    cc $flags user.c -Wl,-Bstatic $(pkg-config --cflags --libs weft) -Wl,-Bdynamic \
        $(pkg-config --static --libs weft | sed 's/-lweft//') -o user-static
}
./user
./user-static

cmake -G Ninja -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$flags" >/dev/null
cmake --build build >/dev/null
build/shared
build/static
