#include "base/sys.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/swarm/lookup.hpp"
#include "project/store.hpp"
#include "swarm/task_history.hpp"

#include <array>
#include <cerrno>
#include <unistd.h>

namespace davit::swarm {

namespace {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) < 0) throw sys_error(errno, "asking for the machine's name");
    return name.data();
}

// Of the form that Swarm's have; nobody can join with it.
std::string token() { return "SWMTKN-1-" + new_id() + new_id() + "-" + new_id(); }

Node make_node(bool asked_for) {
    Node n;
    n.id = new_id();
    n.version = 1;
    n.created_at = n.updated_at = sys::realtime_ns();
    n.name = host_name();
    n.asked_for = asked_for;
    n.cluster_id = new_id();
    n.worker_token = token();
    n.manager_token = token();
    return n;
}

void check_availability(const std::string& text) {
    if (text != "active" && text != "pause" && text != "drain")
        throw error(Errc::invalid_project, "invalid Availability: \"{}\"", text).with_hint("active, pause or drain");
}

void check_role(const std::string& role) {
    if (role == "worker") throw error(Errc::conflict, "attempting to demote the last manager of the swarm");
    if (role != "manager")
        throw error(Errc::invalid_project, "invalid Role: \"{}\"", role).with_hint("manager or worker");
}

void apply(const NodeChange& change, Node& node) {
    if (change.role) check_role(*change.role);
    if (change.availability) {
        check_availability(*change.availability);
        node.availability = *change.availability;
    }
    for (const auto& [key, value] : change.add_labels) node.labels[key] = value;
    for (const std::string& key : change.remove_labels)
        if (!node.labels.erase(key)) throw error(Errc::not_found, "key {} doesn't exist in node's labels", key);
}

bool has_objects(const Store& store) {
    return !store.services().empty() || !store.files(FileKind::config).empty() ||
           !store.files(FileKind::secret).empty();
}

Node find_node(const Store& store, const std::string& wanted) {
    Node self = *store.node();
    if (wanted == "self") return self;
    return find_object(
        std::vector<Node>{self}, wanted, [](const Node& n) { return n.name; }, "node",
        fmt::format("node {} not found", wanted));
}

} // namespace

std::optional<Node> node(Engine& engine) { return Store(roots_of(engine)).node(); }

Node node(Engine& engine, const std::string& id_or_name) { return find_node(store_of_swarm(engine), id_or_name); }

Node update_node(Engine& engine, const std::string& id_or_name, const NodeChange& change) {
    const FileLock lock = lock_swarm(roots_of(engine));
    const Store store = store_of_swarm(engine);
    Node found = find_node(store, id_or_name);
    const Node before = found;
    apply(change, found);
    if (found == before) return found;
    ++found.version;
    found.updated_at = sys::realtime_ns();
    store.write(found);
    return found;
}

Node init_swarm(Engine& engine) {
    make_roots(roots_of(engine));
    const FileLock lock = lock_swarm(roots_of(engine));
    const Store store(roots_of(engine));
    std::optional<Node> node = store.node();
    if (node && node->asked_for)
        throw error(Errc::conflict, "This node is already part of a swarm. Use \"davit swarm leave\" to leave this "
                                    "swarm and join another one.")
            .with_hint("davit swarm leave --force");
    if (!node) node = make_node(true);
    node->asked_for = true;
    store.write(*node);
    return *node;
}

bool ensure_swarm(Engine& engine) {
    const Store store(roots_of(engine));
    if (store.node()) return false;
    make_roots(roots_of(engine));
    const FileLock lock = lock_swarm(roots_of(engine));
    if (store.node()) return false;
    store.write(make_node(false));
    return true;
}

std::optional<NetworkInfo> ingress(Engine& engine) {
    const auto here = Store(roots_of(engine)).node();
    if (!here) return std::nullopt;
    NetworkInfo network;
    network.name = ingress_name;
    network.id = std::string(here->cluster_id.rbegin(), here->cluster_id.rend()); // as lasting, and nobody else's
    network.driver = "overlay";
    network.scope = "swarm";
    network.created = here->created_at;
    return network;
}

void release_swarm(Engine& engine) {
    const Store store(roots_of(engine));
    auto over = [&] {
        const auto node = store.node();
        return node && !node->asked_for && !has_objects(store);
    };
    if (!over()) return;
    const FileLock lock = lock_swarm(roots_of(engine));
    if (over()) store.remove_node();
    remove_if_empty(roots_of(engine), lock);
}

void leave_swarm(Engine& engine, bool force) {
    const Store store(roots_of(engine));
    if (!store.node()) throw error(Errc::unavailable, "This node is not part of a swarm");
    if (!force)
        throw error(Errc::conflict,
                    "You are attempting to leave the swarm on a node that is participating as a manager. Removing the "
                    "last manager erases all current state of the swarm. Use `--force` to ignore this message.");
    const FileLock lock = lock_swarm(roots_of(engine));
    if (const auto services = store.services(); !services.empty())
        throw error(Errc::conflict, "{} services are still there", services.size())
            .with_hint("'davit stack rm' and 'davit service rm' remove them");
    for (FileKind kind : {FileKind::config, FileKind::secret})
        for (const Config& file : store.files(kind)) store.remove_file(kind, file.id);
    store.remove_node();
    remove_if_empty(roots_of(engine), lock);
}

void set_task_history(Engine& engine, std::int64_t limit) {
    const FileLock lock = lock_swarm(roots_of(engine));
    (void)store_of_swarm(engine);
    set_task_history_limit(roots_of(engine), limit);
}

Node rotate_token(Engine& engine, bool manager) {
    const FileLock lock = lock_swarm(roots_of(engine));
    const Store store = store_of_swarm(engine);
    Node node = *store.node();
    (manager ? node.manager_token : node.worker_token) = token();
    ++node.version;
    store.write(node);
    return node;
}

} // namespace davit::swarm
