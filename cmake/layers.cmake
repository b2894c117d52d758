# The folders of all private headers: for tests, and nobody else.
add_library(weft_private INTERFACE)
target_include_directories(weft_private INTERFACE ${PROJECT_SOURCE_DIR})

# weft_layer(NAME SOURCES file... PROTOS file... BELOW layer... USES target...)
#
# The target weft_NAME: the objects of one layer. It shows the layers above it NAME/include and nothing
# else, and passes on what BELOW shows. PROTOS become NAME.pb-c.c and .h at build time. A layer that has
# no source yet still carries its headers.
function(weft_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "SOURCES;PROTOS;BELOW;USES")
    set(target weft_${name})
    set(below ${layer_BELOW})
    list(TRANSFORM below PREPEND weft_)

    if(layer_SOURCES OR layer_PROTOS)
        add_library(${target} OBJECT)
        target_sources(${target} PRIVATE ${layer_SOURCES})
        target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include)
        target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
        target_link_libraries(${target} PUBLIC ${below} PRIVATE weft_flags ${layer_USES})
        weft_protoc(${target} ${layer_PROTOS})
        foreach(source IN LISTS layer_SOURCES)
            cmake_path(GET source PARENT_PATH folder)
            target_include_directories(weft_private INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
        endforeach()
        set_property(GLOBAL APPEND PROPERTY WEFT_OBJECTS $<TARGET_OBJECTS:${target}>)
    else()
        add_library(${target} INTERFACE)
        target_include_directories(${target} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/include)
        target_link_libraries(${target} INTERFACE ${below} ${layer_USES})
    endif()

    set_property(GLOBAL APPEND PROPERTY WEFT_USES ${layer_USES})
    set_property(GLOBAL APPEND PROPERTY WEFT_INCLUDES ${CMAKE_CURRENT_SOURCE_DIR}/include)
endfunction()

# weft_services(TARGET file.proto): adds what protoc-c and weft-services make of a file with services to the target,
# whose sources may include "file.weft.h".
function(weft_services target proto)
    find_program(PROTOC_C protoc-c REQUIRED)
    cmake_path(ABSOLUTE_PATH proto)
    cmake_path(GET proto STEM stem)
    cmake_path(GET proto PARENT_PATH folder)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${stem})
    add_custom_command(
        OUTPUT ${out}.pb-c.c ${out}.pb-c.h ${out}.weft.c ${out}.weft.h
        COMMAND ${PROTOC_C} --c_out=${CMAKE_CURRENT_BINARY_DIR} --descriptor_set_out=${out}.set
                -I ${folder} -I ${PROJECT_SOURCE_DIR}/proto ${proto}
        COMMAND weft-services ${out}.set ${out}
        DEPENDS ${proto} weft-services VERBATIM)
    set_source_files_properties(${out}.pb-c.c PROPERTIES COMPILE_OPTIONS -w)
    target_sources(${target} PRIVATE ${out}.pb-c.c ${out}.pb-c.h ${out}.weft.c ${out}.weft.h)
    target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(${target} PRIVATE weft_dep_protobuf_c)
endfunction()

# weft_protoc(TARGET file.proto...): adds what protoc-c makes of the files to the target. Whoever links
# the target may include "file.pb-c.h".
function(weft_protoc target)
    if(NOT ARGN)
        return()
    endif()
    find_program(PROTOC_C protoc-c REQUIRED)
    foreach(proto IN LISTS ARGN)
        cmake_path(GET proto STEM stem)
        set(out ${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c)
        add_custom_command(
            OUTPUT ${out}.c ${out}.h
            COMMAND ${PROTOC_C} --c_out=${CMAKE_CURRENT_BINARY_DIR} -I ${CMAKE_CURRENT_SOURCE_DIR}
                    ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
            DEPENDS ${proto} VERBATIM)
        set_source_files_properties(${out}.c PROPERTIES COMPILE_OPTIONS -w)
        list(APPEND made ${out}.c ${out}.h)
    endforeach()
    target_sources(${target} PRIVATE ${made})
    target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
