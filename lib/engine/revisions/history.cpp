#include "engine/revisions/history.hpp"

#include "base/error.hpp"
#include "davit/images.hpp"
#include "davit/revisions.hpp"
#include "engine/disk_survey.hpp"
#include "engine/engine_impl.hpp"
#include "engine/revisions/owner.hpp"
#include "engine/roots.hpp"
#include "engine/swarm/service_history.hpp"
#include "image/store.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit {

namespace {

std::set<std::string> images_of_containers(const Roots& roots) {
    const RecordStore records(roots);
    std::set<std::string> out;
    for (const auto& project : list_directory(roots.projects()))
        for (const auto& container : records.containers(project)) out.insert(container.image_id);
    return out;
}

bool is_same(const Revision& a, const Revision& head, const RevisionStore& store) {
    if (a.images != head.images || a.contents != head.contents || a.scale != head.scale) return false;
    const auto b = store.read(head.number);
    return b && same_model(a.model, b->model);
}

std::string hint_of_history(const std::string& owner) {
    const HistoryOwner whose = HistoryOwner::of(owner);
    if (whose.kind == HistoryOwner::Kind::project) return "'davit history' lists them";
    const char* group = whose.kind == HistoryOwner::Kind::stack ? "stack" : "service";
    return fmt::format("'davit {} history {}' lists them", group, whose.name);
}

Error no_revision(const std::string& project, int number) {
    return error(Errc::not_found, "{} has no revision {}", HistoryOwner::of(project).title(), number)
        .with_hint(hint_of_history(project));
}

} // namespace

bool same_model(const std::string& a, const std::string& b) {
    if (a == b) return true;
    const auto one = nlohmann::json::parse(a, nullptr, false), other = nlohmann::json::parse(b, nullptr, false);
    return !one.is_discarded() && one == other;
}

std::set<std::string> services_of(const Revision& revision) {
    std::set<std::string> out;
    const auto model = nlohmann::json::parse(revision.model, nullptr, false);
    if (model.is_discarded() || !model.contains("services")) return out;
    for (const auto& [name, unused] : model["services"].items()) out.insert(name);
    return out;
}

std::multimap<std::string, std::string> images_of_revisions(const Roots& roots, bool up) {
    std::multimap<std::string, std::string> out;
    for (const auto& owner : owners_of_revisions(roots)) {
        if (up && !is_there(roots, owner)) continue;
        for (const auto& revision : RevisionStore(roots, owner).kept()) {
            std::set<std::string> ids;
            for (const auto& image : revision.images) ids.insert(image.id);
            for (const auto& id : ids)
                out.emplace(id, fmt::format("revision {} of {}", revision.number, HistoryOwner::of(owner).title()));
        }
    }
    return out;
}

std::vector<Revision> revisions(Engine& engine, const std::string& project) {
    const RevisionStore store(roots_of(engine), project);
    auto out = store.heads();
    note_trouble(roots_of(engine), store, out);
    return out;
}

Revision revision(Engine& engine, const std::string& project, int number) {
    auto found = RevisionStore(roots_of(engine), project).read(number);
    if (!found) throw no_revision(project, number);
    return std::move(*found);
}

std::vector<std::string> projects_with_history(Engine& engine) { return owners_of_revisions(roots_of(engine)); }

int kept_revisions(Engine& engine, const std::string& project) {
    return RevisionStore(roots_of(engine), project).keep();
}

int rollback_target(Engine& engine, const std::string& project, int to) {
    const Roots roots = roots_of(engine);
    const RevisionStore store(roots, project);
    auto all = store.heads();
    note_trouble(roots, store, all);
    if (all.empty()) {
        const HistoryOwner whose = HistoryOwner::of(project);
        const bool plain = whose.kind == HistoryOwner::Kind::project;
        throw error(Errc::not_found, "{} has no history", whose.title())
            .with_hint(fmt::format("it begins with the next 'davit {}' that changes something",
                                   plain                                       ? "up"
                                   : whose.kind == HistoryOwner::Kind::service ? "service update"
                                                                               : "stack deploy"));
    }
    if (to != 0) {
        if (std::none_of(all.begin(), all.end(), [&](const auto& r) { return r.number == to; }))
            throw no_revision(project, to);
        return to;
    }
    const bool there = is_there(roots, project);
    const auto now = there ? store.read(all.back().number) : std::nullopt;
    for (auto it = all.rbegin(); it != all.rend(); ++it) {
        if (!it->failed.empty() || (there && it == all.rbegin())) continue;
        // A `down` and an `up` make another revision of the same: nobody goes back to it.
        if (!now || !now->failed.empty() || !is_same(*now, *it, store)) return it->number;
    }
    throw error(Errc::not_found, "{} has no revision before the one that is there", HistoryOwner::of(project).title())
        .with_hint(hint_of_history(project));
}

