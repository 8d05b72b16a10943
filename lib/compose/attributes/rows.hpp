// Rows: attributes that know the member of the model they are kept in. One table of them per struct serves reading
// and printing. What a member looks like in YAML follows from its type, or from the format its row names.
#pragma once

#include "compose/attributes/shapes.hpp"
#include "compose/codec.hpp"

#include <algorithm>
#include <array>

namespace davit::compose {

template <typename S>
struct Row : Attribute {
    void (*decode)(Decoder&, Node&, S&);
    Node* (*encode)(Encoder&, const S&);

    constexpr Row each_item(Rules r) const {
        Row out = *this;
        out.items = r;
        return out;
    }
    constexpr Row each_value(Rules r) const {
        Row out = *this;
        out.values = r;
        return out;
    }
    // davit has no use for it, and says so.
    constexpr Row without_effect(Unacted why) const {
        Row out = *this;
        out.unacted = why;
        return out;
    }
    constexpr Row in_json(std::string_view other_key) const {
        Row out = *this;
        out.json_key = other_key;
        return out;
    }
};

template <typename M>
struct MemberOf;
template <typename S, typename T>
struct MemberOf<T S::*> {
    using Struct = S;
    using Type = T;
};

// row<&Service::image>("image", text), row<&Service::mem_limit, Bytes>("mem_limit", number_or_text)
template <auto Member, typename F = Format<typename MemberOf<decltype(Member)>::Type>>
constexpr auto row(std::string_view key, const Shape& shape, Rules rules = {}) {
    using S = typename MemberOf<decltype(Member)>::Struct;
    return Row<S>{{.key = key, .shape = &shape, .rules = rules},
                  [](Decoder& d, Node& n, S& s) { F::decode(d, n, s.*Member); },
                  [](Encoder& e, const S& s) -> Node* { return F::encode(e, s.*Member); }};
}

// What another row, or the loader, takes in: it has a shape and rules, and no member.
template <typename S>
constexpr Row<S> row_of_shape(std::string_view key, const Shape& shape, Rules rules = {}) {
    return {{.key = key, .shape = &shape, .rules = rules},
            [](Decoder&, Node&, S&) {},
            [](Encoder&, const S&) -> Node* { return nullptr; }};
}

template <typename S>
class Rows : public Fields {
public:
    using Fields::Fields;
    const Row<S>* find(std::string_view key) const { return static_cast<const Row<S>*>(Fields::find(key)); }
};

// The rows of a struct, in their order and sorted by key.
template <typename S, std::size_t N>
class Table {
public:
    constexpr explicit Table(const Row<S> (&from)[N]) {
        for (std::size_t i = 0; i < N; ++i) rows_[i] = sorted_[i] = &from[i];
        std::sort(sorted_.begin(), sorted_.end(), [](auto* a, auto* b) { return a->key < b->key; });
    }
    constexpr operator Rows<S>() const { return {rows_, sorted_}; }

private:
    std::array<const Attribute*, N> rows_{}, sorted_{};
};

// A table is named by its struct, or by a tag where two places of the file have the same struct and other rows.
template <typename Tag>
struct StructOf {
    using Type = Tag;
};
template <typename Tag>
requires requires { typename Tag::Struct; }
struct StructOf<Tag> {
    using Type = typename Tag::Struct;
};
template <typename Tag>
Rows<typename StructOf<Tag>::Type> rows(); // defined with the tables

template <typename Tag, typename S>
void decode_struct(Decoder& d, Node& n, S& out) {
    const Rows<S> known = rows<Tag>();
    for (Entry& e : n.map()) {
        if (e.value->failed) continue;
        auto step = d.path().key(e.key);
        if (const Row<S>* r = known.find(e.key)) {
            if (!e.value->is_null() || e.key == "command" || e.key == "entrypoint") r->decode(d, *e.value, out);
        } else if constexpr (requires { out.extensions; }) {
            if (e.key.substr(0, 2) == "x-" && e.key.substr(0, 3) != "x-#")
                out.extensions.emplace(std::string(e.key), to_value(*e.value));
        }
    }
}

template <typename Tag, typename S>
Node* encode_struct(Encoder& e, const S& s) {
    Node* out = e.tree.map();
    for (const Attribute* a : rows<Tag>())
        if (Node* n = static_cast<const Row<S>*>(a)->encode(e, s))
            e.tree.add(*out, e.json && !a->json_key.empty() ? a->json_key : a->key, n);
    if constexpr (requires { s.extensions; })
        for (const auto& [key, value] : s.extensions)
            if (!e.json || key.starts_with("x-davit-")) // davit's own make a difference, and histories are JSON
                e.tree.add(*out, e.tree.copy(key), from_value(e.tree, value));
    return out;
}

// A struct that stands for itself; written if anything is in it.
template <typename Tag, typename S = typename StructOf<Tag>::Type>
struct Object {
    static void decode(Decoder& d, Node& n, S& out) { decode_struct<Tag>(d, n, out); }
    static Node* encode(Encoder& e, const S& s) {
        Node* n = encode_struct<Tag>(e, s);
        return n->empty() && !e.json ? nullptr : n; // JSON has {} where Go's structs are no pointers
    }
};
template <typename Tag, typename S = typename StructOf<Tag>::Type>
struct OptionalObject {
    static void decode(Decoder& d, Node& n, std::optional<S>& out) {
        if (!n.is_map()) return;
        out.emplace();
        decode_struct<Tag>(d, n, *out);
    }
    static Node* encode(Encoder& e, const std::optional<S>& s) { return s ? encode_struct<Tag>(e, *s) : nullptr; }
};
template <typename Tag, typename S = typename StructOf<Tag>::Type>
struct ObjectList {
    static void decode(Decoder& d, Node& n, std::vector<S>& out) {
        auto items = n.list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (items[i]->failed) continue;
            auto step = d.path().item(i);
            decode_struct<Tag>(d, *items[i], out.emplace_back());
            if constexpr (requires { out.back().origin; }) out.back().origin.pos = d.where(items[i]->pos);
        }
    }
    static Node* encode(Encoder& e, const std::vector<S>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.list();
        for (const S& s : items) e.tree.push(*out, encode_struct<Tag>(e, s));
        return out;
    }
};
template <typename Tag, typename S = typename StructOf<Tag>::Type>
struct ObjectMap {
    static void decode(Decoder& d, Node& n, std::map<std::string, S>& out) {
        for (Entry& e : n.map()) {
            if (e.value->failed) continue;
            auto step = d.path().key(e.key);
            S& s = out[std::string(e.key)];
            if constexpr (requires { s.key; }) s.key = e.key;
            if constexpr (requires { s.origin; }) s.origin.pos = d.where(e.key_pos.line ? e.key_pos : e.value->pos);
            decode_struct<Tag>(d, *e.value, s);
        }
    }
    static Node* encode(Encoder& e, const std::map<std::string, S>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.map_of_own_keys();
        for (const auto& [key, s] : items) e.tree.add(*out, e.tree.copy(key), encode_struct<Tag>(e, s));
        return out;
    }
};
// A mapping whose values may be null.
template <typename Tag, typename S = typename StructOf<Tag>::Type>
struct NullableMap {
    static void decode(Decoder& d, Node& n, std::map<std::string, std::optional<S>>& out) {
        for (Entry& e : n.map()) {
            auto step = d.path().key(e.key);
            auto& s = out[std::string(e.key)];
            if (e.value->is_map()) decode_struct<Tag>(d, *e.value, s.emplace());
        }
    }
    static Node* encode(Encoder& e, const std::map<std::string, std::optional<S>>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.map_of_own_keys();
        for (const auto& [key, s] : items)
            e.tree.add(*out, e.tree.copy(key), s ? encode_struct<Tag>(e, *s) : e.tree.null());
        return out;
    }
};

