# find_package(weft): weft::weft (shared), weft::weft_static, and weft::plugin for plug-ins.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/weft-targets.cmake)
