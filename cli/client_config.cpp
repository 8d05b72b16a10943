#include "cli/client_config.hpp"

#include "cli/endpoint.hpp"

#include <algorithm>
#include <map>
#include <strings.h>

namespace davit::cli {

std::string configured_format(const Globals& globals, const char* key) {
    return globals.docker_words ? client_setting(key) : "";
}

std::optional<std::string> configured_detach_keys(const Globals& globals) {
    const std::string keys = configured_format(globals, "detachKeys");
    return keys.empty() ? std::nullopt : std::optional(keys);
}

std::vector<std::string> configured_proxies(const Globals& globals, const std::vector<std::string>& given) {
    static const std::pair<const char*, const char*> variables[] = {{"httpProxy", "HTTP_PROXY"},
                                                                    {"httpsProxy", "HTTPS_PROXY"},
                                                                    {"ftpProxy", "FTP_PROXY"},
                                                                    {"noProxy", "NO_PROXY"},
                                                                    {"allProxy", "ALL_PROXY"}};
    std::vector<std::string> out;
    if (!globals.docker_words) return out;
    const auto is_given = [&](const std::string& name) {
        return std::any_of(given.begin(), given.end(),
                           [&](const std::string& entry) { return entry.substr(0, entry.find('=')) == name; });
    };
    const std::map<std::string, std::string> proxies = client_proxies();
    for (const auto& [key, variable] : variables) {
        const auto found = proxies.find(key);
        if (found == proxies.end() || found->second.empty()) continue;
        std::string upper = variable, lower = variable;
        for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        for (const std::string& name : {upper, lower})
            if (!is_given(name)) out.push_back(name + "=" + found->second);
    }
    return out;
}

BuildArgs build_proxies() {
    BuildArgs out;
    const std::map<std::string, std::string> proxies = client_proxies();
    for (const auto& [key, variable] : {std::pair{"ftpProxy", "FTP_PROXY"},
                                        {"httpProxy", "HTTP_PROXY"},
                                        {"httpsProxy", "HTTPS_PROXY"},
                                        {"noProxy", "NO_PROXY"}})
        if (const auto found = proxies.find(key); found != proxies.end() && !found->second.empty())
            out.emplace_back(variable, found->second);
    return out;
}

void add_build_proxies(const Globals& globals, BuildArgs& args) {
    if (!globals.docker_words) return;
    for (auto& proxy : build_proxies())
        if (std::none_of(args.begin(), args.end(),
                         [&](const auto& arg) { return ::strcasecmp(arg.first.c_str(), proxy.first.c_str()) == 0; }))
            args.push_back(std::move(proxy));
}

} // namespace davit::cli
