#include "rootfs/commit_changes.hpp"

#include "base/error.hpp"
#include "base/words.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

namespace davit::rootfs {

namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

Error mistake(const std::string& instruction, const char* why) {
    return error(Errc::usage, "invalid --change \"{}\": {}", instruction, why)
        .with_hint("CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR can be given, "
                   "as in --change 'CMD [\"sh\"]'");
}

// ["a","b"] as it stands, else a line for the shell.
Words command_of(const std::string& text, const Json& config) {
    const Json list = Json::parse(text, nullptr, false);
    if (list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& word) { return word.is_string(); }))
        return list.get<Words>();
    Words shell{"/bin/sh", "-c"};
    if (const auto own = config.find("Shell"); own != config.end() && own->is_array()) shell = own->get<Words>();
    shell.push_back(text);
    return shell;
}

Words words_or_list(const std::string& text, const std::string& instruction) {
    const Json list = Json::parse(text, nullptr, false);
    if (list.is_array()) return list.get<Words>();
    auto words = split_words(text);
    if (!words) throw mistake(instruction, "a quote is open");
    return *words;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// "K=V K2=V2", or the old "K rest of the line".
Pairs pairs_of(const std::string& text, const std::string& instruction) {
    const std::size_t space = text.find(' ');
    if (text.substr(0, space).find('=') == std::string::npos) {
        if (space == std::string::npos) throw mistake(instruction, "KEY=VALUE is needed");
        return {{text.substr(0, space), text.substr(space + 1)}};
    }
    Pairs out;
    for (const std::string& word : words_or_list(text, instruction)) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0) throw mistake(instruction, "KEY=VALUE is needed");
        out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return out;
}

void set_env(Json& config, const Pairs& pairs) {
    Words env = config.value("Env", Words{});
    for (const auto& [key, value] : pairs) {
        std::erase_if(env, [&](const std::string& entry) { return entry.starts_with(key + "="); });
        env.push_back(key + "=" + value);
    }
    config["Env"] = env;
}

} // namespace

void apply_change(Json& config, const std::string& instruction) {
    const std::size_t space = instruction.find_first_of(" \t");
    std::string verb = instruction.substr(0, space);
    std::transform(verb.begin(), verb.end(), verb.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const std::size_t at = space == std::string::npos ? std::string::npos : instruction.find_first_not_of(" \t", space);
    if (at == std::string::npos) throw mistake(instruction, "it has no argument");
    const std::string text = instruction.substr(at);
    if (verb == "CMD") config["Cmd"] = command_of(text, config);
    else if (verb == "ENTRYPOINT") config["Entrypoint"] = command_of(text, config);
    else if (verb == "ENV") set_env(config, pairs_of(text, instruction));
    else if (verb == "LABEL")
        for (const auto& [key, value] : pairs_of(text, instruction)) config["Labels"][key] = value;
    else if (verb == "EXPOSE")
        for (const std::string& port : words_or_list(text, instruction))
            config["ExposedPorts"][port.find('/') == std::string::npos ? port + "/tcp" : port] = Json::object();
    else if (verb == "VOLUME")
        for (const std::string& path : words_or_list(text, instruction)) config["Volumes"][path] = Json::object();
    else if (verb == "ONBUILD") config["OnBuild"].push_back(text);
    else if (verb == "STOPSIGNAL") config["StopSignal"] = text;
    else if (verb == "USER") config["User"] = text;
    else if (verb == "WORKDIR") config["WorkingDir"] = text;
    else throw mistake(instruction, "it cannot be used here");
}

} // namespace davit::rootfs
