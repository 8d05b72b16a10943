# From this checkout: vcpkg install davit --overlay-ports=lib/packaging/vcpkg. libseccomp and libnl, which vcpkg does not have, come from
# the machine (libseccomp-dev, libnl-3-dev).
get_filename_component(SOURCE_PATH ${CURRENT_PORT_DIR}/../../.. REALPATH)
vcpkg_cmake_configure(SOURCE_PATH ${SOURCE_PATH} OPTIONS -DDAVIT_TESTS=OFF -DCMAKE_UNITY_BUILD=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/davit)
vcpkg_fixup_pkgconfig()
vcpkg_copy_tools(TOOL_NAMES davit AUTO_CLEAN)
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/debug/include ${CURRENT_PACKAGES_DIR}/debug/share ${CURRENT_PACKAGES_DIR}/debug/libexec)
vcpkg_install_copyright(FILE_LIST ${SOURCE_PATH}/LICENSE ${SOURCE_PATH}/THIRD_PARTY_NOTICES.md)
