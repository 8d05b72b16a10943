#include "davit/containers.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "container/update.hpp"
#include "engine/bundle.hpp"
#include "engine/machine/machine.hpp"
#include "reconcile/plan_builder.hpp"
#include "runtime/oci/document.hpp"
#include "runtime/steps.hpp"

#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace davit {

namespace {

bool sets_limits(const ContainerUpdate& u) {
    ContainerUpdate other = u;
    other.restart.reset();
    return other != ContainerUpdate{};
}

// What the supervisor takes over: the bundle and the steps of the next start, and the limits for the present one. It
// goes when it was not taken over.
class StagedUpdate {
public:
    StagedUpdate(const RecordStore& store, const ContainerRecord& record)
        : name_("update-" + record.id + "-" + sys::random_hex(8)),
          directory_(ProjectPaths(store.roots(), record.project).staging(name_)) {}
    StagedUpdate(const StagedUpdate&) = delete;
    StagedUpdate& operator=(const StagedUpdate&) = delete;
    ~StagedUpdate() {
        try {
            if (exists(directory_)) sys::remove_tree(directory_);
        } catch (const Error&) {} // `system doctor` finds it
    }

    void fill(const Roots& roots, const ContainerRecord& record, runtime::Spec spec, const UpdatedLimits& limits) {
        sys::make_dirs(directory_, 0700);
        const auto host = runtime::HostFacts::probe();
        put("limits.bin", runtime::compile_update(record.cgroup, limits.changed, host));
        spec.resources = limits.all;
        put("config.json", runtime::to_json(spec));
        // One that cannot start has no steps.
        if (record.start_error.empty()) put("plan.bin", runtime::compile(spec, host, {roots.bpf_cache()}));
    }
    const std::string& name() const { return name_; }

private:
    void put(const char* name, std::string_view bytes) const {
        const UniqueFd fd = sys::open(directory_ + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
        sys::write_all(fd.get(), bytes);
    }

    std::string name_, directory_;
};

} // namespace

void update_container(Engine& engine, const ContainerInfo& container, const ContainerUpdate& update,
                      std::stop_token stop) {
    auto& impl = EngineAccess::of(engine);
    const int cpus = host_values(impl.store).cpus;
    std::optional<StagedUpdate> staged;
    // What does not go with what the container has is told of it; what goes with nothing was refused before.
    const auto of_container = [&](const auto& read) {
        try {
            return read();
        } catch (const Error& e) {
            if (e.kind() != Errc::conflict) throw;
            throw error(e.kind(), "Cannot update container {}: {}", container.id, e.what()).with_hint(e.hint());
        }
    };
    machine::act_on(
        impl, container,
        [&](const ObservedContainer& c) {
            PlanBuilder plan(container.project);
            Operation& op = plan.add(OpKind::update_container, c, "asked for");
            if (update.restart) op.restart = of_container([&] { return updated_restart(c.record, *update.restart); });
            if (!sets_limits(update)) return plan.take();
            runtime::Spec spec = spec_of(impl.store.roots(), container);
            const UpdatedLimits limits = of_container([&] { return updated_limits(spec.resources, update, cpus); });
            staged.emplace(impl.store, c.record);
            staged->fill(impl.store.roots(), c.record, std::move(spec), limits);
            op.staged = staged->name();
            return plan.take();
        },
        std::move(stop));
}

} // namespace davit
