// The working state of reconcile(); one file per stage: reconcile.cpp, resources.cpp,
// containers.cpp, rolling.cpp, shared.cpp, start.cpp.
#pragma once

#include "base/shared_with.hpp"
#include "davit/error.hpp"
#include "reconcile/plan_builder.hpp"
#include "reconcile/reconcile.hpp"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace davit {

bool attached(const ContainerRecord& record, const std::string& network);

class Reconciler {
public:
    Reconciler(const Project& project, const Wanted& wanted, const ObservedState& observed,
               const ReconcileOptions& options)
        : project_(project), wanted_(wanted), observed_(observed), options_(options), plan_(project.name, &project) {}

    Reconciled run();

private:
    // One container as it will be.
    struct Slot {
        std::string id, name;
        int number = 1;
        const ObservedContainer* existing = nullptr; // kept or replaced
        std::string recreate_cause;                  // empty: kept, or new when existing is null
        int ready = 0; // operation after which it stands under its name; 0: it does already
        int start = 0; // 0: not started by this plan
        bool starts = false;
        bool rolling = false; // beside the old one, which stops last
        bool fresh() const { return !existing || !recreate_cause.empty(); }
    };
    struct ServicePlan {
        const Service* service = nullptr;
        std::vector<Slot> slots;
        std::vector<std::pair<const ObservedContainer*, std::string>> surplus; // with cause
        bool recreated = false;
        bool rolling = false;
    };

    Error put_at(Error e, const std::string& path, const SourcePos& otherwise) const;

    // resources
    void networks();
    void network(const std::string& key, const Network& network);
    bool to_be_made(const Network& network) const;
    void check_subnets() const;
    void existing_network(const Network& network, const NetworkRecord& record);
    void replace_network(const Network& network, const NetworkRecord& record);
    void volumes();
    void existing_volume(const Volume& volume, const VolumeRecord& record);
    int image(const std::string& service);

    // containers: decide, then emit
    void decide(const Service& service);
    int scale_of(const Service& service) const;
    std::string recreate_cause(const Service& service, const ObservedContainer& container) const;
    std::string divergence(const Service& service, const ObservedContainer& container) const;
    bool another_content(const Service& service, const ContainerRecord& record) const;
    void check_content(const Service& service, const ObservedContainer& container);
    void check_names() const;
    void check_abroad(const std::string& name) const;
    void emit(ServicePlan& service);
    void emit_surplus(const ServicePlan& service);
    void emit_new(ServicePlan& service, Slot& slot);
    void emit_recreate(ServicePlan& service, Slot& slot);
    NewContainer& emit_replacement(ServicePlan& service, Slot& slot, const std::string& name);
    Operation& create(const Service& service, const Slot& slot, const std::string& cause, const std::string& name);
    std::set<int> resources() const;
    std::set<int> stop_dependents(const std::string& service);
    int emit_removal_of_old(Slot& slot, std::set<int> after);
    void emit_oneoff();
    bool leaves_as_orphan(const ObservedContainer& orphan) const {
        return options_.remove_orphans || (!orphan.record.oneoff && options_.retired.count(orphan.record.service) != 0);
    }
    void emit_orphans();

    // namespaces and volumes of other containers
    std::string parent_recreated(const Service& service) const;
    std::string donor_now(const SharedWith& of) const;
    std::string donor_replaced(const Service& service, const ContainerRecord& record) const;
    void check_donors_of(const Service& service) const; // throws not_found
    void check_donors() const;
    void warn_of_sharers();

    // rolling: replaced while the old one runs
    void decide_rolling(ServicePlan& plan);
    std::string no_rolling(const Service& service) const;
    bool shared_writable(const ServicePlan& plan) const;
    void emit_rolling(ServicePlan& service, Slot& slot);
    int roll_over(ServicePlan& service, Slot& slot);
    std::set<int> roll_gate(const ServicePlan& service, const std::vector<int>& done, const Slot* last);

    // start
    void start(ServicePlan& service);
    std::set<int> gates(const Service& service);
    std::set<int> releases(const Service& service) const;
    int gate(const std::string& on, const Dependency& dependency);
    void wait(const ServicePlan& service);
    void restart_others();
    int pre_start(ServicePlan& service, std::set<int> after);

    const Project& project_;
    const Wanted& wanted_;
    const ObservedState& observed_;
    const ReconcileOptions& options_;
    PlanBuilder plan_;
    Reconciled out_;
    std::map<std::string, ServicePlan> services_;
    std::vector<std::string> order_;                                  // services, dependencies first
    std::map<std::string, int> network_ops_, volume_ops_, image_ops_; // by key, key, reference
    std::map<std::string, std::string> forced_;                       // container id → why it has to be recreated
    std::set<std::string> restarting_;                                // containers this plan stops and starts again
    std::map<std::tuple<std::string, DependencyCondition, bool>, int> gates_;
};

} // namespace davit
