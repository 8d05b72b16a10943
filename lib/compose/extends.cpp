#include "base/words.hpp"
#include "compose/interpolate.hpp"
#include "compose/model.hpp"
#include "compose/transform.hpp"

namespace davit::compose {

namespace {

std::string suggestion(const Node& services, std::string_view wanted) {
    std::vector<std::string_view> names;
    for (const Entry& e : services.map()) names.push_back(e.key);
    auto near = nearest(wanted, names);
    return near ? fmt::format("did you mean '{}'?", *near) : std::string();
}

} // namespace

void ModelLoader::apply_extends(const FileSet& set, const std::string& file, Node& doc, const Resets& resets) {
    Node* services = doc.find("services");
    if (!services) return;
    if (!services->is_map()) {
        if (!services->is_null() && !options_.validate)
            diag_.error(services->pos, "services", "must be a mapping of service names");
        return;
    }
    for (Entry& service : services->map()) {
        std::vector<Chain> chain;
        extend_service(set, file, *services, service, resets, chain);
    }
}

// The service with what it extends merged in; also stored in the entry. nullptr: it is empty.
Node* ModelLoader::extend_service(const FileSet& set, const std::string& file, Node& services, Entry& service,
                                  const Resets& resets, std::vector<Chain>& chain) {
    if (service.value->is_null()) return nullptr;
    std::string path = fmt::format("services.{}", service.key);
    if (!service.value->is_map()) {
        if (!service.value->failed && !options_.validate) diag_.error(service.value->pos, path, "must be a mapping");
        return nullptr;
    }
    const Node* extends = service.value->find("extends");
    if (!extends) return service.value;
    const Node* name = extends->is_map() ? extends->find("service") : extends;
    const Node* other = extends->find("file");
    warn_of_unknown_keys(*extends, path + ".extends", {"service", "file"});
    path += ".extends";
    auto give_up = [&](Pos at, std::string message, std::string hint) {
        diag_.error(at, path, std::move(message), std::move(hint));
        service.value->erase("extends");
        return service.value;
    };
    if (!name || !name->is_string())
        return give_up(extends->pos, "does not name a service", "write  extends: {service: NAME, file: other.yaml}");
    for (const Chain& c : chain)
        if (c.file == file && c.service == service.key) {
            std::string text;
            for (const Chain& link : chain) text += fmt::format("{} in {} -> ", link.service, link.file);
            return give_up(
                name->pos,
                fmt::format("the services extend each other in a circle: {}{} in {}", text, service.key, file),
                "one of them must stand for itself: remove its extends");
        }
    chain.push_back({file, std::string(service.key)});

    std::string base_file = file;
    Node* base_services = &services;
    const Resets* base_resets = &resets;
    if (other && other->is_string()) {
        auto local = local_file(set, *other, path);
        if (!local) {
            service.value->erase("extends");
            return service.value;
        }
        base_file = std::move(*local);
        ExtendsBase& base = extends_file(set, base_file, path, *other);
        if (!base.services || !base.services->is_map())
            return give_up(other->pos, fmt::format("{} has no services", base_file), {});
        base_services = base.services;
        base_resets = &base.resets;
    }
    Entry* base_entry = base_services->find_entry(name->str());
    if (!base_entry)
        return give_up(name->pos, fmt::format("there is no service '{}' in {}", name->str(), base_file),
                       suggestion(*base_services, name->str()));
    Node* base = extend_service(set, base_file, *base_services, *base_entry, *base_resets, chain);
    chain.pop_back();
    if (!base || !base->is_map()) return service.value;
    Node* source = tree_.clone(*base);
    resets.apply(*source, fmt::format("services.{}", service.key));
    service.value = merge_at(tree_, source, service.value, fmt::format("services.{}", service.key), diag_);
    service.value->erase("extends");
    return service.value;
}

// Another file as a source of bases: canonical, its paths relative to the extending project, not validated.
ModelLoader::ExtendsBase& ModelLoader::extends_file(const FileSet& set, const std::string& file, const std::string&,
                                                    const Node& at) {
    auto [it, fresh] = extends_files_.try_emplace({file, set.environment});
    ExtendsBase& base = it->second;
    if (!fresh) return base;
    Node* merged = tree_.map();
    for (Node* doc : documents(file, at.pos)) {
        if (!doc->is_map()) {
            diag_.error(doc->pos, {}, "a compose file must be a mapping at the top",
                        "it starts with keys such as  services:");
            continue;
        }
        Resets resets = Resets::take_from(*doc, diag_); // first, as in document()
        if (options_.interpolate) interpolate(tree_, *doc, *set.environment, diag_);
        resets.apply(*merged);
        merged = merge(tree_, merged, doc, diag_);
        enforce_unicity(*merged, diag_);
        to_canonical(tree_, *merged, !options_.interpolate, diag_);
        omit_empty(*merged);
        enforce_unicity(*merged, diag_);
        base.resets = std::move(resets);
    }
    resolve_paths(tree_, *merged, {relative_path(set.directory, parent_path(file)), options_.home}, diag_);
    base.services = merged->find("services");
    return base;
}

} // namespace davit::compose
