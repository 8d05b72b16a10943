#include "net/dns/registry.hpp"

#include <algorithm>

namespace davit::net::dns {

namespace {

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
template <typename T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

struct Holder {
    std::string container_id;
    std::vector<IpAddress> addresses;
};

struct Stored {
    NamedEndpoint record;
    std::string source;
};

struct Network {
    std::map<std::string, Stored> records; // by container id
    TextMap<std::vector<Holder>> names;
    std::map<IpAddress, std::string> reverse; // container name
    TextMap<std::string> by_container_name;   // container id, for links
};

} // namespace

std::vector<std::string> docker_names(std::string_view container_name, const std::vector<std::string>& aliases,
                                      std::string_view container_id, std::string_view hostname) {
    std::vector<std::string> names;
    const auto add = [&](std::string_view name) {
        std::string n = lowered(name);
        if (!n.empty() && std::find(names.begin(), names.end(), n) == names.end()) names.push_back(std::move(n));
    };
    add(container_name);
    for (const std::string& alias : aliases) add(alias);
    add(container_id.substr(0, 12));
    add(hostname);
    return names;
}

struct Registry::Impl {
    TextMap<Network> networks;
    std::uint64_t generation = 0;

    const Network* network(std::string_view name) const {
        const auto it = networks.find(name);
        return it == networks.end() ? nullptr : &it->second;
    }

    void add(NamedEndpoint record, std::string source) {
        remove(record.network, record.container_id);
        ++generation;
        Network& n = networks[record.network];
        for (const std::string& name : record.names)
            n.names[lowered(name)].push_back({record.container_id, record.addresses});
        if (!record.container_name.empty()) {
            for (const IpAddress& a : record.addresses) n.reverse[a] = record.container_name;
            n.by_container_name[record.container_name] = record.container_id;
        }
        std::string id = record.container_id;
        n.records.insert_or_assign(std::move(id), Stored{std::move(record), std::move(source)});
    }

    void remove(const std::string& network_name, const std::string& container_id) {
        const auto it = networks.find(network_name);
        if (it == networks.end()) return;
        Network& n = it->second;
        const auto found = n.records.find(container_id);
        if (found == n.records.end()) return;
        ++generation;
        const NamedEndpoint& r = found->second.record;
        for (const std::string& name : r.names) {
            const auto holders = n.names.find(lowered(name));
            if (holders == n.names.end()) continue;
            std::erase_if(holders->second, [&](const Holder& h) { return h.container_id == container_id; });
            if (holders->second.empty()) n.names.erase(holders);
        }
        // A recreated container may hold the address already.
        for (const IpAddress& a : r.addresses)
            if (const auto rev = n.reverse.find(a); rev != n.reverse.end() && rev->second == r.container_name)
                n.reverse.erase(rev);
        if (const auto named = n.by_container_name.find(r.container_name);
            named != n.by_container_name.end() && named->second == container_id)
            n.by_container_name.erase(named);
        n.records.erase(found);
        if (n.records.empty()) networks.erase(it);
    }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;
Registry::Registry(Registry&&) noexcept = default;

void Registry::publish(NamedEndpoint record) { impl_->add(std::move(record), {}); }
void Registry::withdraw(const std::string& container_id, const std::string& network) {
    impl_->remove(network, container_id);
}

void Registry::withdraw(const std::string& container_id) {
    std::vector<std::string> names;
    for (const auto& [name, network] : impl_->networks) names.push_back(name);
    for (const std::string& name : names) impl_->remove(name, container_id);
}

void Registry::replace_network(const std::string& network, std::string_view source,
                               std::vector<NamedEndpoint> records) {
    std::vector<std::string> gone;
    if (const Network* n = impl_->network(network))
        for (const auto& [id, stored] : n->records) {
            const bool stays =
                std::any_of(records.begin(), records.end(), [&](const auto& r) { return r.container_id == id; });
            if (stored.source == source && !stays) gone.push_back(id);
        }
    for (const std::string& id : gone) impl_->remove(network, id);
    for (NamedEndpoint& r : records) {
        r.network = network;
        impl_->add(std::move(r), std::string(source));
    }
}

std::vector<NamedEndpoint> Registry::records() const {
    std::vector<NamedEndpoint> all;
    for (const auto& [name, network] : impl_->networks)
        for (const auto& [id, stored] : network.records) all.push_back(stored.record);
    return all;
}

std::uint64_t Registry::generation() const { return impl_->generation; }

namespace {

bool take(const Network* network, std::string_view name, Lookup& out) {
    if (!network) return false;
    const auto it = network->names.find(name);
    if (it == network->names.end()) return false;
    out.known = true;
    for (const Holder& h : it->second)
        out.addresses.insert(out.addresses.end(), h.addresses.begin(), h.addresses.end());
    return true;
}

} // namespace

Lookup Registry::find(const Client& client, std::string_view name) const {
    Lookup out;
    if (name.empty()) return out;
    const std::string low = lowered(name);
    for (const auto& [alias, container] : client.links) {
        if (alias != low) continue;
        for (const std::string& network : client.networks) {
            const Network* n = impl_->network(network);
            const auto linked = n ? n->by_container_name.find(container) : TextMap<std::string>::const_iterator{};
            if (!n || linked == n->by_container_name.end()) continue;
            const auto& addresses = n->records.at(linked->second).record.addresses;
            out.known = true;
            // One container is linked by each of its names.
            for (const IpAddress& a : addresses)
                if (std::find(out.addresses.begin(), out.addresses.end(), a) == out.addresses.end())
                    out.addresses.push_back(a);
            break;
        }
    }
    if (out.known) return out;
    for (const std::string& network : client.networks)
        if (take(impl_->network(network), low, out)) return out;
    for (auto dot = name.rfind('.'); dot != std::string_view::npos && dot > 0; dot = name.rfind('.', dot - 1)) {
        const std::string_view network = name.substr(dot + 1);
        const bool member = std::find(client.networks.begin(), client.networks.end(), network) != client.networks.end();
        if (member && take(impl_->network(network), std::string_view(low).substr(0, dot), out)) return out;
    }
    return out;
}

std::string Registry::reverse(const Client& client, const IpAddress& address) const {
    for (const std::string& network : client.networks)
        if (const Network* n = impl_->network(network))
            if (const auto it = n->reverse.find(address); it != n->reverse.end()) return it->second + '.' + network;
    return {};
}

} // namespace davit::net::dns
