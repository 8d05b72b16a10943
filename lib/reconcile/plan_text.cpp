#include "davit/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace davit {

namespace {

// What happens to one container, network, volume or image.
struct Line {
    std::string name;
    std::map<OpKind, std::string> causes;
    bool has(OpKind kind) const { return causes.count(kind) != 0; }
};

// "service:web:1" → "web-1", "run:web:NAME" → "NAME", "network:default" → "network default"
std::string name_of(const std::string& resource) {
    const auto first = resource.find(':'), last = resource.rfind(':');
    const std::string kind = resource.substr(0, first);
    if (kind == "service")
        return resource.substr(first + 1, last - first - 1) + (last > first ? "-" + resource.substr(last + 1) : "");
    if (kind == "run") return resource.substr(resource.find(':', first + 1) + 1);
    if (kind == "pre_start")
        return resource.substr(first + 1, last - first - 1) + " pre_start[" + resource.substr(last + 1) + "]";
    return kind + " " + resource.substr(first + 1);
}

std::string because(const std::string& what, std::string cause) {
    static const std::string changed = "configuration changed: ",
                             self_evident[] = {"no existing container", "not found", "created", "one-off command",
                                               what};
    if (cause.rfind(changed, 0) == 0) cause.erase(0, changed.size());
    if (std::find(std::begin(self_evident), std::end(self_evident), cause) != std::end(self_evident)) return what;
    return what + ": " + cause;
}

std::string told(const Line& line) {
    auto cause = [&](OpKind kind) { return line.causes.at(kind); };
    struct {
        OpKind gone, made;
    } pairs[] = {{OpKind::remove_container, OpKind::create_container},
                 {OpKind::remove_network, OpKind::create_network},
                 {OpKind::remove_volume, OpKind::create_volume}};
    for (const auto& [gone, made] : pairs) {
        if (line.has(made) && line.name.find(" pre_start[") != std::string::npos) return because("run", cause(made));
        if (line.has(gone) && line.has(made))
            return because(line.has(OpKind::hand_over_container) ? "replace while it runs" : "recreate", cause(made));
        if (line.has(made))
            return because(line.has(OpKind::start_container) ? "create and start" : "create", cause(made));
        if (line.has(gone)) return because("remove", cause(gone));
    }
    if (line.has(OpKind::stop_container) && line.has(OpKind::start_container))
        return because("restart", cause(OpKind::stop_container));
    static const std::pair<OpKind, const char*> others[] = {
        {OpKind::start_container, "start"},       {OpKind::stop_container, "stop"},
        {OpKind::restart_container, "restart"},   {OpKind::kill_container, "kill"},
        {OpKind::pause_container, "pause"},       {OpKind::unpause_container, "unpause"},
        {OpKind::rename_container, "rename"},     {OpKind::update_container, "update"},
        {OpKind::connect_network, "connect"},     {OpKind::disconnect_network, "disconnect"},
        {OpKind::hand_over_container, "replace"}, {OpKind::pull_image, "pull"},
        {OpKind::build_image, "build"},           {OpKind::push_image, "push"}};
    for (const auto& [kind, word] : others)
        if (line.has(kind)) return because(word, cause(kind));
    return {}; // only waited for
}

} // namespace

std::string to_summary(const Plan& plan) {
    std::vector<Line> lines;
    std::map<std::string, std::size_t> known;
    for (const auto& op : plan.operations) {
        auto [it, fresh] = known.emplace(op.resource, lines.size());
        if (fresh) lines.push_back({name_of(op.resource), {}});
        lines[it->second].causes.emplace(op.kind, op.cause);
    }
    std::string out;
    for (const auto& line : lines)
        if (const std::string what = told(line); !what.empty()) out += fmt::format("{}: {}\n", line.name, what);
    return out;
}

std::string to_text(const Plan& plan) {
    std::string out;
    for (const auto& op : plan.operations) {
        std::string kind = to_string(op.kind);
        std::replace(kind.begin(), kind.end(), '_', ' ');
        out += fmt::format("[{}] -> #{} {}, {}: {}\n", fmt::join(op.after, ","), op.id, op.resource, kind, op.cause);
    }
    return out;
}

} // namespace davit
