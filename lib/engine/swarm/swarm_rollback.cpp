// Swarm: back to a revision.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "davit/stack.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/revisions/history.hpp"
#include "engine/revisions/owner.hpp"
#include "image/store.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

bool is_machines_own(const std::string& network) {
    return network == "host" || network == "none" || network == "bridge";
}

const char* noun_of(swarm::FileKind kind) { return kind == swarm::FileKind::config ? "config" : "secret"; }

const RevisionContent* content_of(const Revision& revision, swarm::FileKind kind, const std::string& name) {
    const auto wanted = kind == swarm::FileKind::config ? RevisionContent::Kind::config : RevisionContent::Kind::secret;
    for (const auto& content : revision.contents)
        if (content.kind == wanted && content.key == name) return &content;
    return nullptr;
}

const swarm::Config* file_named(const std::vector<swarm::Config>& all, const std::string& name) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const swarm::Config& f) { return f.spec.name == name; });
    return found == all.end() ? nullptr : &*found;
}

// What is looked for, each once.
struct Needs {
    std::set<std::string> networks, configs, secrets;
    void add(const swarm::ServiceSpec& spec) {
        for (const auto& attachment : spec.task.networks) networks.insert(attachment.target);
        for (const auto& use : spec.task.container.configs) configs.insert(use.name);
        for (const auto& use : spec.task.container.secrets) secrets.insert(use.name);
    }
};

class Lack {
public:
    Lack(const Roots& roots, const Revision& revision)
        : revision_(revision), model_(swarm_model_from_json(revision.model)), records_(roots), objects_(roots),
          history_(roots, revision.project) {}

    LackingServices of(const std::string& only) {
        const image::Store images(records_.roots().images());
        for (const auto& image : revision_.images)
            if ((only.empty() || image.service == only) && !images.find(image.id))
                add_missing_image(image.reference, image.id, image.digest, out_.missing);
        Needs needs;
        for (const auto& [name, spec] : model_.services)
            if (only.empty() || name == only) needs.add(spec);
        for (const auto& name : needs.networks) network(name);
        for (const auto& name : needs.configs) file(swarm::FileKind::config, name);
        for (const auto& name : needs.secrets) file(swarm::FileKind::secret, name);
        return std::move(out_);
    }

private:
    void network(const std::string& name) {
        if (is_machines_own(name) || model_.networks.contains(name)) return;
        const auto there = records_.network(name);
        if (!there || there->leaving) out_.missing.push_back({fmt::format("the network {} is gone", name), ""});
    }

    void file(swarm::FileKind kind, const std::string& name) {
        const char* noun = noun_of(kind);
        const RevisionContent* content = content_of(revision_, kind, name);
        const bool own = model_.files(kind).contains(name);
        const auto all = objects_.files(kind);
        if (const swarm::Config* there = file_named(all, name)) {
            if (!content || content->hash == history_.hash(there->spec.data)) return;
            if (own)
                out_.missing.push_back({fmt::format("the {} {} has another content by now", noun, name),
                                        fmt::format("davit {} rm {}", noun, name)});
            else out_.changed.push_back(fmt::format("{} {} has another content by now, which is used", noun, name));
        } else if (!own) out_.missing.push_back({fmt::format("the {} {} is gone", noun, name), ""});
        else if (!content || !history_.content(content->hash))
            out_.missing.push_back({fmt::format("the content of {} {} is gone", noun, name), ""});
    }

    const Revision& revision_;
    SwarmModel model_;
    RecordStore records_;
    swarm::Store objects_;
    RevisionStore history_;
    LackingServices out_;
};

std::string title_of(const Revision& revision) {
    return fmt::format("revision {} of {}", revision.number, HistoryOwner::of(revision.project).title());
}

} // namespace

LackingServices missing_of_services(const Roots& roots, const Revision& revision, const std::string& service) {
    return Lack(roots, revision).of(service);
}

