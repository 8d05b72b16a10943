#include "dockerfile/directives.hpp"

#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

namespace davit::dockerfile {

namespace {

constexpr std::array<std::string_view, 3> known = {"syntax", "escape", "check"};

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "name = value" behind the comment sign; false if it is none of ours.
bool split_directive(std::string_view line, std::string_view sign, std::string& name, std::string& value) {
    line = trim_left(line);
    if (!line.starts_with(sign)) return false;
    line = trim_left(line.substr(sign.size()));
    auto end = std::find_if_not(line.begin(), line.end(), is_alphanumeric);
    name = lower({line.begin(), end});
    line = trim_left(line.substr(name.size()));
    if (!line.starts_with('=')) return false;
    value = trim(line.substr(1));
    return !value.empty() && std::find(known.begin(), known.end(), name) != known.end();
}

// The run of directives from the first line on.
std::map<std::string, Directive> directives_of(std::string_view text, std::string_view sign, int line,
                                               const std::string& file, bool twice_is_wrong) {
    std::map<std::string, Directive> out;
    for (; !text.empty(); ++line) {
        std::string name, value;
        auto end = text.find('\n');
        if (!split_directive(text.substr(0, end), sign, name, value)) break;
        const Place place{file, line, line};
        if (!out.emplace(name, Directive{value, place}).second) {
            if (twice_is_wrong)
                throw mistake(place, "the directive '{}' may be given only once", name).with_hint("remove this line");
            break;
        }
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return out;
}

std::optional<Directive> syntax_of_other_languages(std::string_view text, int line, const std::string& file) {
    auto found = directives_of(text, "//", line, file, false);
    if (auto it = found.find("syntax"); it != found.end()) return it->second;
    if (!trim_left(text).starts_with('{')) return std::nullopt;
    const auto document = nlohmann::json::parse(text, nullptr, false);
    if (!document.is_object() || !document.contains("syntax") || !document["syntax"].is_string()) return std::nullopt;
    return Directive{document["syntax"].get<std::string>(), {file, line, line}};
}

} // namespace

Directives read_directives(std::string_view text, const std::string& file) {
    Directives out;
    auto first = directives_of(text, "#", 1, file, true);
    out.lines = static_cast<int>(first.size());
    if (auto it = first.find("escape"); it != first.end()) {
        if (it->second.value != "\\" && it->second.value != "`")
            throw mistake(it->second.place, "invalid escape character '{}'", it->second.value)
                .with_hint("it is either \\ or `");
        out.escape = it->second.value.front();
    }
    // A line "#!…" ends the directives, but for these two it is as if it were not there.
    int line = 1;
    if (text.starts_with("#!")) {
        text.remove_prefix(std::min(text.size(), text.find('\n')));
        if (!text.empty()) text.remove_prefix(1);
        first = directives_of(text, "#", ++line, file, false);
    }
    if (auto it = first.find("check"); it != first.end()) out.check = it->second;
    if (auto it = first.find("syntax"); it != first.end()) out.syntax = it->second;
    else out.syntax = syntax_of_other_languages(text, line, file);
    return out;
}

void require_own_frontend(const Directive& syntax) {
    constexpr std::array<std::string_view, 2> hosts = {"docker.io/", "index.docker.io/"};
    constexpr std::array<std::string_view, 2> names = {"docker/dockerfile", "docker/dockerfile-upstream"};
    std::string_view image = syntax.value;
    image = image.substr(0, image.find(' '));
    for (std::string_view host : hosts)
        if (image.starts_with(host)) image.remove_prefix(host.size());
    const std::string_view name = image.substr(0, image.find_first_of(":@"));
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    throw error(Errc::unsupported, "the Dockerfile wants to be read by the frontend '{}'", syntax.value)
        .with_at(position_of(syntax.place))
        .with_hint("the frontend here is docker/dockerfile's language, built in: remove the syntax line, or name "
                   "docker/dockerfile:1");
}

} // namespace davit::dockerfile
