# `cpack --config BUILD/CPackConfig.cmake`: davit (the program, what runs beside containers, manual pages, completion, the unit),
# libdavit0 (the library alone) and libdavit-dev. The helpers of /usr/libexec are davit's, as a package named after a
# version of the library may hold nothing that the next version's has too; so libdavit0 needs davit.
find_program(DAVIT_DPKG dpkg)
if(NOT DAVIT_DPKG)
    return()
endif()
set(library_package libdavit${PROJECT_VERSION_MAJOR})

# The unit needs a davit that runs here, as the manual pages do.
if(NOT CMAKE_CROSSCOMPILING)
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/davit.service
        COMMAND sh -c "'$<TARGET_FILE:davit-cli>' __unit /usr/bin/davit > '${PROJECT_BINARY_DIR}/davit.service'" VERBATIM
        DEPENDS davit-cli)
    add_custom_target(unit ALL DEPENDS ${PROJECT_BINARY_DIR}/davit.service)
    install(FILES ${PROJECT_BINARY_DIR}/davit.service DESTINATION lib/systemd/system COMPONENT unit EXCLUDE_FROM_ALL)
endif()
set(copyright ${PROJECT_SOURCE_DIR}/lib/packaging/debian/copyright)
install(FILES ${copyright} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/davit COMPONENT davit)
install(FILES ${copyright} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${library_package} COMPONENT libdavit EXCLUDE_FROM_ALL)
install(FILES ${copyright} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libdavit-dev COMPONENT dev EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME davit)
set(CPACK_PACKAGE_VENDOR davit)
set(CPACK_PACKAGE_CONTACT "davit maintainers <maintainers@davit.invalid>" CACHE STRING "Who answers for the packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/lib/packaging/debian/before_packing.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY =) # before 1.0 a program needs the version that it was built with
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_DAVIT_PACKAGE_NAME davit)
set(CPACK_DEBIAN_DAVIT_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_DAVIT_DESCRIPTION "${PROJECT_DESCRIPTION}
 Runs compose files as docker compose does, without a daemon: bridges, volumes,
 images, builds and restarts, by one program and a small process a project.")
set(CPACK_DEBIAN_DAVIT_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_DAVIT_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/lib/packaging/debian/postinst;${PROJECT_SOURCE_DIR}/lib/packaging/debian/prerm;${PROJECT_SOURCE_DIR}/lib/packaging/debian/postrm")

set(CPACK_DEBIAN_LIBDAVIT_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBDAVIT_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBDAVIT_DESCRIPTION "compose files to running containers, as a library
 What davit does, for programs that embed it: tests, updaters, launchers.")
set(CPACK_DEBIAN_LIBDAVIT_PACKAGE_DEPENDS "davit (= ${PROJECT_VERSION})")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libdavit-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_DESCRIPTION "compose files to running containers: to build programs with
 Headers, the static library, files for CMake and pkg-config, and examples.")
# The libraries are for linking statically, and pkg-config wants their files in any case.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION}), libfmt-dev, libyaml-cpp-dev, libseccomp-dev, libnl-3-dev, zlib1g-dev, libzstd-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)

set(CPACK_COMPONENTS_ALL davit unit libdavit dev)
include(CPack)
# The unit is the package's alone: whoever installs from source asks `davit system install` for one.
cpack_add_component_group(davit)
cpack_add_component_group(libdavit)
cpack_add_component_group(dev)
cpack_add_component(davit GROUP davit)
cpack_add_component(unit GROUP davit)
cpack_add_component(libdavit GROUP libdavit)
cpack_add_component(dev GROUP dev)
