// Kernel tests run in a network namespace of their own and are skipped without root.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "net/netns.hpp"

#include <cstdio>
#include <sched.h>
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
    doctest::Context context(argc, argv);
    return context.run();
}
