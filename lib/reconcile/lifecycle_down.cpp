#include "model/image_reference.hpp"
#include "reconcile/dependencies.hpp"
#include "reconcile/labels.hpp"
#include "reconcile/lifecycle.hpp"
#include "reconcile/plan_builder.hpp"
#include "reconcile/reconcile.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

class Down {
public:
    Down(const Scene& scene, const DownOptions& options)
        : scene_(scene), options_(options), needs_(dependencies_of(scene)), plan_(scene.observed.project, scene.model) {
        services_ = services_of(scene, options.services, false);
    }

    DownPlan run() {
        for (const auto& service : reverse_order(needs_, services_)) containers(service);
        others();
        networks();
        if (options_.volumes) volumes();
        for (const auto& c : scene_.observed.containers)
            if (gone_.count(c.record.id)) image(c.record.image);
        // Those of services that were only run, or never.
        if (scene_.model)
            for (const auto& service : services_)
                if (const Service* s = scene_.model->find(service)) image(image_reference(*scene_.model, *s));
        out_.plan = plan_.take();
        return std::move(out_);
    }

private:
    void image(const std::string& reference) {
        if (std::find(out_.images.begin(), out_.images.end(), reference) == out_.images.end())
            out_.images.push_back(reference);
    }

    // Stopped after those who need it are gone.
    void containers(const std::string& service) {
        std::set<int> after;
        for (const auto& other : dependents_in(needs_, service))
            after.insert(removed_[other].begin(), removed_[other].end());
        removed_[service] = after;
        if (std::find(services_.begin(), services_.end(), service) == services_.end()) return;
        for (const auto& c : scene_.observed.containers)
            if (c.record.service == service && !c.record.oneoff) removed_[service].insert(remove(c, "down", after));
    }

    int remove(const ObservedContainer& c, const char* cause, const std::set<int>& after) {
        const int stopped = c.active() ? plan_.stop(c, cause, after, options_.timeout) : 0;
        Operation& op = plan_.add(OpKind::remove_container, c, cause, {stopped});
        op.remove_volumes = options_.volumes;
        gone_.insert(c.record.id);
        removals_.insert(op.id);
        return op.id;
    }

    // Orphans, what failed hooks left, and one-offs: those are somebody's, who asked for them without --rm.
    void others() {
        if (!options_.services.empty()) return;
        std::vector<const ObservedContainer*> kept;
        for (const auto& c : scene_.observed.containers) {
            if (gone_.count(c.record.id)) continue;
            const bool orphan = scene_.model && !scene_.model->find(c.record.service);
            if (!orphan && !c.record.oneoff) continue;
            if (options_.remove_orphans || c.record.labels.count(label::hook)) remove(c, "orphan", {});
            else if (orphan && !c.record.oneoff) kept.push_back(&c);
        }
        if (!kept.empty() && !options_.ignore_orphans) out_.warnings.push_back(orphan_warning(kept));
    }

    bool in_use(const std::string& network) const {
        if (scene_.observed.networks_in_use.count(network)) return true;
        return std::any_of(scene_.observed.containers.begin(), scene_.observed.containers.end(), [&](const auto& c) {
            return !gone_.count(c.record.id) && c.active() &&
                   std::any_of(c.record.endpoints.begin(), c.record.endpoints.end(),
                               [&](const auto& e) { return e.network == network; });
        });
    }

    void networks() {
        for (const auto& [name, record] : scene_.observed.networks) {
            if (record.project != scene_.observed.project) continue;
            if (in_use(name)) {
                if (options_.services.empty())
                    out_.warnings.push_back(fmt::format("Network {} Resource is still in use", name));
                continue;
            }
            Operation& op = plan_.add(OpKind::remove_network, "network:" + record.compose_name, "down", removals_);
            op.network = name;
        }
    }

    bool mounted(const std::string& volume) const {
        if (scene_.observed.volumes_in_use.count(volume)) return true;
        return std::any_of(scene_.observed.containers.begin(), scene_.observed.containers.end(), [&](const auto& c) {
            return !gone_.count(c.record.id) &&
                   std::any_of(c.record.mounts.begin(), c.record.mounts.end(),
                               [&](const auto& m) { return m.type == "volume" && m.name == volume; });
        });
    }

    void volumes() {
        for (const auto& [name, record] : scene_.observed.volumes) {
            // Anonymous ones go with their containers.
            if (record.project != scene_.observed.project || record.anonymous) continue;
            if (mounted(name)) {
                if (options_.services.empty())
                    out_.warnings.push_back(fmt::format("Volume {} Resource is still in use", name));
                continue;
            }
            Operation& op =
                plan_.add(OpKind::remove_volume, "volume:" + record.compose_name, "down --volumes", removals_);
            op.volume = name;
        }
    }

    const Scene& scene_;
    const DownOptions& options_;
    DependencyMap needs_;
    PlanBuilder plan_;
    DownPlan out_;
    std::vector<std::string> services_;
    std::map<std::string, std::set<int>> removed_; // by service: what must be gone before it stops
    std::set<std::string> gone_;
    std::set<int> removals_;
};

} // namespace

DownPlan plan_down(const Scene& scene, const DownOptions& options) { return Down(scene, options).run(); }

} // namespace davit
