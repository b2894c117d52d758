# weft_test_protos: the messages that unit tests and fuzz targets share, made by protoc-c.
if(TARGET weft_test_protos)
    return()
endif()
find_program(PROTOC_C protoc-c REQUIRED)

set(test_protos_from ${PROJECT_SOURCE_DIR}/tests/runtime)
set(test_protos_to ${PROJECT_BINARY_DIR}/test_protos)
file(MAKE_DIRECTORY ${test_protos_to})
foreach(proto IN ITEMS pb_test pb_test_old)
    set(out ${test_protos_to}/${proto}.pb-c)
    add_custom_command(
        OUTPUT ${out}.c ${out}.h
        COMMAND ${PROTOC_C} --c_out=${test_protos_to} -I ${test_protos_from}
                ${test_protos_from}/${proto}.proto
        DEPENDS ${test_protos_from}/${proto}.proto VERBATIM)
    set_source_files_properties(${out}.c PROPERTIES COMPILE_OPTIONS -w)
    list(APPEND test_protos_made ${out}.c ${out}.h)
endforeach()

add_library(weft_test_protos STATIC ${test_protos_made})
target_include_directories(weft_test_protos SYSTEM PUBLIC ${test_protos_to})
target_link_libraries(weft_test_protos PUBLIC weft_dep_protobuf_c)
