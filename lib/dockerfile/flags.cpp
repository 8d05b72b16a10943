#include "dockerfile/flags.hpp"

#include "base/words.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

std::string flag_advice(std::string_view name, std::string_view keyword, std::span<const FlagRule> rules) {
    std::vector<std::string_view> names;
    std::string all;
    for (const FlagRule& rule : rules) {
        names.push_back(rule.name);
        all += (all.empty() ? "--" : ", --") + std::string(rule.name);
    }
    if (auto near = nearest(name, names)) return "did you mean --" + std::string(*near) + "?";
    return all.empty() ? std::string(keyword) + " has no flags" : std::string(keyword) + " has " + all;
}

} // namespace

Flags::Flags(const Node& node, std::span<const FlagRule> rules) {
    const std::string keyword = upper(node.keyword);
    for (const std::string& flag : node.flags) {
        const auto equals = flag.find('=');
        Given given{flag.substr(2, equals == std::string::npos ? equals : equals - 2),
                    equals == std::string::npos ? "" : flag.substr(equals + 1)};
        const Place place = node.place_of("--" + given.name);
        auto rule = std::find_if(rules.begin(), rules.end(), [&](const FlagRule& r) { return r.name == given.name; });
        if (rule == rules.end())
            throw mistake(place, "{} has no flag --{}", keyword, given.name)
                .with_hint(flag_advice(given.name, keyword, rules));
        const bool twice =
            std::any_of(given_.begin(), given_.end(), [&](const Given& g) { return g.name == given.name; });
        if (twice && rule->kind != FlagRule::Kind::list)
            throw mistake(place, "--{} is given twice", given.name).with_hint("keep one of them");
        if (rule->kind == FlagRule::Kind::boolean) {
            given.value = equals == std::string::npos ? "true" : lower(given.value);
            if (given.value != "true" && given.value != "false")
                throw mistake(place, "--{} is either true or false, not '{}'", given.name, given.value)
                    .with_hint("write --" + given.name + " or --" + given.name + "=false");
        } else if (equals == std::string::npos) {
            throw mistake(place, "--{} wants a value", given.name).with_hint("write --" + given.name + "=VALUE");
        }
        given_.push_back(std::move(given));
    }
}

std::string Flags::text(std::string_view name) const {
    auto values = list(name);
    return values.empty() ? "" : values.front();
}

std::optional<bool> Flags::boolean(std::string_view name) const {
    auto values = list(name);
    return values.empty() ? std::nullopt : std::optional(values.front() == "true");
}

std::vector<std::string> Flags::list(std::string_view name) const {
    std::vector<std::string> out;
    for (const Given& given : given_)
        if (given.name == name) out.push_back(given.value);
    return out;
}

} // namespace davit::dockerfile
