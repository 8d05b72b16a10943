// What an `up` leaves in the history: the project as it is from now on.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/load.hpp"
#include "engine/revisions/history.hpp"
#include "engine/revisions/overlay.hpp"
#include "model/image_reference.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <sys/stat.h>

namespace davit {

namespace {

constexpr off_t largest_file = 1 << 20; // of those whose hash is taken

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(std::move(line));
    return out;
}

struct Contents {
    std::vector<RevisionContent> list;
    std::map<std::string, std::string> bytes; // by hash
};

void add_contents(const RevisionStore& store, RevisionContent::Kind kind,
                  const std::map<std::string, FileObject>& objects,
                  const std::map<std::string, std::string>& environment, Contents& out) {
    for (const auto& [key, object] : objects) {
        if (object.external) continue;
        RevisionContent content;
        content.kind = kind;
        content.key = key;
        content.file = object.file;
        content.environment = object.environment;
        if (!object.file.empty()) {
            content.hash = hash_of_file(store, object.file, &content.size);
        } else {
            const auto variable = environment.find(object.environment);
            if (!object.content && variable == environment.end()) continue; // nobody may use it then
            const std::string& bytes = object.content ? *object.content : variable->second;
            content.size = bytes.size();
            content.hash = store.hash(bytes);
            out.bytes[content.hash] = bytes;
        }
        out.list.push_back(std::move(content));
    }
}

// Inline contents stand in the store of contents, once; the model says which.
std::string without_contents(const Project& project, const std::string& model, const Contents& contents) {
    const auto written = [](const auto& object) { return object.second.content && object.second.environment.empty(); };
    if (std::none_of(project.configs.begin(), project.configs.end(), written)) return model;
    Project copy = project;
    for (const auto& content : contents.list)
        if (content.kind == RevisionContent::Kind::config && content.file.empty() && content.environment.empty())
            copy.configs.at(content.key).content = content.hash;
    return render(copy, RenderFormat::json);
}

// What services name beside their own image.
std::set<std::string> further_images(const Project& project) {
    std::set<std::string> out;
    for (const auto& [unused, service] : project.services) {
        for (const auto& hook : service.pre_start)
            if (!hook.image.empty()) out.insert(hook.image);
        for (const auto& mount : service.volumes)
            if (mount.type == MountType::image) out.insert(mount.source);
    }
    return out;
}

} // namespace

// A file of the user's stays the user's; it is remembered what was in it.
std::string hash_of_file(const RevisionStore& store, const std::string& path, std::uint64_t* size) {
    try {
        struct stat st {};
        const UniqueFd fd = open_to_read(path);
        if (::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > largest_file) return {};
        const std::string text = sys::read_all(fd.get());
        if (size) *size = text.size();
        return store.hash(text);
    } catch (const Error&) {
        return {}; // the container that wants it says so
    }
}

// As they are used: by the containers that stay, by those that are made, else as the reference says.
std::vector<RevisionImage> Engine::Impl::images_of(const Project& project, const Planned& planned,
                                                   const std::vector<BuiltContainer>& built) const {
    std::map<std::string, std::string> used;
    for (const auto& c : built)
        if (!c.record.oneoff && !c.record.service.empty()) used[c.record.service] = c.record.image_id;
    for (const auto& [service, ids] : planned.result.services)
        for (const auto& id : ids)
            if (const auto* there = planned.observed.find(id)) used.emplace(service, there->record.image_id);
    std::vector<RevisionImage> out;
    for (const auto& [name, service] : project.services) {
        const auto wanted = planned.wanted.images.find(name);
        if (wanted == planned.wanted.images.end()) continue;
        const auto known = planned.observed.images.find(wanted->second);
        auto id = used.find(name);
        RevisionImage image{name, image_reference(project, service), {}, {}};
        if (id != used.end()) image.id = id->second;
        else if (known != planned.observed.images.end()) image.id = known->second;
        if (const auto digest = planned.digests.find(image.id); digest != planned.digests.end())
            image.digest = digest->second;
        if (!image.id.empty()) out.push_back(std::move(image));
    }
    const auto further = further_images(project);
    if (further.empty()) return out;
    const image::Store images(store.roots().images());
    for (const auto& reference : further) {
        const auto pinned = planned.pins.references.find(reference);
        if (const auto image = images.find(pinned == planned.pins.references.end() ? reference : pinned->second))
            out.push_back({"", reference, image->id, image->digests.empty() ? "" : image->digests.front()});
    }
    return out;
}

void Engine::Impl::record(RevisionInTheMaking& making, const Revising& revising, const Project& project,
                          const std::set<std::string>& untouched, const std::string& model, const Planned& planned,
                          const std::vector<BuiltContainer>& built) try {
    Contents contents;
    add_contents(making.store(), RevisionContent::Kind::config, project.configs, project.environment, contents);
    add_contents(making.store(), RevisionContent::Kind::secret, project.secrets, project.environment, contents);
    Revision out;
    out.project = project.name;
    out.created = sys::realtime_ns();
    out.command = revising.command;
    out.changes = lines_of(to_summary(planned.result.plan));
    out.keep = kept_now();
    out.working_dir = project.working_dir;
    out.config_files = project.compose_files;
    out.scale = revising.scale;
    out.images = images_of(project, planned, built);
    out.model = without_contents(project, model, contents);
    out.contents = std::move(contents.list);
    if (!untouched.empty()) {
        const auto before = making.store().read(making.store().last());
        keep_untouched(out, before ? *before : Revision(), untouched);
    }
    making.write(std::move(out), contents.bytes);
} catch (const Error& e) { // the disk; the containers are what the command is about
    warn(project.name, fmt::format("the history of project {} lacks what follows: {}", project.name, e.what()));
}

} // namespace davit
