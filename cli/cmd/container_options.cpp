#include "cli/cmd/container_options.hpp"

#include "base/error.hpp"
#include "cli/docker_errors.hpp"
#include "cli/load_options.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>
#include <unistd.h>

namespace davit::cli {

namespace {

// Flags without effect that docker still takes, and says so.
void tell_deprecated(std::string_view flag) {
    const char* why = flag == "kernel-memory"           ? "and no longer supported by the kernel"
                      : flag == "disable-content-trust" ? "support for docker content trust was removed"
                                                        : nullptr;
    if (why && docker_is_spoken()) std::printf("Flag --%s has been deprecated, %s\n", std::string(flag).c_str(), why);
}

} // namespace

void add_flags(Options& options, std::span<const ContainerFlag> table, ContainerFlags& flags) {
    for (const ContainerFlag& flag : table) {
        const std::string names = (flag.short_name ? std::string(1, flag.short_name) + "," : "") + flag.name;
        options.each(
            names, flag.type,
            [&flags, &flag](const std::string& value) {
                flags.add(flag, value);
                tell_deprecated(flag.name);
            },
            flag.help);
        if (!flag.help[0]) options.hidden();
    }
}

ContainerFlagSurroundings flag_surroundings() {
    std::error_code code;
    return {std::filesystem::current_path(code).string(), process_environment()};
}

int for_each_container(Context& context, const std::vector<std::string>& names,
                       const std::function<void(const ContainerInfo&)>& act, const EachContainer& how) {
    int code = 0;
    const std::size_t at_once = how.at_once;
    Engine& engine = context.engine();
    const auto one = [&](const std::string& name) {
        try {
            const ContainerInfo container = find_container(engine, name);
            if (!context.dry_run()) act(container);
        } catch (const Error& e) {
            if (how.said_before.empty()) throw;
            throw told_after(how.said_before + name + ": ", e);
        }
    };
    for (std::size_t from = 0; from < names.size(); from += at_once) {
        const std::size_t to = std::min(names.size(), from + at_once);
        std::vector<std::future<void>> running;
        for (std::size_t i = from; i < to; ++i)
            running.push_back(std::async(at_once > 1 ? std::launch::async : std::launch::deferred, one, names[i]));
        for (std::size_t i = from; i < to; ++i) try {
                running[i - from].get();
                std::printf("%s\n", names[i].c_str());
                std::fflush(stdout);
            } catch (const Error&) {
                code = std::max(code, report_exception());
                if (how.failed) how.failed->push_back(names[i]);
            }
    }
    return code;
}

void check_terminal(bool input, bool tty) {
    if (input && tty && !is_terminal(STDIN_FILENO))
        throw error(Errc::usage, "cannot attach stdin to a TTY-enabled container because stdin is not a terminal")
            .with_hint("without -t the streams stay what they are")
            .with_exit_code(1);
}

} // namespace davit::cli
