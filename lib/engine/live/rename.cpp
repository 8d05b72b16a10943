#include "davit/containers.hpp"

#include "base/error.hpp"
#include "engine/machine/machine.hpp"
#include "project/names.hpp"
#include "reconcile/plan_builder.hpp"

namespace davit {

// The supervisor claims the name, and is refused when somebody was faster.
void rename_container(Engine& engine, const ContainerInfo& container, const std::string& new_name,
                      std::stop_token stop) {
    auto& impl = EngineAccess::of(engine);
    const std::string name = new_name.starts_with('/') ? new_name.substr(1) : new_name;
    try {
        check_container_name(name);
    } catch (const Error&) {
        throw error(Errc::invalid_project,
                    "Error when allocating new name: Invalid container name (/{}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                    "allowed",
                    name);
    }
    machine::act_on(
        impl, container,
        [&](const ObservedContainer& c) {
            if (c.record.name == name)
                throw error(Errc::conflict, "Renaming a container with the same name as its current name");
            if (const auto holder = NameIndex(impl.store.roots()).find(name))
                throw error(Errc::conflict, "Error when allocating new name: {}", name_in_use(name, holder->id).what());
            PlanBuilder plan(container.project);
            plan.add(OpKind::rename_container, c, "asked for").new_name = name;
            return plan.take();
        },
        std::move(stop));
}

} // namespace davit
