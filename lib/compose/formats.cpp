#include "compose/formats.hpp"

#include "base/units.hpp"
#include "compose/attributes/rows.hpp"
#include "compose/paths.hpp"
#include "compose/short_forms.hpp"

#include <charconv>

namespace davit::compose {

void FileMode::decode(Decoder& d, Node& n, std::optional<std::uint32_t>& out) {
    if (!n.is_string()) return Integer::decode(d, n, out);
    std::uint32_t mode = 0;
    std::string_view text = n.str();
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (code != std::errc() || end != text.data() + text.size())
        return d.error(n, fmt::format("'{}' is no octal file mode", text), "write it as 0440");
    out = mode;
}
Node* FileMode::encode(Encoder& e, const std::optional<std::uint32_t>& v) {
    return v ? e.tree.string(fmt::format("0{:o}", *v)) : nullptr;
}

void DeviceCount::decode(Decoder& d, Node& n, std::int64_t& out) {
    std::string_view text = n.str();
    if (text.size() == 3 && (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 'l' && (text[2] | 0x20) == 'l') out = -1;
    else if (n.kind == Kind::real || (n.is_string() && !parse_int(text)))
        d.error(n, fmt::format("'{}' is no count of devices", to_text(n)), "write a number or all");
    else Integer::decode(d, n, out);
}

void HealthTest::decode(Decoder& d, Node& n, std::vector<std::string>& out) {
    if (n.is_list()) return TextList::decode(d, n, out);
    out.assign(1, "CMD-SHELL");
    Text::decode(d, n, out.emplace_back());
}

void ContainerPath::decode(Decoder& d, Node& n, std::string& out) {
    Text::decode(d, n, out);
    if (!out.empty()) out = clean_path(out);
}

void Ulimits::decode(Decoder& d, Node& n, std::map<std::string, Ulimit>& out) {
    for (Entry& e : n.map()) {
        if (e.value->failed) continue;
        auto step = d.path().key(e.key);
        Ulimit& limit = out[std::string(e.key)];
        if (e.value->is_map()) {
            decode_struct<Ulimit>(d, *e.value, limit);
        } else if (e.value->kind != Kind::integer) { // below build: nothing makes numbers of texts
            d.error(*e.value, fmt::format("must be a whole number, and this is '{}'", to_text(*e.value)),
                    "write it without quotes and fractions");
        } else {
            Integer::decode(d, *e.value, limit.soft);
            limit.hard = limit.soft;
            limit.single = true;
        }
    }
}
Node* Ulimits::encode(Encoder& e, const std::map<std::string, Ulimit>& limits) {
    if (limits.empty()) return nullptr;
    Node* out = e.tree.map_of_own_keys();
    for (const auto& [name, limit] : limits)
        e.tree.add(*out, e.tree.copy(name),
                   limit.single && (limit.soft || !e.json) ? e.tree.integer(limit.soft)
                                                           : encode_struct<Ulimit>(e, limit));
    return out;
}

void SshKeys::decode(Decoder&, Node& n, std::vector<SshKey>& out) {
    for (Entry& e : n.map()) out.push_back({std::string(e.key), to_text(*e.value)});
    std::sort(out.begin(), out.end(), [](const SshKey& a, const SshKey& b) { return a.id < b.id; });
}
Node* SshKeys::encode(Encoder& e, const std::vector<SshKey>& keys) {
    if (keys.empty()) return nullptr;
    Node* out = e.tree.list();
    for (const auto& k : keys)
        e.tree.push(*out, e.tree.string(k.path.empty() ? k.id : fmt::format("{}: {}", k.id, k.path)));
    return out;
}

void ProviderOptions::decode(Decoder& d, Node& n, std::map<std::string, std::vector<std::string>>& out) {
    for (Entry& e : n.map())
        if (!e.value->failed) TextList::decode(d, *e.value, out[std::string(e.key)]);
}
Node* ProviderOptions::encode(Encoder& e, const std::map<std::string, std::vector<std::string>>& options) {
    if (options.empty()) return nullptr;
    Node* out = e.tree.map_of_own_keys();
    for (const auto& [key, values] : options)
        if (Node* list = TextList::encode(e, values)) e.tree.add(*out, e.tree.copy(key), list);
    return out->empty() ? nullptr : out;
}

void GenericResources::decode(Decoder& d, Node& n, std::vector<GenericResource>& out) {
    for (Node* item : n.list()) {
        GenericResource& resource = out.emplace_back();
        Node* spec = item->find("discrete_resource_spec");
        resource.discrete = spec && spec->is_map();
        if (resource.discrete) decode_struct<GenericResource>(d, *spec, resource);
    }
}
Node* GenericResources::encode(Encoder& e, const std::vector<GenericResource>& resources) {
    if (resources.empty()) return nullptr;
    Node* out = e.tree.list();
    for (const auto& r : resources) {
        Node* item = e.tree.map();
        if (r.discrete) e.tree.add(*item, "discrete_resource_spec", encode_struct<GenericResource>(e, r));
        e.tree.push(*out, item);
    }
    return out;
}

namespace {
void add_host(Decoder& d, Node& at, std::string_view host, const std::vector<std::string_view>& addresses,
              std::map<std::string, std::vector<std::string>>& out) {
    if (at.timestamp) return d.error(at, "must be text, and this is a date", "put it in quotes");
    if (host.empty() || host.find(':') != std::string_view::npos)
        return d.error(at, fmt::format("'{}' is no host name", host), "write it as HOST=ADDRESS");
    for (std::string_view address : addresses) {
        if (address.size() > 1 && address.front() == '[' && address.back() == ']')
            address = address.substr(1, address.size() - 2);
        out[std::string(host)].emplace_back(address);
    }
}
} // namespace

void Hosts::decode(Decoder& d, Node& n, std::map<std::string, std::vector<std::string>>& out) {
    for (Entry& e : n.map()) {
        if (e.value->failed) continue;
        if (e.value->is_list()) {
            out[std::string(e.key)]; // though it has no address
            for (Node* item : e.value->list()) {
                const std::string address = to_text(*item);
                add_host(d, *item, e.key, {address}, out);
            }
            continue;
        }
        const std::string address = to_text(*e.value);
        add_host(d, *e.value, e.key, {address}, out);
    }
    for (Node* item : n.list()) {
        if (item->failed) continue;
        std::string_view text = item->str();
        std::size_t separator = text.find('=');
        if (separator == std::string_view::npos) separator = text.find(':');
        if (separator == std::string_view::npos)
            d.error(*item, fmt::format("'{}' has no address", text), "write it as HOST=ADDRESS");
        else add_host(d, *item, text.substr(0, separator), split(text.substr(separator + 1), ','), out);
    }
}
Node* Hosts::encode(Encoder& e, const std::map<std::string, std::vector<std::string>>& hosts) {
    if (hosts.empty()) return nullptr;
    std::vector<std::string> lines;
    for (const auto& [host, addresses] : hosts)
        for (const auto& address : addresses) lines.push_back(fmt::format("{}={}", host, address));
    std::sort(lines.begin(), lines.end());
    Node* out = e.tree.list();
    for (const auto& line : lines) e.tree.push(*out, e.tree.string(line));
    return out;
}

} // namespace davit::compose
