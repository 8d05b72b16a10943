#include "cli/cmd/container_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/spec_json.hpp"

namespace davit::cli {

std::vector<ContainerInfo> containers_for_files(Context& context, const std::string& service, int index, bool oneoffs) {
    auto found = containers_of(context, {{service}, true, oneoffs, index});
    if (!found.empty()) return found;
    if (index) throw error(Errc::not_found, "service \"{}\" has no container #{}", service, index);
    throw error(Errc::not_found, "no container found for service \"{}\"", service)
        .with_hint("'davit ps -a' lists the containers that there are");
}

runtime::Spec spec_of(Context& context, const ContainerInfo& container) {
    const std::string file = ProjectPaths(context.roots(), container.project).bundle(container.id);
    return runtime::spec_from_json(read_file(file), file);
}

} // namespace davit::cli