// The structs that have more than one table.
struct Limits {
    using Struct = Resources;
};
struct Reservations {
    using Struct = Resources;
};
struct PreStartHook {
    using Struct = ServiceHook;
};
struct Secret {
    using Struct = FileObject;
};
struct Config {
    using Struct = FileObject;
};

#define DAVIT_ROWS(TAG)                                                                                                \
    template <>                                                                                                        \
    Rows<StructOf<TAG>::Type> rows<TAG>()
DAVIT_ROWS(Service);
DAVIT_ROWS(EnvFile);
DAVIT_ROWS(HealthCheck);
DAVIT_ROWS(ServiceHook);
DAVIT_ROWS(PreStartHook);
DAVIT_ROWS(Provider);
DAVIT_ROWS(WatchRule);
DAVIT_ROWS(Develop);
DAVIT_ROWS(ServiceModel);
DAVIT_ROWS(Dependency);
DAVIT_ROWS(Logging);
DAVIT_ROWS(Extends);
DAVIT_ROWS(ServiceNetwork);
DAVIT_ROWS(Port);
DAVIT_ROWS(Mount);
DAVIT_ROWS(Mount::Bind);
DAVIT_ROWS(Mount::Volume);
DAVIT_ROWS(Mount::Tmpfs);
DAVIT_ROWS(Mount::Image);
DAVIT_ROWS(FileReference);
DAVIT_ROWS(CredentialSpec);
DAVIT_ROWS(Device);
DAVIT_ROWS(Ulimit);
DAVIT_ROWS(BlkioConfig);
DAVIT_ROWS(BlkioConfig::Weight);
DAVIT_ROWS(BlkioConfig::Rate);
DAVIT_ROWS(BuildConfig);
DAVIT_ROWS(Deploy);
DAVIT_ROWS(DeviceRequest);
DAVIT_ROWS(GenericResource);
DAVIT_ROWS(Limits);
DAVIT_ROWS(Reservations);
DAVIT_ROWS(Deploy::ResourcesSet);
DAVIT_ROWS(DeployRestartPolicy);
DAVIT_ROWS(UpdateConfig);
DAVIT_ROWS(Placement);
DAVIT_ROWS(Placement::Preference);
DAVIT_ROWS(Network);
DAVIT_ROWS(Ipam);
DAVIT_ROWS(IpamPool);
DAVIT_ROWS(Volume);
DAVIT_ROWS(Secret);
DAVIT_ROWS(Config);
DAVIT_ROWS(Model);
DAVIT_ROWS(Project);
#undef DAVIT_ROWS

} // namespace davit::compose
