#include "compose/fields.hpp"

namespace davit::compose {

namespace {

// The value of a variable is not written: it would stand beside `environment`.
constexpr Row<FileObject> content_row(std::string_view key) {
    return {key, [](Decoder& d, Node& n, FileObject& out) { Text::decode(d, n, out.content.emplace()); },
            [](Encoder& e, const FileObject& f) -> Node* {
                return f.content && f.environment.empty() ? Text::encode(e, *f.content) : nullptr;
            }};
}
constexpr Row<FileObject> value_row(std::string_view key) {
    return {key, content_row(key).decode, [](Encoder&, const FileObject&) -> Node* { return nullptr; }};
}

template <typename S>
void decode_section(Decoder& d, Node& document, std::string_view key, std::map<std::string, S>& out) {
    Node* section = document.find(key);
    if (!section) return;
    auto step = d.path().key(key);
    ObjectMap<S>::decode(d, *section, out);
}

template <typename S>
void encode_section(Encoder& e, Node& out, std::string_view key, const std::map<std::string, S>& items) {
    if (Node* n = ObjectMap<S>::encode(e, items)) e.tree.add(out, key, n);
}

} // namespace

template <>
std::span<const Row<IpamPool>> rows<IpamPool>() {
    using S = IpamPool;
    static constexpr Row<S> table[] = {
        row<&S::subnet>("subnet"),
        row<&S::gateway>("gateway"),
        row<&S::ip_range>("ip_range"),
        row<&S::aux_addresses>("aux_addresses"),
    };
    return table;
}

template <>
std::span<const Row<Ipam>> rows<Ipam>() {
    using S = Ipam;
    static constexpr Row<S> table[] = {row<&S::driver>("driver"), row<&S::config, ObjectList<IpamPool>>("config"),
                                       row<&S::options>("options")};
    return table;
}

template <>
std::span<const Row<Network>> rows<Network>() {
    using S = Network;
    static constexpr Row<S> table[] = {
        row<&S::name>("name"),
        row<&S::driver>("driver"),
        row<&S::driver_opts>("driver_opts"),
        row<&S::ipam, Object<Ipam>>("ipam"),
        row<&S::external>("external"),
        row<&S::internal>("internal"),
        row<&S::attachable>("attachable"),
        row<&S::labels>("labels"),
        row<&S::enable_ipv4>("enable_ipv4"),
        row<&S::enable_ipv6>("enable_ipv6"),
    };
    return table;
}

template <>
std::span<const Row<Volume>> rows<Volume>() {
    using S = Volume;
    static constexpr Row<S> table[] = {
        row<&S::name>("name"),         row<&S::driver>("driver"), row<&S::driver_opts>("driver_opts"),
        row<&S::external>("external"), row<&S::labels>("labels"),
    };
    return table;
}

template <>
std::span<const Row<FileObject>> rows<FileObject>() {
    using S = FileObject;
    static constexpr Row<S> table[] = {
        row<&S::name>("name"),
        row<&S::file>("file"),
        row<&S::environment>("environment"),
        content_row("content"),
        row<&S::external>("external"),
        row<&S::labels>("labels"),
        row<&S::driver>("driver"),
        row<&S::driver_opts>("driver_opts"),
        row<&S::template_driver>("template_driver"),
        value_row("x-#value"),
    };
    return table;
}

template <>
std::span<const Row<Model>> rows<Model>() {
    using S = Model;
    static constexpr Row<S> table[] = {
        row<&S::name>("name"),
        row<&S::model>("model"),
        row<&S::context_size>("context_size"),
        row<&S::runtime_flags>("runtime_flags"),
    };
    return table;
}

Project decode_project(Tree& tree, Node& document, Diagnostics& diag) {
    Decoder d(tree, diag);
    Project out;
    decode_section(d, document, "services", out.services);
    for (auto& [name, service] : out.services) service.name = name;
    decode_section(d, document, "networks", out.networks);
    decode_section(d, document, "volumes", out.volumes);
    decode_section(d, document, "secrets", out.secrets);
    decode_section(d, document, "configs", out.configs);
    decode_section(d, document, "models", out.models);
    for (const Entry& e : document.map())
        if (e.key.substr(0, 2) == "x-") out.extensions.emplace(std::string(e.key), to_value(*e.value));
    return out;
}

Node* encode_project(Tree& tree, const Project& p, bool json) {
    Encoder e{tree, json};
    Node* out = tree.map();
    tree.add(*out, "name", tree.string(p.name));
    Node* services = ObjectMap<Service>::encode(e, p.services);
    tree.add(*out, "services", services ? services : tree.map());
    encode_section(e, *out, "networks", p.networks);
    encode_section(e, *out, "volumes", p.volumes);
    encode_section(e, *out, "secrets", p.secrets);
    encode_section(e, *out, "configs", p.configs);
    if (!json) encode_section(e, *out, "models", p.models); // upstream's JSON lacks them
    for (const auto& [key, value] : p.extensions) tree.add(*out, tree.copy(key), from_value(tree, value));
    return out;
}

} // namespace davit::compose