void Swarm::Impl::check_previous(const swarm::Service& service) const {
    if (!service.previous)
        throw error(Errc::failed,
                    "rpc error: code = FailedPrecondition desc = service {} does not have a previous spec", service.id);
    std::vector<MissingPart> missing;
    const auto& container = service.previous->task.container;
    swarm::Service before = service;
    before.template_version = service.previous_template_version;
    if (const std::string id = image_of(before); !id.empty() && !image::Store(store.roots().images()).find(id))
        add_missing_image(container.image, id, {}, missing);
    const auto networks = store.networks();
    for (const auto& attachment : service.previous->task.networks) {
        const std::string& target = attachment.target;
        const bool there = std::any_of(networks.begin(), networks.end(),
                                       [&](const NetworkRecord& n) { return n.id == target || n.name == target; });
        if (!there && !is_machines_own(target)) missing.push_back({fmt::format("the network {} is gone", target), ""});
    }
    auto check = [&](swarm::FileKind kind, const std::vector<swarm::FileReference>& uses) {
        for (const auto& use : uses)
            if (!objects.file(kind, use.id))
                missing.push_back({fmt::format("the {} {} is gone", noun_of(kind), use.name), ""});
    };
    check(swarm::FileKind::config, container.configs);
    check(swarm::FileKind::secret, container.secrets);
    if (!missing.empty()) cannot_go_back("the previous specification of service " + service.spec.name, missing);
}

std::optional<swarm::ServiceSpec> Swarm::Impl::restored(const Revision& revision, const SwarmModel& model,
                                                        const std::string& name, const swarm::Service* now) const {
    swarm::ServiceSpec spec = model.services.at(name);
    std::string id;
    for (const auto& image : revision.images)
        if (image.service == name) id = image.id;
    auto& container = spec.task.container;
    const auto named = image::Store(store.roots().images()).find(container.image);
    if (!id.empty() && (!named || named->id != id)) container.image_id = id;
    if (!now) return spec;
    spec.task.force_update = now->spec.task.force_update;
    const auto networks = store.networks();
    const auto name_of = [&](const std::string& target) {
        const auto found =
            std::find_if(networks.begin(), networks.end(), [&](const NetworkRecord& n) { return n.id == target; });
        return found == networks.end() ? target : found->name;
    };
    const std::string has = image_of(*now);
    const bool same_text = plain_spec(now->spec, name_of) == model.services.at(name);
    if (same_text && has == id) return std::nullopt;
    // Tasks are compared by their specification: another image behind the same name has to show in it.
    if (!id.empty() && has != id && now->spec.task.container.image == container.image) container.image_id = id;
    return spec;
}

void Swarm::Impl::provide_objects(const Revision& revision, const SwarmModel& model,
                                  const std::function<void(const std::string&)>& progress) {
    Needs needs;
    for (const auto& [unused, spec] : model.services) needs.add(spec);
    for (const auto& name : needs.networks) {
        const auto own = model.networks.find(name);
        if (own == model.networks.end()) continue;
        if (const auto there = store.network(name); there && !there->leaving) continue;
        progress("Creating network " + name);
        make_network(own->second, revision.project);
    }
    const RevisionStore history(store.roots(), revision.project);
    for (const auto kind : {swarm::FileKind::secret, swarm::FileKind::config}) {
        const auto all = objects.files(kind);
        for (const auto& name : kind == swarm::FileKind::secret ? needs.secrets : needs.configs) {
            const auto own = model.files(kind).find(name);
            const RevisionContent* content = content_of(revision, kind, name);
            if (own == model.files(kind).end() || !content || file_named(all, name)) continue;
            progress(fmt::format("Creating {} {}", noun_of(kind), name));
            swarm::ConfigSpec spec{name, own->second.labels, history.content(content->hash).value_or(""),
                                   own->second.template_driver, own->second.driver};
            swarm::create_file(engine, kind, spec);
        }
    }
}

