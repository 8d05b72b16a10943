// RUN.
#include "dockerfile/applier.hpp"

#include "dockerfile/frontend.hpp"
#include "dockerfile/history.hpp"
#include "dockerfile/mount.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

// In an image's name for a directory: where scripts of heredocs are while they run.
constexpr std::string_view scripts_directory = "/dev/pipes/";

std::string first_line_of(std::string_view content) {
    content = trim(content);
    auto end = content.find('\n');
    std::string out(trim(content.substr(0, end)));
    return end == std::string_view::npos ? out : out + "...";
}

} // namespace

// A heredoc alone is a script of its own, or the text for the shell; behind a command it is the shell's.
std::vector<std::string> Applier::heredoc_args(const instruction::Run& run, RunStep& step) {
    const std::string& line = run.command.args.front();
    if (heredoc_of_word(line)) {
        const Heredoc& file = run.files.front();
        std::string content = file.strip_tabs ? without_tabs(file.content) : file.content;
        step_.instruction += " (" + first_line_of(content) + ")";
        if (!content.starts_with("#!")) return {content};
        step.scripts.push_back({file.name, std::move(content)});
        return {std::string(scripts_directory) + file.name};
    }
    std::string text = line;
    for (const Heredoc& file : run.files) text += "\n" + file.content + file.name;
    return {text};
}

void Applier::add_mounts(const instruction::Run& run, RunStep& step) {
    const Place place = node_.place_of("--mount");
    int sockets = 0;
    for (const std::string& text : run.mounts) {
        auto [mount, from] = read_mount(
            text, [&](std::string_view w) { return word(w); }, config_.working_dir, sockets, place);
        if (mount.type == RunMount::Type::ssh) ++sockets;
        if (mount.type == RunMount::Type::cache) mount.id = cache_id(scope_.options, mount.id);
        if (mount.type == RunMount::Type::bind || mount.type == RunMount::Type::cache) {
            if (!from.empty()) mount.from = source_of(from, false, place, "RUN --mount=from");
            else if (mount.type == RunMount::Type::cache) mount.from.kind = Input::Kind::scratch;
        }
        step.mounts.push_back(std::move(mount));
    }
}

void Applier::add_environment(const RunStep& step) {
    for (const auto& [name, value] : state_.env.entries()) step_.env.push_back(name + "=" + value);
    auto ssh = std::find_if(step.mounts.begin(), step.mounts.end(),
                            [](const RunMount& m) { return m.type == RunMount::Type::ssh; });
    if (ssh != step.mounts.end() && !state_.env.find("SSH_AUTH_SOCK"))
        step_.env.push_back("SSH_AUTH_SOCK=" + ssh->target);
    step_.unkeyed_env = scope_.proxies;
}

void Applier::operator()(const instruction::Run& run) {
    if (!run.devices.empty())
        throw error(Errc::unsupported, "RUN --device={} is not supported", run.devices.front().first)
            .with_at(position_of(node_.place_of("--device")))
            .with_hint("the Dockerfile's stable syntax has no devices: do without it, or RUN --security=insecure sees "
                       "those of this machine");
    RunStep step;
    add_mounts(run, step);
    instruction::Command command = run.command;
    if (!run.files.empty()) command.args = heredoc_args(run, step);
    if (command.args.empty() && !command.shell)
        throw mistake(node_.place, "RUN [] names no program").with_hint("write RUN [\"PROGRAM\", \"ARGUMENT\"]");
    step.args = with_shell(command);
    step.network = run.network;
    step.insecure = run.insecure;
    add_environment(step);
    step_.history = history::run(step.args, state_.declared, state_.env);
    step_.action = std::move(step);
}

} // namespace davit::dockerfile
