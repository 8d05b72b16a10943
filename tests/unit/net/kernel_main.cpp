// Kernel tests run in a network namespace of their own and are skipped without root.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "net/netns.hpp"

#include <cstdio>
#include <cstdlib>
#include <sched.h>
#include <string_view>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
        std::puts("skipped: needs root and network namespaces");
        return 77;
    }
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    const davit::UniqueFd mine = davit::net::create_netns(); // a namespace with lo up
    const davit::net::NetnsScope scope(mine.get());
    // A new namespace takes it from the machine's first one; as in tests/support/private_host.cpp.
    const char* forwarding = std::getenv("DAVIT_TEST_FORWARDING");
    davit::net::set_sysctl("net/ipv4/ip_forward", forwarding && std::string_view(forwarding) == "1" ? "1" : "0");
    doctest::Context context(argc, argv);
    return context.run();
}