RolledBack Swarm::rollback_service(const swarm::Service& seen, int to, std::stop_token stop) {
    const std::string owner = history_of(seen), name = seen.spec.name;
    RolledBack out;
    out.to = rollback_target(impl_->engine, owner, to);
    const Revision wanted = revision(impl_->engine, owner, out.to);
    SwarmModel model = swarm_model_from_json(wanted.model);
    if (!model.services.contains(name)) throw error(Errc::not_found, "{} has no service {}", title_of(wanted), name);
    const LackingServices lacking = missing_of_services(impl_->store.roots(), wanted, name);
    if (!lacking.missing.empty()) cannot_go_back(title_of(wanted), lacking.missing);
    for (const auto& sentence : lacking.changed) impl_->warn(owner, sentence);
    const swarm::Service now = impl_->service(seen.id);
    const auto spec = impl_->restored(wanted, model, name, &now);
    if (!spec) return out;
    std::erase_if(model.services, [&](const auto& one) { return one.first != name; });
    begin_revision(owner, fmt::format("service rollback to {}", out.to), {*spec});
    try {
        impl_->provide_objects(wanted, model, [](const std::string&) {});
        ServiceUpdateOptions how;
        how.resolve_image = ResolveImage::never;
        how.to_revision = out.to;
        for (const auto& warning : update_service(seen, *spec, how, std::move(stop))) impl_->warn(owner, warning);
    } catch (const Error& e) {
        end_revision(e.what());
        throw;
    }
    out.made = end_revision();
    return out;
}

RolledBack Swarm::rollback_stack(const std::string& name, int to,
                                 const std::function<void(const std::string& line)>& progress, std::stop_token stop) {
    const std::string owner = history_of_stack(name);
    RolledBack out;
    out.to = rollback_target(impl_->engine, owner, to);
    const Revision wanted = revision(impl_->engine, owner, out.to);
    const SwarmModel model = swarm_model_from_json(wanted.model);
    const LackingServices lacking = missing_of_services(impl_->store.roots(), wanted);
    if (!lacking.missing.empty()) cannot_go_back(title_of(wanted), lacking.missing);
    for (const auto& sentence : lacking.changed) impl_->warn(owner, sentence);
    impl_->ensure_swarm();
    std::vector<swarm::ServiceSpec> intended;
    for (const auto& [unused, spec] : model.services) intended.push_back(spec);
    begin_revision(owner, fmt::format("rollback to {}", out.to), intended);
    try {
        impl_->provide_objects(wanted, model, progress);
        std::map<std::string, swarm::Service> there;
        for (auto& service : impl_->objects.services()) {
            if (service.project != owner) continue;
            const auto stays = model.services.find(service.spec.name);
            if (stays != model.services.end() && stays->second.mode.kind == service.spec.mode.kind) {
                there.emplace(service.spec.name, std::move(service));
                continue;
            }
            progress("Removing service " + service.spec.name);
            remove_service(service.id);
        }
        for (const auto& [service, unused] : model.services) {
            const auto now = there.find(service);
            const auto spec = impl_->restored(wanted, model, service, now == there.end() ? nullptr : &now->second);
            if (!spec) continue;
            std::vector<std::string> warnings;
            ServiceUpdateOptions how;
            how.resolve_image = ResolveImage::never;
            how.to_revision = out.to;
            if (now == there.end()) {
                progress("Creating service " + service);
                warnings = create_service(*spec, owner, how, stop).warnings;
            } else {
                progress(fmt::format("Updating service {} (id: {})", service, now->second.id));
                warnings = update_service(now->second, *spec, how, stop);
            }
            for (const auto& warning : warnings) impl_->warn(owner, warning);
        }
    } catch (const Error& e) {
        end_revision(e.what());
        throw;
    }
    out.made = end_revision();
    return out;
}

} // namespace davit
