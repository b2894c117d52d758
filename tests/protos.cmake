# weft_test_protos: the messages that unit tests and fuzz targets share, made by protoc-c.
if(TARGET weft_test_protos)
    return()
endif()
find_program(PROTOC_C protoc-c REQUIRED)

set(test_protos_to ${PROJECT_BINARY_DIR}/test_protos)
file(MAKE_DIRECTORY ${test_protos_to})
foreach(proto IN ITEMS runtime/pb_test runtime/pb_test_old actors/node_test)
    cmake_path(GET proto PARENT_PATH folder)
    cmake_path(GET proto FILENAME name)
    set(from ${PROJECT_SOURCE_DIR}/tests/${folder})
    set(out ${test_protos_to}/${name}.pb-c)
    add_custom_command(
        OUTPUT ${out}.c ${out}.h
        COMMAND ${PROTOC_C} --c_out=${test_protos_to} -I ${from} -I ${PROJECT_SOURCE_DIR}/proto
                ${from}/${name}.proto
        DEPENDS ${from}/${name}.proto ${PROJECT_SOURCE_DIR}/proto/weft_ref.proto VERBATIM)
    set_source_files_properties(${out}.c PROPERTIES COMPILE_OPTIONS -w)
    list(APPEND test_protos_made ${out}.c ${out}.h)
endforeach()

add_library(weft_test_protos STATIC ${test_protos_made})
weft_services(weft_test_protos ${PROJECT_SOURCE_DIR}/tests/actors/service_test.proto)
target_include_directories(weft_test_protos SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
target_include_directories(weft_test_protos SYSTEM PUBLIC ${test_protos_to})
target_link_libraries(weft_test_protos PUBLIC weft_dep_protobuf_c weft_proto)
