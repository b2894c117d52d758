# The third-party libraries, each as a target `weft_dep_NAME`. docs/dependencies.md says why each.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(CRYPT REQUIRED IMPORTED_TARGET libxcrypt)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec libbrotlienc libbrotlicommon)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(SSH REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)

add_library(weft_dep_openssl ALIAS OpenSSL::SSL)
add_library(weft_dep_zlib ALIAS ZLIB::ZLIB)
add_library(weft_dep_protobuf_c ALIAS PkgConfig::PROTOBUF_C)
add_library(weft_dep_brotli ALIAS PkgConfig::BROTLI)
add_library(weft_dep_psl ALIAS PkgConfig::PSL)
add_library(weft_dep_ssh ALIAS PkgConfig::SSH)
add_library(weft_dep_jansson ALIAS PkgConfig::JANSSON)
add_library(weft_dep_cares ALIAS PkgConfig::CARES)
add_library(weft_dep_uring ALIAS PkgConfig::URING)
add_library(weft_dep_crypt ALIAS PkgConfig::CRYPT)

# libev comes without a pkg-config file.
find_path(EV_INCLUDE_DIR ev.h REQUIRED)
find_library(EV_LIBRARY ev REQUIRED)
mark_as_advanced(EV_INCLUDE_DIR EV_LIBRARY)
add_library(weft_dep_ev UNKNOWN IMPORTED)
set_target_properties(weft_dep_ev PROPERTIES
    IMPORTED_LOCATION ${EV_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${EV_INCLUDE_DIR})

# So does NNG, and its file for CMake would bring mbed TLS's along.
find_path(NNG_INCLUDE_DIR nng/nng.h REQUIRED)
find_library(NNG_LIBRARY nng REQUIRED)
mark_as_advanced(NNG_INCLUDE_DIR NNG_LIBRARY)
add_library(weft_dep_nng UNKNOWN IMPORTED)
set_target_properties(weft_dep_nng PROPERTIES
    IMPORTED_LOCATION ${NNG_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${NNG_INCLUDE_DIR})

# wslay comes without a pkg-config file too.
find_path(WSLAY_INCLUDE_DIR wslay/wslay.h REQUIRED)
find_library(WSLAY_LIBRARY wslay REQUIRED)
mark_as_advanced(WSLAY_INCLUDE_DIR WSLAY_LIBRARY)
add_library(weft_dep_wslay UNKNOWN IMPORTED)
set_target_properties(weft_dep_wslay PROPERTIES
    IMPORTED_LOCATION ${WSLAY_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${WSLAY_INCLUDE_DIR})

# The static archive: the shared library would bring the C++ runtime, and two functions are used.
find_library(BOOST_CONTEXT_LIBRARY libboost_context.a REQUIRED)
mark_as_advanced(BOOST_CONTEXT_LIBRARY)
add_library(weft_dep_boost_context STATIC IMPORTED)
set_target_properties(weft_dep_boost_context PROPERTIES IMPORTED_LOCATION ${BOOST_CONTEXT_LIBRARY})

# llhttp: a system library if there is one, else the C sources that Debian ships in node-llhttp. These
# become part of libweft.
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
mark_as_advanced(LLHTTP_LIBRARY LLHTTP_INCLUDE_DIR LLHTTP_SOURCE_DIR)
if(LLHTTP_LIBRARY)
    add_library(weft_dep_llhttp UNKNOWN IMPORTED)
    set_target_properties(weft_dep_llhttp PROPERTIES
        IMPORTED_LOCATION ${LLHTTP_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LLHTTP_INCLUDE_DIR})
elseif(LLHTTP_SOURCE_DIR)
    add_library(weft_dep_llhttp OBJECT
        ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
    target_include_directories(weft_dep_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    # Its state machine is one huge function: unoptimised it is slow to run and no easier to debug.
    target_compile_options(weft_dep_llhttp PRIVATE -O2 -w)
else()
    message(FATAL_ERROR "llhttp is missing: neither a library nor /usr/share/llhttp/llhttp.c "
                        "(Debian: apt-get install node-llhttp)")
endif()

# What a program that links the installed libweft.a must link too.
set(WEFT_STATIC_LIBS ev :libboost_context.a protobuf-c ssl crypto z brotlidec brotlienc brotlicommon psl ssh wslay crypt cares nng jansson uring)
if(LLHTTP_LIBRARY)
    list(APPEND WEFT_STATIC_LIBS llhttp)
endif()
