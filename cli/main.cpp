#include "cli/app.hpp"

#include <csignal>
#include <fcntl.h>

namespace {

// A descriptor that the caller closed would be given to the next file that is opened, and what is
// printed would end up in it.
void fill_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return;
}

} // namespace

int main(int argc, char** argv) {
    fill_standard_descriptors();
    std::signal(SIGCHLD, SIG_DFL); // whoever ignored it: how commands of davit's end must be known
    return davit::cli::run_app(argc > 0 ? argv[0] : "", {argv + (argc > 0), argv + argc});
}
