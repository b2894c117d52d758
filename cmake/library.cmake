# libweft.so and libweft.a, made of the layers' objects, and how they are installed.

get_property(objects GLOBAL PROPERTY WEFT_OBJECTS)
get_property(uses GLOBAL PROPERTY WEFT_USES)
get_property(includes GLOBAL PROPERTY WEFT_INCLUDES)
list(REMOVE_DUPLICATES uses)

# Objects of a foreign library that the system does not have go into ours.
set(links Threads::Threads)
foreach(use IN LISTS uses)
    get_target_property(type ${use} TYPE)
    if(type STREQUAL OBJECT_LIBRARY)
        list(APPEND objects $<TARGET_OBJECTS:${use}>)
    else()
        list(APPEND links ${use})
    endif()
endforeach()

list(TRANSFORM includes REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>" OUTPUT_VARIABLE build_includes)

add_library(weft SHARED ${objects})
set_target_properties(weft PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/weft.map)
target_link_options(weft PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/weft.map -Wl,-Bsymbolic-functions -Wl,-z,now)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    # clang leaves the names of its sanitizers to the program.
    target_link_options(weft PRIVATE -Wl,--no-undefined)
endif()
target_link_libraries(weft PRIVATE ${links})

add_library(weft_static STATIC ${objects})
set_target_properties(weft_static PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE C)
target_link_libraries(weft_static INTERFACE
    Threads::Threads "$<BUILD_INTERFACE:${links}>" "$<INSTALL_INTERFACE:${WEFT_STATIC_LIBS}>")

# What a plug-in is built with: the headers. It finds the functions in the program that loads it.
add_library(weft_plugin INTERFACE)
set_target_properties(weft_plugin PROPERTIES EXPORT_NAME plugin)

foreach(library weft weft_static weft_plugin)
    target_include_directories(${library} INTERFACE
        ${build_includes} $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
add_library(weft::weft ALIAS weft)
add_library(weft::weft_static ALIAS weft_static)
add_library(weft::plugin ALIAS weft_plugin)

# weft_show(TARGET): the program shows the public names to the plug-ins that it loads.
function(weft_show target)
    target_link_options(${target} PRIVATE "-Wl,--export-dynamic-symbol=weft_*")
endfunction()

install(TARGETS weft weft_static weft_plugin EXPORT weft)
foreach(include IN LISTS includes)
    install(DIRECTORY ${include}/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
            FILES_MATCHING PATTERN "*.h")
endforeach()

include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
install(EXPORT weft NAMESPACE weft:: FILE weft-targets.cmake DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weft-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES cmake/weft-config.cmake ${PROJECT_BINARY_DIR}/weft-config-version.cmake
        DESTINATION ${config_dir})

list(TRANSFORM WEFT_STATIC_LIBS PREPEND -l OUTPUT_VARIABLE private_libs)
list(JOIN private_libs " " WEFT_PC_PRIVATE_LIBS)
# The prefix is told from where the file stands, so that an installed tree can be moved.
file(RELATIVE_PATH WEFT_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/weft.pc.in ${PROJECT_BINARY_DIR}/weft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
