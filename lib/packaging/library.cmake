# libdavit, shared and static, and what programs find it by: CMake's package and pkg-config's file.
include(CMakePackageConfigHelpers)

# The components that define what lib/include/davit declares go in whole; the others are taken
# from their archives as needed. Everything outside the public headers stays hidden.
set(public_components davit_base davit_bake davit_model davit_compose davit_docker davit_reconcile davit_engine davit_image davit_remote
    davit_project davit_stack davit_swarm davit_scope davit_export davit_c)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/davit)
set(public_headers $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# What a static libdavit is linked with beside itself: as davit.pc's Requires.private and Libs.private say.
set(foreign_libraries fmt yaml-cpp seccomp nl-3 z zstd ${CMAKE_DL_LIBS} pthread)

# closure(OUT TARGET…): these and every static library of the tree that they are linked with.
function(closure out)
    set(todo ${ARGN})
    set(all "")
    while(todo)
        list(POP_FRONT todo target)
        if(NOT TARGET ${target} OR target IN_LIST all)
            continue()
        endif()
        get_target_property(type ${target} TYPE)
        get_target_property(imported ${target} IMPORTED)
        if(imported OR NOT type STREQUAL "STATIC_LIBRARY")
            continue()
        endif()
        list(APPEND all ${target})
        get_target_property(linked ${target} LINK_LIBRARIES)
        if(linked)
            list(APPEND todo ${linked})
        endif()
    endwhile()
    set(${out} ${all} PARENT_SCOPE)
endfunction()

if(DAVIT_SHARED)
    add_library(davit_shared SHARED) # not "davit": the program has that file name
    foreach(component IN LISTS public_components)
        target_sources(davit_shared PRIVATE $<TARGET_OBJECTS:${component}>)
        target_link_libraries(davit_shared PRIVATE ${component})
    endforeach()
    add_library(davit::davit ALIAS davit_shared)
    target_compile_features(davit_shared PUBLIC cxx_std_20)
    target_include_directories(davit_shared PUBLIC ${public_headers})
    set_target_properties(davit_shared PROPERTIES OUTPUT_NAME davit EXPORT_NAME davit LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    target_link_options(davit_shared PRIVATE -Wl,--exclude-libs,ALL -Wl,--no-undefined -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/hidden.map)
    set_target_properties(davit_shared PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/hidden.map)
    install(TARGETS davit_shared EXPORT davitShared
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libdavit NAMELINK_COMPONENT dev)
    install(EXPORT davitShared NAMESPACE davit:: FILE davit-shared.cmake DESTINATION ${package_dir} COMPONENT dev)
endif()

if(DAVIT_STATIC)
    closure(whole ${public_components})
    add_library(davit_static STATIC)
    foreach(component IN LISTS whole)
        target_sources(davit_static PRIVATE $<TARGET_OBJECTS:${component}>)
    endforeach()
    add_library(davit::static ALIAS davit_static)
    target_compile_features(davit_static PUBLIC cxx_std_20)
    target_include_directories(davit_static PUBLIC ${public_headers})
    target_link_libraries(davit_static INTERFACE ${foreign_libraries})
    set_target_properties(davit_static PROPERTIES OUTPUT_NAME davit EXPORT_NAME static LINKER_LANGUAGE CXX
        ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    install(TARGETS davit_static EXPORT davitStatic ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
    install(EXPORT davitStatic NAMESPACE davit:: FILE davit-static.cmake DESTINATION ${package_dir} COMPONENT dev)
endif()

if(NOT DAVIT_SHARED AND NOT DAVIT_STATIC)
    return()
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/include/davit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
configure_file(${CMAKE_CURRENT_LIST_DIR}/davitConfig.cmake ${PROJECT_BINARY_DIR}/davitConfig.cmake COPYONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/davitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/davitConfig.cmake ${PROJECT_BINARY_DIR}/davitConfigVersion.cmake DESTINATION ${package_dir} COMPONENT dev)
file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/davit.pc.in ${PROJECT_BINARY_DIR}/davit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/davit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
install(FILES ${PROJECT_SOURCE_DIR}/docs/embedding.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
# The reference is made from the headers, where there is a python to make it.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_Interpreter_FOUND)
    set(reference ${PROJECT_BINARY_DIR}/reference.html)
    file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/include/davit/*)
    add_custom_command(OUTPUT ${reference}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/docs/make-reference ${PROJECT_SOURCE_DIR}/lib/include/davit ${reference}
        DEPENDS ${PROJECT_SOURCE_DIR}/docs/make-reference ${headers} VERBATIM)
    add_custom_target(reference ALL DEPENDS ${reference})
    install(FILES ${reference} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/samples/embed ${PROJECT_SOURCE_DIR}/samples/embed-tests DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT dev)
