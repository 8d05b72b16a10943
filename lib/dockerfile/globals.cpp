#include "dockerfile/globals.hpp"

#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <array>

namespace davit::dockerfile {

namespace {

constexpr std::array<std::string_view, 5> proxies = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"};

void add_platform(Variables& out, const std::string& prefix, const std::string& text) {
    const image::Platform platform = image::parse_platform(text);
    out.set(prefix + "PLATFORM", image::to_string(platform));
    out.set(prefix + "OS", platform.os);
    out.set(prefix + "OSVERSION", "");
    out.set(prefix + "ARCH", platform.architecture);
    out.set(prefix + "VARIANT", platform.variant);
}

} // namespace

std::string target_platform(const EvaluateOptions& options) {
    return options.platform.empty() ? options.build_platform : options.platform;
}

Variables predefined_args(const Document& document, const EvaluateOptions& options) {
    Variables out;
    add_platform(out, "BUILD", options.build_platform);
    add_platform(out, "TARGET", target_platform(options));
    const std::string& last = document.stages.back().name;
    out.set("TARGETSTAGE", !options.target.empty() ? options.target : last.empty() ? "default" : last);
    const auto names = out.entries();
    for (const auto& [name, value] : names)
        if (const std::string* given = options.build_args.find(name)) out.set(name, *given);
    return out;
}

Variables global_args(const Document& document, const EvaluateOptions& options, const Variables* build_args) {
    Variables out = predefined_args(document, options);
    const WordRules rules{.escape = document.directives.escape};
    for (const Instruction& instruction : document.global_args) {
        for (const auto& [name, value] : std::get<instruction::Arg>(instruction.action).args) {
            const std::string* given = build_args ? build_args->find(name) : nullptr;
            if (given) out.set(name, *given);
            else if (value)
                out.set(name,
                        at_place(instruction.node.place_of(name), [&] { return expand(*value, out, rules).text; }));
        }
    }
    return out;
}

std::vector<std::string> proxy_environment(const Variables& build_args) {
    std::vector<std::string> out;
    for (std::string_view proxy : proxies) {
        const std::string* value = nullptr;
        for (const auto& [name, given] : build_args.entries())
            if (upper(name) == proxy) value = &given;
        if (!value || value->empty()) continue;
        out.push_back(std::string(proxy) + "=" + *value);
        out.push_back(lower(proxy) + "=" + *value);
    }
    return out;
}

bool is_proxy_variable(std::string_view name) {
    return std::find(proxies.begin(), proxies.end(), upper(name)) != proxies.end();
}

} // namespace davit::dockerfile
