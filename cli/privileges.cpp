#include "cli/privileges.hpp"

#include "base/error.hpp"
#include "cli/endpoint.hpp"

#include <cstdlib>
#include <unistd.h>

namespace davit::cli {

void require_root() {
    require_here();
    const char* own = std::getenv("DAVIT_STATE_DIR");
    if (::geteuid() == 0 || (own && *own)) return;
    throw error(Errc::denied, "davit needs root to reach containers and images; this is user {}", ::geteuid())
        .with_hint("run it with sudo; 'davit config' and 'davit version' work for everybody");
}

} // namespace davit::cli
