// A project, what is there of it, and the plan between the two as text.
#pragma once

#include "reconcile/reconcile.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace davit::test {

struct World {
    Project project;
    ObservedState observed;
    ReconcileOptions options;
    Reconciled result;
    std::map<std::string, std::string> contents; // service → content hash
    int ids = 0;

    World() {
        project.name = observed.project = "p";
        options.new_id = [this] { return fmt::format("{:064x}", 0xa00 + ++ids); };
    }
    Service& service(const std::string& name, const std::string& image = "busybox") {
        Service& s = project.services[name];
        s.name = name;
        s.image = image;
        observed.images[image] = "sha256:" + image;
        return s;
    }
    void network(const std::string& key) { project.networks[key] = named<Network>(key); }
    void volume(const std::string& key) { project.volumes[key] = named<Volume>(key); }
    void mount(Service& s, const std::string& source, const std::string& target) {
        Mount m;
        m.source = source;
        m.target = target;
        s.volumes.push_back(m);
    }
    // A container as an earlier run of this very plan would have left it.
    ObservedContainer& container(const std::string& service, int number,
                                 ContainerState state = ContainerState::running) {
        ObservedContainer c;
        c.record.id = fmt::format("{:064x}", ++existing_);
        c.record.project = "p";
        c.record.service = service;
        c.record.number = number;
        c.record.name = fmt::format("p-{}-{}", service, number);
        c.record.generation = 7;
        c.record.config_hash = "hash-" + service;
        c.status.state = state;
        if (auto it = project.services.find(service); it != project.services.end()) {
            c.record.image_id = "sha256:" + it->second.image;
            for (const auto& [key, unused] : it->second.networks) c.record.endpoints.push_back({"p_" + key, key});
            for (const auto& m : it->second.volumes)
                c.record.mounts.push_back({"volume", "p_" + m.source, "", m.target});
        }
        observed.containers.push_back(c);
        return observed.containers.back();
    }
    void existing_network(const std::string& key, const std::string& hash = "") {
        NetworkRecord r;
        r.name = "p_" + key;
        r.project = "p";
        r.config_hash = hash.empty() ? "hash-" + key : hash;
        observed.networks["p_" + key] = r;
    }
    void existing_volume(const std::string& key, const std::string& hash = "") {
        VolumeRecord r;
        r.name = "p_" + key;
        r.project = "p";
        r.config_hash = hash.empty() ? "hash-" + key : hash;
        observed.volumes["p_" + key] = r;
    }
    std::map<std::string, std::string> image_volumes;
    Wanted wanted() const {
        Wanted w;
        w.image_volumes = image_volumes;
        for (const auto& [name, s] : project.services) {
            w.hashes[name] = "hash-" + name;
            w.content_hashes[name] = contents.count(name) ? contents.at(name) : std::string();
            w.images[name] = s.image;
        }
        for (const auto& [name, s] : project.disabled_services) w.images[name] = s.image;
        for (const auto& [key, unused] : project.networks) w.network_hashes[key] = "hash-" + key;
        for (const auto& [key, unused] : project.volumes) w.volume_hashes[key] = "hash-" + key;
        return w;
    }
    std::string plan() {
        result = reconcile(project, wanted(), observed, options);
        return "\n" + to_text(result.plan);
    }

private:
    template <typename T>
    static T named(const std::string& key) {
        T out;
        out.key = key;
        out.name = "p_" + key;
        return out;
    }
    int existing_ = 0;
};

inline Dependency depends(DependencyCondition condition, bool restart = false, bool required = true) {
    Dependency d;
    d.condition = condition;
    d.restart = restart;
    d.required = required;
    return d;
}

} // namespace davit::test
