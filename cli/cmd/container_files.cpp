#include "cli/cmd/container_files.hpp"

#include "base/error.hpp"

namespace davit::cli {

std::vector<ContainerInfo> containers_for_files(Context& context, const std::string& service, int index, bool oneoffs) {
    auto found = containers_of(context, {{service}, true, oneoffs, index});
    if (!found.empty()) return found;
    if (index) throw error(Errc::not_found, "service \"{}\" has no container #{}", service, index);
    throw error(Errc::not_found, "no container found for service \"{}\"", service)
        .with_hint("'davit ps -a' lists the containers that there are");
}

} // namespace davit::cli
