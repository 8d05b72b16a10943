// The keys that say to a target what compose has no word for: which of them it reads, and where they stand. What is
// read nowhere would be lost in silence, as a misspelt key of compose would.
#include "export/report.hpp"

#include "base/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

namespace davit::exports {

namespace {

struct Extension {
    std::string_view key;
    std::string_view places; // with spaces between: "top", or the section whose members have it
};

constexpr Extension of_kubernetes[] = {
    {"x-k8s-access", "volumes"},    {"x-k8s-class", "volumes"},         {"x-k8s-controller", "services"},
    {"x-k8s-fs-group", "services"}, {"x-k8s-ingress", "services"},      {"x-k8s-liveness", "services"},
    {"x-k8s-schedule", "services"}, {"x-k8s-service-type", "services"}, {"x-k8s-size", "volumes"},
    {"x-k8s-wait", "services"},     {"x-k8s-pull-secret", "services"},
};

constexpr Extension of_ecs[] = {
    {"x-aws-access_point", "volumes"},
    {"x-aws-account", "top"},
    {"x-aws-autoscaling", "services"},
    {"x-aws-certificate", "top"},
    {"x-aws-cluster", "top"},
    {"x-aws-container", "services"},
    {"x-aws-execution_role", "top"},
    {"x-aws-filesystem", "volumes"},
    {"x-aws-health", "top services"},
    {"x-aws-launch_type", "top services"},
    {"x-aws-logs_retention", "top"},
    {"x-aws-max_percent", "services"},
    {"x-aws-min_percent", "services"},
    {"x-aws-mount_group", "volumes"},
    {"x-aws-policies", "top"},
    {"x-aws-protocol", "services"},
    {"x-aws-public_ip", "top"},
    {"x-aws-pull_credentials", "services"},
    {"x-aws-region", "top"},
    {"x-aws-role", "top"},
    {"x-aws-scheme", "top"},
    {"x-aws-service", "top services"},
    {"x-aws-subnets", "top"},
    {"x-aws-task", "services"},
    {"x-aws-task-definition", "top services"},
    {"x-aws-vpc", "top"},
};

std::span<const Extension> known_to(std::string_view prefix) {
    if (prefix == "x-k8s-") return of_kubernetes;
    if (prefix == "x-aws-") return of_ecs;
    return {};
}

// "volumes.*.x-*" → "volumes". What stands deeper ("services.*.deploy.x-*") is read by nothing.
std::string_view place_of(std::string_view schema) {
    if (schema == "x-*") return "top";
    const std::string_view section = schema.substr(0, schema.find('.'));
    return schema.substr(section.size()) == ".*.x-*" ? section : schema;
}

bool stands_in(const Extension& e, std::string_view place) {
    for (std::string_view rest = e.places; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, end) == place) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

std::string places_in_words(const Extension& e) {
    std::string out = e.places.starts_with("top") ? "at the top of the file" : "";
    if (stands_in(e, "services")) out += out.empty() ? "at a service" : ", or at a service";
    if (stands_in(e, "volumes")) out += "at a volume of `volumes:` at the top of the file";
    return out;
}

} // namespace

std::string_view extension_key(const Leaf& leaf) {
    const std::size_t at = leaf.path.rfind(".x-");
    return at == std::string::npos ? std::string_view(leaf.path) : std::string_view(leaf.path).substr(at + 1);
}

std::vector<std::string_view> known_extensions(std::string_view prefix) {
    std::vector<std::string_view> out;
    for (const Extension& e : known_to(prefix)) out.push_back(e.key);
    return out;
}

std::optional<ExportFinding> unread_extension(const Leaf& leaf, std::string_view prefix) {
    const std::span<const Extension> known = known_to(prefix);
    const std::string_view key = extension_key(leaf);
    if (known.empty() || !key.starts_with(prefix)) return std::nullopt;
    const std::string_view place = place_of(leaf.schema);
    ExportFinding out;
    out.kind = Kind::dropped;
    out.path = leaf.path;
    if (const auto it = std::find_if(known.begin(), known.end(), [&](const Extension& e) { return e.key == key; });
        it != known.end()) {
        if (stands_in(*it, place)) return std::nullopt;
        out.why = "davit does not read it here";
        out.hint = "it belongs " + places_in_words(*it);
        return out;
    }
    const std::vector<std::string_view> all = known_extensions(prefix);
    std::vector<std::string_view> here;
    for (const Extension& e : known)
        if (stands_in(e, place)) here.push_back(e.key);
    out.why = "davit knows no such key, and does not read it";
    if (const auto near = nearest(key, all)) out.hint = fmt::format("did you mean {}?", *near);
    else if (!here.empty()) out.hint = fmt::format("known here are {}", fmt::join(here, ", "));
    else out.hint = fmt::format("known are {}", fmt::join(all, ", "));
    return out;
}

} // namespace davit::exports
