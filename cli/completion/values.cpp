#include "cli/completion/values.hpp"

#include "davit/container.hpp"
#include "davit/system.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace davit::cli {

namespace {

using Values = std::vector<std::string>;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

Values states() {
    Values out;
    for (const auto state :
         {ContainerState::created, ContainerState::running, ContainerState::paused, ContainerState::restarting,
          ContainerState::removing, ContainerState::exited, ContainerState::dead})
        out.emplace_back(to_string(state));
    return out;
}

void add_with(Values& to, const std::string& prefix, const Values& values) {
    for (const std::string& v : values) to.push_back(prefix + v);
}

Values split(std::string_view text, std::string_view by) {
    Values out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(by, at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end + by.size();
    }
    return out;
}

// "…: name=TEXT, status=STATE, label=KEY[=VALUE], dangling=true|false"
Values filters(const std::string& help) {
    Values out;
    if (help.ends_with("(supported filters: status)")) add_with(out, "status=", states());
    const std::size_t from = help.find(": ");
    if (!out.empty() || from == std::string::npos) return out;
    for (const std::string& one : split(std::string_view(help).substr(from + 2), ", ")) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos) continue;
        const std::string key = one.substr(0, equals + 1), value = one.substr(equals + 1);
        const bool fixed =
            !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return is_word(c) || c == '|'; });
        if (key == "dangling=") add_with(out, key, {"true", "false"});
        else if (value == "STATE") add_with(out, key, states());
        else if (fixed) add_with(out, key, split(value, "|"));
        else out.push_back(key);
    }
    return out;
}

Values formats(const std::string& help) {
    Values out = listed_values(help);
    if (!out.empty()) return out;
    for (const char* word : {"table", "json", "yaml"})
        if (help.find(word) != std::string::npos) out.emplace_back(word);
    return out;
}

Values capabilities() {
    Values out = capability_names();
    out.insert(out.begin(), "ALL");
    return out;
}

} // namespace

Values listed_values(const std::string& help) {
    for (const auto& [open, close, separators] : {std::tuple{'(', ')', "|,"}, std::tuple{'[', ']', "|"}}) {
        const std::size_t from = help.find(open), to = help.find(close, from == std::string::npos ? 0 : from);
        if (from == std::string::npos || to == std::string::npos) continue;
        Values out(1);
        bool plain = true;
        for (char c : help.substr(from + 1, to - from - 1)) {
            if (std::string_view(separators).find(c) != std::string_view::npos) out.emplace_back();
            else if (is_word(c)) out.back() += c;
            else plain = plain && (c == ' ' || c == '"' || c == '\'');
        }
        plain = plain && out.size() > 1 &&
                std::none_of(out.begin(), out.end(), [](const std::string& w) { return w.empty(); });
        if (plain) return out;
    }
    const Values words = split(help, " ");
    if (words.size() > 2 && words[1] == "or" && std::all_of(words[0].begin(), words[0].end(), is_word))
        return {words[0], words[2]};
    return {};
}

Values known_values(const OptionInfo& option) {
    const std::string& name = option.long_name;
    if (name == "format") return formats(option.help);
    if (name == "filter") return filters(option.help);
    if (name == "cap-add" || name == "cap-drop") return capabilities();
    if (name == "tail") return {"all"};
    if (name == "call") return {"build", "check", "outline", "targets"};
    if (name == "allow") return {"network.host", "security.insecure"};
    if (name == "output" && option.help.find("type=") != std::string::npos)
        return {"type=image", "type=local,dest=", "type=tar,dest=", "type=oci,dest=", "type=docker,dest="};
    if (name == "platform")
        return {"linux/amd64",   "linux/arm64",   "linux/arm/v7", "linux/386",
                "linux/ppc64le", "linux/riscv64", "linux/s390x"};
    if (name == "signal") return {"SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"};
    return listed_values(option.help);
}

bool takes_path(const OptionInfo& option) {
    for (const char* path : {"file", "env-file", "project-directory", "output", "input", "env-from-file", "volume",
                             "iidfile", "metadata-file"})
        if (option.long_name == path) return true;
    return false;
}

} // namespace davit::cli
