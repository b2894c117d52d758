# How every source of ours is compiled: language, definitions, warnings, link-time optimisation.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

if(NOT CMAKE_C_COMPILER_LAUNCHER)
    find_program(WEFT_CCACHE ccache)
    mark_as_advanced(WEFT_CCACHE)
    if(WEFT_CCACHE)
        set(CMAKE_C_COMPILER_LAUNCHER ${WEFT_CCACHE})
    endif()
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
add_compile_definitions(_GNU_SOURCE)
if(WEFT_DEV)
    add_compile_definitions(WEFT_DEV=1)
endif()

# Linked (PRIVATE) by every target whose sources are ours; foreign and generated sources are not.
add_library(weft_flags INTERFACE)
target_compile_options(weft_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wpointer-arith -Wwrite-strings -Wundef -Wcast-qual
    -fno-semantic-interposition)
if(WEFT_WERROR)
    target_compile_options(weft_flags INTERFACE -Werror)
endif()

if(WEFT_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT lto_works OUTPUT lto_why LANGUAGES C)
    if(lto_works)
        set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
        if(CMAKE_C_COMPILER_ID STREQUAL GNU)
            # Machine code stands beside the bytecode, so that libweft.a links with any compiler.
            add_compile_options(-ffat-lto-objects)
            if(WEFT_WERROR)
                add_link_options(-Werror)
            endif()
        endif()
    else()
        message(STATUS "no link-time optimisation: ${lto_why}")
    endif()
endif()
