#include "swarm/task_history.hpp"

#include "base/file.hpp"
#include "swarm/store.hpp"

#include <charconv>
#include <string>

namespace davit::swarm {

std::string task_history_file(const Paths& paths) { return paths.root + "/task-history"; }

std::int64_t task_history_limit(const Roots& roots) {
    constexpr std::int64_t usual = 5;
    const auto text = read_file_if_exists(task_history_file(Paths(roots)));
    if (!text) return usual;
    std::int64_t limit = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), limit);
    return problem == std::errc() && std::string_view(end, text->data() + text->size()) == "\n" ? limit : usual;
}

void set_task_history_limit(const Roots& roots, std::int64_t limit) {
    write_file_making(task_history_file(Paths(roots)), std::to_string(limit) + "\n", 0600);
}

} // namespace davit::swarm
