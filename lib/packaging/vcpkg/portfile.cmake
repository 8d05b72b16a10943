# From this checkout: vcpkg install davit --overlay-ports=lib/packaging/vcpkg. libseccomp and libnl, which vcpkg does not have, come from
# the machine (libseccomp-dev, libnl-3-dev). vcpkg sees changes of the port's own files only: after others --no-binarycaching and
# `vcpkg remove davit` before.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." REALPATH)
# libdavit.a names what it is linked with by names that vcpkg's debug libraries do not have; the shared one has it inside,
# or beside itself.
vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DDAVIT_TESTS=OFF
        -DDAVIT_SHARED=ON
        -DDAVIT_STATIC=OFF
        -DCMAKE_UNITY_BUILD=ON
        # of the programs in libexec, where vcpkg sets none
        "-DCMAKE_INSTALL_RPATH=\$ORIGIN/../lib:\$ORIGIN/../../lib"
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/davit)
vcpkg_fixup_pkgconfig()
# The program finds its helpers beside itself, the library in its prefix.
file(COPY "${CURRENT_PACKAGES_DIR}/libexec/davit/" DESTINATION "${CURRENT_PACKAGES_DIR}/tools/${PORT}")
vcpkg_copy_tools(TOOL_NAMES davit AUTO_CLEAN)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/THIRD_PARTY_NOTICES.md")
