#!/bin/bash
# Plug-ins as their users meet them: built, run, refused in words that say what is wrong.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
example=$WEFT_BUILD/examples/19_plugin.so
source=$here/../..
includes=(-I"$source/runtime/include" -I"$source/proto/include" -I"$source/actors/include" -I"$source/protocols/include")
flags=$(sed -n 's/^CMAKE_C_FLAGS_DEBUG:[^=]*=//p' "$WEFT_BUILD/CMakeCache.txt")

# said CODE TEXT PROGRAM ARGUMENT...: it ends by itself with this code and says this.
said()
{
    local code=0 wanted=$1 pattern=$2 text
    shift 2
    text=$("$@" </dev/null 2>&1) || code=$?
    [ "$code" = "$wanted" ] || fail "$*: exit code $code, expected $wanted: $text"
    case $text in
    *"$pattern"*) ;;
    *) fail "$*: $(printf '%q has no %q' "$text" "$pattern")" ;;
    esac
}

# build NAME [LINE]: NAME.so, a plug-in with a service NAME that echoes; LINE stands behind its entry's fields.
build()
{
    cat >"$1.c" <<END
#include <weft/plugin.h>
#include <weft/wire.h>
static struct mine { weft_option_urls listen; const char *word; } mine;
static const weft_option options[] = {
    {.name = "listen", .kind = WEFT_OPTION_LISTEN, .value = "URL", .unset = "tcp://127.0.0.1:0",
     .at = offsetof(struct mine, listen), .help = "where to listen"},
    {.name = "${2:-word}", .kind = WEFT_OPTION_TEXT, .value = "TEXT", .at = offsetof(struct mine, word), .help = "a word"},
    {0},
};
static weft_err children(void *at, weft_children *to, weft_why *why)
{
    return weft_children_listen(to, &((struct mine *)at)->listen, &weft_wire_echo, NULL, why);
}
static const weft_service services[] = {
    {.name = "$1", .summary = "the service $1", .options = options, .settings = &mine, .children = children},
    {0},
};
const weft_plugin weft_plugin_entry = {.built = WEFT_PLUGIN_BUILT, .name = "$1", .services = services ${3:-}};
END
    # shellcheck disable=SC2086
    cc $flags -w -shared -fPIC "${includes[@]}" "$1.c" ${4:-} -o "$1.so"
}

echo "the example"
said 0 "shout      send back each line in capitals" "$weftd" --plugin "$example" list
said 0 "  shout                      send back each line in capitals" "$weftd" --plugin "$example" --help
said 0 "--mark TEXT                what stands behind each line [!]" "$weftd" --plugin "$example" shout --help
said 0 "usage: weftd shout [OPTIONS]" "$weftd" shout --plugin "$example" --help
said 0 'mark: "?"' "$weftd" --plugin="$example" shout --mark '?' --print-config
said 0 "listener-1: shout for each connection at unix:s, restarted" \
    "$weftd" --plugin "$example" shout --listen unix:s --print-tree
said 64 'there is no service "shout"' "$weftd" shout
said 64 'the nearest is "shout"' "$weftd" --plugin "$example" shoud
said 64 "the nearest is --mark" "$weftd" --plugin "$example" shout --marc x
said 78 "--mark is \"too long by far\", expected 8 bytes at most" "$weftd" --plugin "$example" shout --mark "too long by far"
serve shout "$weftd" --plugin "$example" shout --mark '?' --listen tcp://127.0.0.1:0 --threads 2
[ "$(printf 'one\ntwo\n' | socat -t 10 - "tcp:127.0.0.1:$port")" = $'ONE?\nTWO?' ] || fail "it does not shout"
stop

echo "two of them, beside the services of weftd"
build mine
build other
said 0 "the service other" "$weftd" --plugin ./mine.so --plugin other.so list
serve other "$weftd" --plugin ./mine.so --plugin other.so other
[ "$(echo back | socat -t 10 - "tcp:127.0.0.1:$port")" = back ] || fail "it does not echo"
stop
serve echo "$weftd" --plugin ./mine.so echo --listen tcp://127.0.0.1:0
stop

echo "names that are taken"
build echo
said 78 "there is a service \"echo\" already, of weftd" "$weftd" --plugin ./echo.so list
said 78 "there is a service \"mine\" already, of ./mine.so" "$weftd" --plugin ./mine.so --plugin "$dir/mine.so" list
build urls
said 78 "its service urls would hide what weftd urls does" "$weftd" --plugin ./urls.so list
build taken user
said 78 "its service taken has an option --user, which every service has" "$weftd" --plugin ./taken.so list

