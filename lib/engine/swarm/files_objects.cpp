#include "base/sys.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/swarm/lookup.hpp"

#include <algorithm>

namespace davit::swarm {

namespace {

void check_file_name(const std::string& name) {
    if (name.empty()) throw error(Errc::invalid_project, "name must be provided");
    auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    const bool ends = !name.empty() && name.size() <= 64 && plain(name.front()) && plain(name.back());
    if (!ends ||
        !std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; }))
        throw error(Errc::invalid_project,
                    "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end "
                    "character must be [a-zA-Z0-9]");
}

// Swarm's limits: what works here must also deploy there.
void check_data(FileKind kind, const ConfigSpec& spec) {
    if (kind == FileKind::secret && !spec.driver.empty())
        throw error(Errc::not_found, "plugin \"{}\" not found", spec.driver).with_hint("davit keeps secrets itself");
    const std::size_t limit = kind == FileKind::config ? 1000 * 1024 : 500 * 1024;
    if (spec.data.empty() || spec.data.size() >= limit)
        throw error(Errc::invalid_project, "{} data must be larger than 0 and less than {} bytes", to_string(kind),
                    limit);
}

Config find_file(const Store& store, FileKind kind, const std::string& wanted) {
    const char* noun = to_string(kind);
    return find_object(
        store.files(kind), wanted, [](const Config& c) { return c.spec.name; }, noun,
        fmt::format("{} {} not found", noun, wanted));
}

// Names of the services that have it, "a, b".
std::vector<std::string> users_of(const Store& store, FileKind kind, const std::string& id) {
    std::vector<std::string> out;
    for (const Service& s : store.services()) {
        const ContainerSpec& c = s.spec.task.container;
        const auto& list = kind == FileKind::config ? c.configs : c.secrets;
        if (std::any_of(list.begin(), list.end(), [&](const FileReference& r) { return r.id == id; }))
            out.push_back(s.spec.name);
    }
    return out;
}

} // namespace

std::vector<Config> files(Engine& engine, FileKind kind) { return store_of_swarm(engine).files(kind); }

Config file(Engine& engine, FileKind kind, const std::string& id_or_name) {
    return find_file(store_of_swarm(engine), kind, id_or_name);
}

std::string create_file(Engine& engine, FileKind kind, const ConfigSpec& spec) {
    check_file_name(spec.name);
    check_data(kind, spec);
    ensure_swarm(engine);
    const FileLock lock = lock_swarm(roots_of(engine));
    const Store store = store_of_swarm(engine);
    for (const Config& other : store.files(kind))
        if (same_name(other.spec.name, spec.name))
            throw error(Errc::conflict, "{} {} already exists", to_string(kind), spec.name);
    Config made;
    made.id = new_id();
    made.version = 1;
    made.created_at = made.updated_at = sys::realtime_ns();
    made.spec = spec;
    store.write(kind, made);
    return made.id;
}

void update_file(Engine& engine, FileKind kind, const std::string& id, const ConfigSpec& spec) {
    const FileLock lock = lock_swarm(roots_of(engine));
    const Store store = store_of_swarm(engine);
    Config found = find_file(store, kind, id);
    if (found.spec.name != spec.name || found.spec.data != spec.data)
        throw error(Errc::invalid_project, "only updates to Labels are allowed")
            .with_hint("give the new content a new name, in the file and in the services that use it");
    if (found.spec.labels == spec.labels) return;
    found.spec.labels = spec.labels;
    found.updated_at = sys::realtime_ns();
    ++found.version;
    store.write(kind, found);
}

void remove_file(Engine& engine, FileKind kind, const std::string& id_or_name) {
    {
        const FileLock lock = lock_swarm(roots_of(engine));
        const Store store = store_of_swarm(engine);
        const Config found = find_file(store, kind, id_or_name);
        const auto users = users_of(store, kind, found.id);
        if (!users.empty())
            throw error(Errc::conflict, "{} '{}' is in use by the following service{}: {}", to_string(kind),
                        found.spec.name, users.size() == 1 ? "" : "s", fmt::join(users, ", "));
        store.remove_file(kind, found.id);
    }
    release_swarm(engine);
}

} // namespace davit::swarm
