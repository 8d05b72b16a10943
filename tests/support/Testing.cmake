# Paths of this checkout are told to the sources that want them, not to all of a test: the compiler's cache
# would be no help in another checkout.
# A TIMEOUT is there for what hangs, and is ten times what the test takes: a machine may be busy with other things.
# davit_unit_test(NAME SOURCES … LINK …): one doctest program, run as a whole, no privileges needed.
find_package(doctest REQUIRED)
# What is under test is built as it is installed; the tests themselves need not take long to compile.
set(davit_test_options $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-Wno-cpp>) # glibc warns of fortification without -O
add_library(davit_unit_main OBJECT ${CMAKE_CURRENT_LIST_DIR}/unit_main.cpp)
target_link_libraries(davit_unit_main PUBLIC doctest::doctest davit_hardening)
target_compile_options(davit_unit_main PRIVATE ${davit_test_options})
function(davit_unit_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE davit_unit_main doctest::doctest davit_warnings davit_hardening ${ARG_LINK})
    target_compile_options(${name} PRIVATE ${davit_test_options})
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600 SKIP_RETURN_CODE 77)
endfunction()

# private-host CMD…: a machine of its own for tests that touch the kernel; see private_host.cpp.
add_executable(private-host ${CMAKE_CURRENT_LIST_DIR}/private_host.cpp)
target_link_libraries(private-host PRIVATE davit_warnings)
set_target_properties(private-host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
# Never sanitized: the tools of a sanitizer need the pid namespace that ends with it.
set(DAVIT_PRIVATE_HOST ${PROJECT_BINARY_DIR}/tests/private-host --keep ${PROJECT_SOURCE_DIR} --keep ${PROJECT_BINARY_DIR})

# davit_host_test(NAME SOURCES … LINK …): a doctest program run as root inside a private host.
# Without root it is skipped. It may make bridges, nft tables, cgroups and mounts: nothing stays.
function(davit_host_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE davit_unit_main doctest::doctest davit_warnings davit_hardening ${ARG_LINK})
    target_compile_options(${name} PRIVATE ${davit_test_options})
    add_test(NAME ${name} COMMAND ${DAVIT_PRIVATE_HOST} $<TARGET_FILE:${name}>)
    set_tests_properties(${name} PROPERTIES LABELS private-host TIMEOUT 900 SKIP_RETURN_CODE 77)
endfunction()
