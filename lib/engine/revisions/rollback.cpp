// Back to a revision: its model is loaded as a file would be, its images are pinned, its contents come from the store.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "davit/in_code.hpp"
#include "davit/revisions.hpp"
#include "engine/revisions/history.hpp"
#include "engine/revisions/owner.hpp"
#include "engine/roots.hpp"
#include "engine/swarm/service_history.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace davit {

namespace {

ImagePins pins_of(const Revision& revision) {
    ImagePins out;
    for (const auto& image : revision.images)
        (image.service.empty() ? out.references[image.reference] : out.services[image.service]) = image.id;
    return out;
}

// Throws not_found for contents that are gone.
Project project_of(const Revision& revision, const RevisionStore& store) {
    LoadOptions options;
    options.project_name = revision.project;
    options.current_dir = options.project_directory = revision.working_dir.empty() ? "/" : revision.working_dir;
    options.profiles = {"*"}; // who is in a revision was enabled
    options.resolve_environment = options.resolve_labels = options.check_consistency = false; // as they were resolved
    options.all_resources = true;
    std::map<std::string, std::string> written;
    for (const auto& content : revision.contents) {
        if (!content.file.empty()) continue;
        auto bytes = store.content(content.hash);
        if (!bytes) throw error(Errc::not_found, "the content of {} is gone", content.key);
        auto& place = content.environment.empty() ? written[content.key] : options.environment[content.environment];
        place = std::move(*bytes);
    }
    Project out = load_string(revision.model, std::move(options)).project;
    for (auto& [key, bytes] : written)
        if (auto it = out.configs.find(key); it != out.configs.end()) it->second.content = std::move(bytes);
    out.compose_files = revision.config_files;
    return out;
}

void add_missing_images(const Revision& revision, const image::Store& images, std::vector<MissingPart>& out) {
    for (const auto& image : revision.images)
        if (!images.find(image.id)) add_missing_image(image.reference, image.id, image.digest, out);
}

void add_missing_contents(const Revision& revision, const RevisionStore& store, std::vector<MissingPart>& out) {
    for (const auto& content : revision.contents) {
        const char* kind = content.kind == RevisionContent::Kind::secret ? "secret" : "config";
        if (!content.file.empty() && !exists(content.file))
            out.push_back({fmt::format("the file {} of {} \"{}\" is gone", content.file, kind, content.key), ""});
        if (content.file.empty() && !store.content(content.hash))
            out.push_back({fmt::format("the content of {} \"{}\" is gone", kind, content.key), ""});
    }
}

void add_missing_resources(const Project& project, const RecordStore& store, std::vector<MissingPart>& out) {
    for (const auto& [unused, volume] : project.volumes)
        if (volume.external && !store.volume(volume.name))
            out.push_back({fmt::format("the external volume {} is gone", volume.name), ""});
    for (const auto& [unused, network] : project.networks)
        if (network.external && network.name != "host" && network.name != "none" && !store.network(network.name))
            out.push_back({fmt::format("the external network {} is gone", network.name), ""});
}

// Files are the user's: they are as they are by now.
std::vector<std::string> changed_files(const Revision& revision, const RevisionStore& store) {
    std::vector<std::string> out;
    for (const auto& content : revision.contents)
        if (!content.file.empty() && !content.hash.empty() && hash_of_file(store, content.file) != content.hash)
            out.push_back(content.file);
    return out;
}

} // namespace

void cannot_go_back(const std::string& what, const std::vector<MissingPart>& missing) {
    std::vector<std::string> texts, hints;
    for (const auto& part : missing) {
        texts.push_back(part.text);
        if (!part.hint.empty()) hints.push_back("'" + part.hint + "'");
    }
    Error out = error(Errc::not_found, "{} cannot be brought back: {}", what, fmt::join(texts, ", "));
    if (!hints.empty()) out.with_hint(fmt::format("{}", fmt::join(hints, " and ")));
    throw out;
}

void add_missing_image(const std::string& reference, const std::string& id, const std::string& digest,
                       std::vector<MissingPart>& out) {
    const bool told = std::any_of(out.begin(), out.end(),
                                  [&](const auto& part) { return part.text.find(short_id(id)) != std::string::npos; });
    if (told) return;
    out.push_back({fmt::format("the image {} ({}) is gone", reference, short_id(id)),
                   digest.empty() ? "" : "davit image pull " + digest});
}

std::vector<MissingPart> missing_parts(Engine& engine, const Revision& revision) {
    const Roots roots = roots_of(engine);
    if (HistoryOwner::of(revision.project).kind != HistoryOwner::Kind::project)
        return missing_of_services(roots, revision).missing;
    const RevisionStore store(roots, revision.project);
    std::vector<MissingPart> out;
    add_missing_images(revision, image::Store(roots.images()), out);
    add_missing_contents(revision, store, out);
    Revision without = revision; // the model says what else it needs
    std::erase_if(without.contents, [](const auto&) { return true; });
    add_missing_resources(project_of(without, store), RecordStore(roots), out);
    return out;
}

// Looked at again when they are held: a prune may come in between.
image::Hold Engine::Impl::hold_pinned(const ImagePins& pins) const {
    const image::Store images(store.roots().images());
    std::set<std::string> ids;
    for (const auto* map : {&pins.services, &pins.references})
        for (const auto& [unused, id] : *map) ids.insert(id);
    image::Hold held = images.hold({ids.begin(), ids.end()});
    for (const auto& id : ids)
        if (!images.find(id)) throw error(Errc::not_found, "No such image: {}", id);
    return held;
}

RolledBack Engine::rollback(const std::string& name, const RollbackOptions& options, std::stop_token stop) {
    const Roots& roots = impl_->store.roots();
    const RevisionStore history(roots, name);
    RolledBack out;
    out.to = rollback_target(*this, name, options.to);
    const Revision wanted = revision(*this, name, out.to);
    if (const auto missing = missing_parts(*this, wanted); !missing.empty())
        cannot_go_back(fmt::format("revision {} of project {}", wanted.number, name), missing);
    for (const auto& file : changed_files(wanted, history))
        impl_->warn(name,
                    fmt::format("{} has changed since revision {}: files are used as they are now", file, out.to));
    const Project project = project_of(wanted, history);

    Revising revising;
    revising.command = fmt::format("rollback to {}", out.to);
    revising.pins = pins_of(wanted);
    revising.contents_count = true;
    revising.scale = wanted.scale;
    if (const auto now = history.read(history.last()))
        for (const auto& service : services_of(*now))
            if (!project.find(service)) revising.retired.insert(service);
    UpOptions up;
    up.scale = wanted.scale;
    up.wait = options.wait;
    up.wait_timeout = options.wait_timeout;
    up.timeout = options.timeout;
    out.made = impl_->up(project, up, true, revising, std::move(stop));
    return out;
}

} // namespace davit
