# What `cmake --install` puts where, and in which Debian package; packaging/ has the libraries and the packages.
include(lib/packaging/library.cmake)

# What stays beside running containers, and the private modules that the client opens on first use.
install(TARGETS davit-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
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

include(lib/packaging/debian.cmake)
