// Given flags by name, read as what they are.
#pragma once

#include "davit/service_flags.hpp"
#include "stack/flag_values.hpp"

#include <initializer_list>
#include <set>

namespace davit::stack {

class FlagReader {
public:
    explicit FlagReader(const ServiceFlags& flags) : flags_(flags) {}

    bool has(std::string_view name) const { return flags_.has(name); }
    bool any(std::initializer_list<std::string_view> names) const {
        for (std::string_view name : names)
            if (has(name)) return true;
        return false;
    }
    const std::vector<std::string>& all(std::string_view name) const {
        static const std::vector<std::string> none;
        const auto it = flags_.given.find(name);
        return it == flags_.given.end() ? none : it->second;
    }
    // The last one counts; empty when it was not given.
    std::string text(std::string_view name) const { return has(name) ? all(name).back() : std::string(); }
    bool is_true(std::string_view name) const { return flags_.is_true(name); }
    std::set<std::string> set(std::string_view name) const { return {all(name).begin(), all(name).end()}; }
    // KEY=VALUE; without '=' the value is empty.
    std::map<std::string, std::string> pairs(std::string_view name) const;

    // Changes a member when the flag was given.
    void apply(std::string_view name, std::string& to) const {
        if (has(name)) to = text(name);
    }
    void apply(std::string_view name, bool& to) const {
        if (has(name)) to = is_true(name);
    }
    template <typename T, typename F>
    void apply(std::string_view name, T& to, F read) const {
        if (has(name)) to = static_cast<T>(read(text(name)));
    }
    template <typename T, typename F>
    void apply(std::string_view name, std::optional<T>& to, F read) const {
        if (has(name)) to = static_cast<T>(read(text(name)));
    }

private:
    const ServiceFlags& flags_;
};

// What both commands do with a flag that replaces what was there: process, limits, restart policy, update and
// roll-back configuration, health check, mode's numbers.
void apply_common(const FlagReader& flags, swarm::ServiceSpec& spec);
void apply_health(const FlagReader& flags, swarm::ContainerSpec& container);
// Configs and secrets that --config and --secret name; two at one place are a mistake.
void add_references(const FlagReader& flags, std::string_view name, bool config, std::vector<swarm::FileReference>& to);
std::vector<swarm::NetworkAttachment> attachments(const FlagReader& flags, std::string_view name,
                                                  const FlagSurroundings& around);
std::string network_target(const std::string& name, const FlagSurroundings& around);
// "B" of --env B is what the environment has, or only the name.
std::string environment_entry(const std::string& text, const FlagSurroundings& around);

} // namespace davit::stack
