#include "engine/machine/machine.hpp"

#include "base/error.hpp"
#include "project/names.hpp"

namespace davit {

namespace machine {

Error no_such_container(const std::string& reference) {
    return error(Errc::not_found, "No such container: {}", reference).with_resource("container:" + reference);
}

ObservedContainer look_at(const Impl& impl, const std::string& project, const std::string& id) {
    auto record = impl.store.container(project, id);
    if (!record) throw no_such_container(id);
    ContainerStatus status = impl.store.status(*record);
    return {std::move(*record), std::move(status)};
}

ObservedContainer find(const Impl& impl, const std::string& reference) {
    if (reference.empty()) throw error(Errc::usage, "invalid container name or ID: value is empty");
    const std::string wanted = reference.starts_with('/') ? reference.substr(1) : reference;
    const NameIndex names(impl.store.roots());
    std::vector<NameIndex::Holder> found;
    if (const auto named = names.find(wanted)) found.push_back(*named);
    else found = names.by_prefix(wanted);
    if (found.size() > 1) throw error(Errc::conflict, "several containers have ids that begin with {}", reference);
    auto record = found.empty() ? std::nullopt : impl.store.container(found[0].project, found[0].id);
    if (!record) throw no_such_container(reference);
    ContainerStatus status = impl.store.status(*record);
    return {std::move(*record), std::move(status)};
}

} // namespace machine

ContainerInfo find_container(Engine& engine, const std::string& reference) {
    const auto& impl = EngineAccess::of(engine);
    const ObservedContainer found = machine::find(impl, reference);
    return impl.info(found.record, found.status);
}

} // namespace davit
