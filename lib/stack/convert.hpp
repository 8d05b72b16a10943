// A canonical file as what Swarm makes of it.
#pragma once

#include "davit/labels.hpp"
#include "davit/stack.hpp"
#include "stack/fields.hpp"

namespace davit::stack {

// Where a service's names lead: to the sections of its file, and to the stack's own names.
class Scope {
public:
    Scope(const compose::Tree& tree, const compose::Node& root, std::string stack)
        : tree_(tree), root_(root), stack_(std::move(stack)) {}

    const std::string& stack() const { return stack_; }
    const compose::Node& root() const { return root_; }
    // "votes_web" of web.
    std::string scoped(std::string_view name) const { return stack_ + "_" + std::string(name); }
    // What is declared under the key in a section; nullptr: nothing.
    const compose::Node* declared(std::string_view section, std::string_view key) const {
        return section_of(root_, section).find(key);
    }
    // Its name on the machine: the declared one, or the scoped key.
    std::string name_of(const compose::Node& declared, std::string_view key) const {
        std::string name = text_of(declared, "name");
        return name.empty() ? scoped(key) : name;
    }
    swarm::Labels labelled(swarm::Labels labels) const {
        labels[label::stack] = stack_;
        return labels;
    }
    // The error of a service, with its place.
    Error mistake(std::string_view service, const compose::Node& at, std::string text) const;
    SourcePos where(const compose::Pos& pos) const { return tree_.where(pos); }

private:
    const compose::Tree& tree_;
    const compose::Node& root_;
    std::string stack_;
};

swarm::ServiceSpec convert_service(const Scope& scope, std::string_view name, const compose::Node& service);
std::vector<swarm::Mount> convert_mounts(const Scope& scope, std::string_view name, const compose::Node& service);
swarm::Resources convert_resources(const Scope& scope, std::string_view name, const compose::Node& deploy);
std::optional<swarm::RestartPolicy> convert_restart(const Scope& scope, std::string_view name,
                                                    const compose::Node& service);

// "no", "always", "on-failure:3" …: `restart:` as a policy; nothing for "no", which Swarm takes for any. Throws Error.
std::optional<swarm::RestartPolicy> restart_word(const std::string& word);
// Swarm's words for how a port is published and for its protocol, whatever their case: what is none is the usual one.
std::string publish_mode(const std::string& word);
std::string port_protocol(const std::string& word);
// Ports as Swarm orders them.
void sort_ports(std::vector<swarm::PortConfig>& ports);
bool is_user_defined(std::string_view network);
// Throws Error for a mode that is none.
swarm::ServiceMode service_mode(const std::string& mode, std::optional<std::uint64_t> replicas);

Stack convert_file(const compose::Tree& tree, const compose::Node& root, const std::string& name);

} // namespace davit::stack
