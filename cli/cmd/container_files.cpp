#include "cli/cmd/container_files.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"

namespace davit::cli {

std::vector<ContainerInfo> containers_for_files(Context& context, const std::string& service, int index, bool oneoffs) {
    auto found = containers_of(context, {{service}, true, oneoffs, index});
    if (!found.empty()) return found;
    if (index) throw error(Errc::not_found, "service \"{}\" has no container #{}", service, index);
    throw error(Errc::not_found, "no container found for service \"{}\"", service)
        .with_hint("'davit ps -a' lists the containers that there are");
}

void told_of(Context& context, const ContainerInfo& container, FileWords words,
             const std::function<void(FileWords&)>& fn) {
    words.details = printable(words.details); // one line, whatever names the container has
    context.display().tell({container.name, Step::State::working, words.doing, words.details, 0, 0});
    if (!context.dry_run()) fn(words);
    context.display().tell({container.name, Step::State::done, words.done, words.details, 0, 0});
}

} // namespace davit::cli
