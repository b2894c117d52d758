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
add_library(plugin MODULE plugin.c)
target_link_libraries(plugin PRIVATE weft::plugin)
END
cat >"$prefix/plugin.c" <<'END'
#include <weft/plugin.h>

static const weft_service services[] = {{.name = "mine", .summary = "a service"}, {0}};
const weft_plugin weft_plugin_entry = {
    .built = WEFT_PLUGIN_BUILT, .name = "mine", .services = services};
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

# the installed weftd runs plug-ins, also where no libweft is
# shellcheck disable=SC2046,SC2086
cc $flags -shared -fPIC $(pkg-config --cflags weft) plugin.c -o plugin.so
rm "$libdir"/libweft.so*
for plugin in plugin.so build/libplugin.so; do
    bin/weftd --plugin $plugin list | grep -q '^mine  *a service$'
done
