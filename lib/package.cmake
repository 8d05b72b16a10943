# libdavit.so for embedders, and what `cmake --install` puts where.
include(CMakePackageConfigHelpers)

# The components that define what lib/include/davit declares go in whole; the others are taken
# from their archives as needed. Everything outside the public headers stays hidden.
set(public_components davit_base davit_model davit_compose davit_reconcile davit_engine davit_image davit_remote davit_project davit_stack davit_swarm davit_scope davit_export davit_c)
if(DAVIT_SHARED)
    add_library(davit_shared SHARED) # not "davit": the program has that file name
    foreach(component IN LISTS public_components)
        if(TARGET ${component})
            target_sources(davit_shared PRIVATE $<TARGET_OBJECTS:${component}>)
            target_link_libraries(davit_shared PRIVATE ${component})
        endif()
    endforeach()
    add_library(davit::davit ALIAS davit_shared)
    target_compile_features(davit_shared PUBLIC cxx_std_20)
    target_include_directories(davit_shared PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(davit_shared PROPERTIES OUTPUT_NAME davit EXPORT_NAME davit LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    target_link_options(davit_shared PRIVATE -Wl,--exclude-libs,ALL -Wl,--no-undefined)

    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/davit)
    install(TARGETS davit_shared EXPORT davitTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT davitTargets NAMESPACE davit:: DESTINATION ${package_dir})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/include/davit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
    file(WRITE ${PROJECT_BINARY_DIR}/davitConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/davitTargets.cmake)\n")
    write_basic_package_version_file(${PROJECT_BINARY_DIR}/davitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${PROJECT_BINARY_DIR}/davitConfig.cmake ${PROJECT_BINARY_DIR}/davitConfigVersion.cmake DESTINATION ${package_dir})
    file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
    string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
    configure_file(${PROJECT_SOURCE_DIR}/lib/davit.pc.in ${PROJECT_BINARY_DIR}/davit.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/davit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    install(FILES ${PROJECT_SOURCE_DIR}/docs/embedding.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/samples/embed ${PROJECT_SOURCE_DIR}/samples/embed-tests DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
endif()

# What stays beside running containers, and the private modules that the client opens on first use.
install(TARGETS davit-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(program davit-supervisor)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/davit)
    endif()
endforeach()
get_property(modules GLOBAL PROPERTY DAVIT_MODULES)
foreach(module IN LISTS modules)
    install(TARGETS ${module} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/davit)
endforeach()

# Manual pages: each man/*.scd becomes one.
find_program(DAVIT_SCDOC scdoc)
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.scd)
if(DAVIT_SCDOC AND pages)
    foreach(page IN LISTS pages)
        get_filename_component(name ${page} NAME_WLE)
        add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/man/${name}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
            COMMAND sh -c "'${DAVIT_SCDOC}' < '${page}' > '${PROJECT_BINARY_DIR}/man/${name}'" VERBATIM
            DEPENDS ${page})
        list(APPEND made_pages ${PROJECT_BINARY_DIR}/man/${name})
        string(REGEX MATCH "[0-9]$" section ${name})
        install(FILES ${PROJECT_BINARY_DIR}/man/${name} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
endif()
# One page a verb: its option table and the text in man/verbs. They need a davit that runs here.
if(DAVIT_SCDOC AND NOT CMAKE_CROSSCOMPILING)
    file(GLOB texts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/verbs/*.scd)
    foreach(text IN LISTS texts)
        get_filename_component(verb ${text} NAME_WLE)
        set(page ${PROJECT_BINARY_DIR}/man/davit-${verb}.1)
        add_custom_command(OUTPUT ${page}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
            COMMAND sh -c "'$<TARGET_FILE:davit-cli>' __manual ${verb} < '${text}' > '${page}.scd' && '${DAVIT_SCDOC}' < '${page}.scd' > '${page}'" VERBATIM
            DEPENDS ${text} davit-cli)
        list(APPEND made_pages ${page})
        install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    endforeach()
endif()
add_custom_target(man ALL DEPENDS ${made_pages})
foreach(text LICENSE README.md CHANGELOG.md THIRD_PARTY_NOTICES.md docs/troubleshooting.md)
    install(FILES ${PROJECT_SOURCE_DIR}/${text} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endforeach()