namespace {

// Those that nothing but these revisions needed. Who has a name is its owner's to remove.
PrunedImages remove_images_of(Engine& engine, const std::set<std::string>& ids) {
    if (ids.empty()) return {};
    PruneImageOptions options;
    options.filter = [&](const image::Image& image) { return ids.count(image.id) != 0; };
    PrunedImages out = prune_images(engine, options);
    empty_image_trash(engine);
    return out;
}

} // namespace

std::vector<int> prunable_revisions(Engine& engine, const std::string& project, const PruneRevisionsOptions& options) {
    const Roots roots = roots_of(engine);
    const RevisionStore store(roots, project);
    auto all = store.numbers();
    const std::size_t least = is_there(roots, project) ? 1 : 0; // what is there can be told of
    const int keep = options.all ? 0 : options.keep.value_or(store.keep());
    const std::size_t stay = std::max(least, static_cast<std::size_t>(std::max(0, keep)));
    all.resize(all.size() - std::min(all.size(), stay));
    return all;
}

PrunedRevisions Engine::prune_revisions(const std::string& project, const PruneRevisionsOptions& options,
                                        std::stop_token stop) {
    const RevisionStore store(impl_->store.roots(), project);
    PrunedRevisions out;
    if (store.numbers().empty()) return out;
    const bool plain = HistoryOwner::of(project).kind == HistoryOwner::Kind::project;
    const FileLock held = plain ? impl_->lock(project, std::move(stop)) : store.lock();
    DiskSurvey before;
    const std::uint64_t bytes = before.bytes(store.directory());
    std::set<std::string> images;
    out.removed = prunable_revisions(*this, project, options);
    for (const int number : out.removed) {
        if (const auto gone = store.head(number))
            for (const auto& image : gone->images) images.insert(image.id);
        store.remove(number);
    }
    store.collect_contents();
    if (store.numbers().empty()) store.remove_all();
    DiskSurvey after;
    out.bytes = bytes - std::min(bytes, after.bytes(store.directory()));
    PrunedImages pruned = remove_images_of(*this, images);
    out.images = std::move(pruned.deleted);
    out.bytes += pruned.bytes;
    if (plain) impl_->forget_if_empty(project);
    return out;
}

std::vector<RevisionUse> revision_use(Engine& engine) {
    const Roots roots = roots_of(engine);
    std::vector<RevisionUse> out;
    const std::set<std::string> used = images_of_containers(roots);
    std::map<std::string, std::uint64_t> nameless; // those that only a revision keeps
    for (const auto& image : list_images(engine))
        if (image.tags.empty() && !used.count(image.id)) nameless[image.id] = image.size;
    for (const auto& owner : owners_of_revisions(roots)) {
        const RevisionStore store(roots, owner);
        RevisionUse use;
        use.project = owner;
        use.revisions = store.numbers().size();
        use.active = is_there(roots, owner);
        DiskSurvey survey;
        use.contents = survey.bytes(store.directory() + "/contents");
        use.records = survey.bytes(store.directory()) - use.contents;
        for (const auto& revision : store.kept())
            for (const auto& image : revision.images)
                if (auto it = nameless.find(image.id); it != nameless.end()) {
                    use.images += it->second;
                    nameless.erase(it); // of the first one that names it
                }
        out.push_back(std::move(use));
    }
    return out;
}

std::vector<std::string> revisions_with(Engine& engine, const image::Image& image) {
    const auto all = images_of_revisions(roots_of(engine));
    std::vector<std::string> out;
    for (auto [it, end] = all.equal_range(image.id); it != end; ++it) out.push_back(it->second);
    return out;
}

} // namespace davit
