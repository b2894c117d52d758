# find_package(weft): weft::weft (shared) and weft::weft_static.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/weft-targets.cmake)