echo "built against another weft"
build later word ", .built.abi = 99, .built.weft = \"9.9.9\""
said 78 "--plugin ./later.so: was built against weft 9.9.9 (ABI 99), expected ABI 1" "$weftd" --plugin ./later.so list
build wider word ", .built.size[15] = 8"
said 78 "a weft_service has 8 bytes; in this weft" "$weftd" --plugin ./wider.so list
# also when it misses a function: the version says more than the name
build newer word ", .built.abi = 2"
cat >>newer.c <<'END'
void weft_of_the_future(void);
void uses(void) { weft_of_the_future(); }
END
# shellcheck disable=SC2086
cc $flags -w -shared -fPIC "${includes[@]}" newer.c -o newer.so
said 78 "(ABI 2), expected ABI 1" "$weftd" --plugin ./newer.so list
sed -i 's/, .built.abi = 2//' newer.c
# shellcheck disable=SC2086
cc $flags -w -shared -fPIC "${includes[@]}" newer.c -o newer.so
said 78 "needs weft_of_the_future, which this weft" "$weftd" --plugin ./newer.so list

echo "no plug-ins"
said 78 "--plugin ./none.so: No such file" "$weftd" --plugin ./none.so list
said 78 "--plugin .: Is a directory, expected a shared object" "$weftd" --plugin . list
echo "not an object" >text.so
said 78 "is no shared object: it does not begin as one" "$weftd" --plugin text.so list
: >empty.so
said 78 "is no shared object: it does not begin as one" "$weftd" --plugin empty.so list
# shellcheck disable=SC2086
cc $flags -w -c -fPIC "${includes[@]}" mine.c -o object.so
said 78 "is no shared object: link it with cc -shared -fPIC" "$weftd" --plugin object.so list
head -c 1000 mine.so >cut.so
said 78 "--plugin cut.so: is cut: a part that it speaks of is missing" "$weftd" --plugin cut.so list
head -c 70 mine.so >cut.so
said 78 "is cut" "$weftd" --plugin cut.so list
said 78 "cannot be loaded: cannot dynamically load position-independent executable" "$weftd" --plugin "$weftd" list
cp mine.so machine.so
printf '\xf7\0' | dd of=machine.so bs=1 seek=18 conv=notrunc status=none
said 78 "is for another machine (64 bits, ELF machine 247), expected 64 bits" "$weftd" --plugin machine.so list
cp mine.so small.so
printf '\x01' | dd of=small.so bs=1 seek=4 conv=notrunc status=none
said 78 "is for another machine (32 bits" "$weftd" --plugin small.so list
echo "int nothing;" >bare.c
# shellcheck disable=SC2086
cc $flags -shared -fPIC bare.c -o bare.so
said 78 "is no plug-in: it does not export weft_plugin_entry" "$weftd" --plugin bare.so list
said 64 "--plugin has no value" "$weftd" --plugin
said 64 "--plugin has no value" "$weftd" --plugin --help
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ "$(id -u)" = 0 ] && chmod a+x . && "${as_nobody[@]}" test -x "$weftd" 2>/dev/null; then
    cp mine.so closed.so
    chmod 0 closed.so
    said 78 "Permission denied, expected a shared object" "${as_nobody[@]}" "$weftd" --plugin ./closed.so list
fi
many=()
for i in {1..17}; do
    build "m$i" >/dev/null
    many+=(--plugin "m$i.so")
done
said 64 "--plugin is given too often, expected at most 16 times" "$weftd" "${many[@]}" m1
said 0 "the service m16" "$weftd" "${many[@]:0:32}" list

echo "a folder that nobody may write"
mkdir fixed
cp mine.so fixed
chmod a-w fixed fixed/mine.so
said 0 "the service mine" "$weftd" --plugin fixed/mine.so list
chmod -R u+w fixed

echo "one runtime, also for a plug-in that is linked with libweft"
build linked word "" "-L$WEFT_BUILD -lweft -Wl,-rpath,$WEFT_BUILD"
serve linked "$weftd" --plugin ./linked.so linked
[ "$(echo back | socat -t 10 - "tcp:127.0.0.1:$port")" = back ] || fail "it does not echo when it is linked with libweft"
stop

echo "a program of one's own that takes plug-ins"
cat >program.c <<'END'
#include <weft/app.h>
int main(int argc, char **argv)
{
    return weft_main(&(weft_app){.name = "program", .plugins = true}, argc, argv);
}
END
# shellcheck disable=SC2086
cc $flags -w "${includes[@]}" program.c -L"$WEFT_BUILD" -lweft -Wl,-rpath,"$WEFT_BUILD" -o program
said 0 "options of mine:" ./program --plugin mine.so --help
said 64 "there is no option --word" ./program --word x
serve program ./program --plugin mine.so --word x
[ "$(echo back | socat -t 10 - "tcp:127.0.0.1:$port")" = back ] || fail "it does not echo in a program"
stop
