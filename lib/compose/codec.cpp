#include "compose/codec.hpp"

#include "base/units.hpp"
#include "base/words.hpp"
#include "yaml/scalar.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace davit::compose {

Value to_value(const Node& n) {
    switch (n.kind) {
    case Kind::null: return {};
    case Kind::boolean: return {n.boolean};
    case Kind::integer: return {n.integer};
    case Kind::real: return {n.real};
    case Kind::string: {
        if (n.timestamp) return {yaml::rfc3339(n.str())};
        double large = 0;
        if (n.large) std::from_chars(n.text.data, n.text.data + n.text.size, large);
        if (n.large) return {large};
        return {std::string(n.str())};
    }
    case Kind::list: {
        Value::List out;
        for (const Node* item : n.list()) out.push_back(to_value(*item));
        return {std::move(out)};
    }
    case Kind::map: {
        Value::Map out;
        for (const Entry& e : n.map()) out.emplace_back(std::string(e.key), to_value(*e.value));
        return {std::move(out)};
    }
    }
    return {};
}

Node* from_value(Tree& tree, const Value& v) {
    struct Visitor {
        Tree& tree;
        Node* operator()(std::monostate) const { return tree.null(); }
        Node* operator()(bool b) const { return tree.boolean(b); }
        Node* operator()(std::int64_t i) const { return tree.integer(i); }
        Node* operator()(double d) const { return tree.real(d); }
        Node* operator()(const std::string& s) const { return tree.string(s); }
        Node* operator()(const Value::List& items) const {
            Node* out = tree.list();
            for (const Value& item : items) tree.push(*out, from_value(tree, item));
            return out;
        }
        Node* operator()(const Value::Map& entries) const {
            Node* out = tree.map_of_own_keys();
            for (const auto& [key, value] : entries) tree.add(*out, tree.copy(key), from_value(tree, value));
            return out;
        }
    };
    return std::visit(Visitor{tree}, v.data);
}

void Text::decode(Decoder& d, Node& n, std::string& out) {
    if (n.timestamp) return d.error(n, "must be text, and this is a date", "put it in quotes");
    if (!n.is_scalar()) return d.error(n, "must be text");
    out = to_text(n);
}
Node* Text::encode(Encoder& e, const std::string& s) { return s.empty() ? nullptr : e.tree.string(s); }

void Flag::decode(Decoder& d, Node& n, bool& out) {
    if (n.is_bool()) out = n.boolean;
    else if (auto v = n.is_string() ? parse_bool_word(n.str()) : std::nullopt) out = *v;
    else d.error(n, fmt::format("must be true or false, and this is '{}'", to_text(n)));
}
Node* Flag::encode(Encoder& e, const bool& v) { return v ? e.tree.boolean(true) : nullptr; }
void Flag::decode(Decoder& d, Node& n, std::optional<bool>& out) { decode(d, n, out.emplace()); }
Node* Flag::encode(Encoder& e, const std::optional<bool>& v) { return v ? e.tree.boolean(*v) : nullptr; }
Node* TrueUnlessFalse::encode(Encoder& e, const bool& v) { return v ? nullptr : e.tree.boolean(false); }

std::optional<std::int64_t> Integer::read(Decoder& d, Node& n, std::int64_t least, std::int64_t most, bool texts) {
    std::optional<std::int64_t> v;
    if (n.kind == Kind::integer) v = n.integer;
    else if (n.kind == Kind::real && std::fabs(n.real) < 9.2e18) v = static_cast<std::int64_t>(n.real);
    else if (n.is_text() && texts) v = parse_int(n.str());
    if (!v)
        d.error(n, fmt::format("must be a whole number, and this is '{}'", to_text(n)),
                n.is_string() && !texts && parse_int(n.str()) ? "write it without quotes" : "");
    else if (*v < least && most == std::numeric_limits<std::int64_t>::max())
        d.error(n, fmt::format("must be {} or more, and this is {}", least, *v));
    else if (*v < least || *v > most) d.error(n, fmt::format("must be from {} to {}, and this is {}", least, most, *v));
    else return v;
    return std::nullopt;
}

void Real::decode(Decoder& d, Node& n, double& out) {
    if (n.kind == Kind::integer) out = static_cast<double>(n.integer);
    else if (n.kind == Kind::real) out = n.real;
    else {
        std::string_view text = n.str();
        auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
        if (!n.is_string() || code != std::errc() || end != text.data() + text.size() || text.empty())
            d.error(n, fmt::format("must be a number, and this is '{}'", to_text(n)));
    }
}
Node* Real::encode(Encoder& e, const double& v) {
    if (v == 0) return nullptr;
    // Upstream keeps these as 32-bit floats; print what that prints.
    std::string text = format_float32(static_cast<float>(v));
    double shown = v;
    std::from_chars(text.data(), text.data() + text.size(), shown);
    return e.tree.real(shown);
}

void Bytes::decode(Decoder& d, Node& n, std::int64_t& out) {
    if (n.kind == Kind::integer) out = n.integer;
    else if (n.kind == Kind::real) out = 0; // Upstream reads whole numbers and texts, and passes over others.
    else if (auto v = n.is_string() ? parse_bytes(n.str()) : std::nullopt) out = *v;
    else d.error(n, fmt::format("'{}' is no size", to_text(n)), "write a number with b, k, m or g, for example 512m");
}
Node* Bytes::encode(Encoder& e, const std::int64_t& v) { return v == 0 ? nullptr : e.tree.string(std::to_string(v)); }

void Duration::decode(Decoder& d, Node& n, std::chrono::nanoseconds& out) {
    auto v = n.is_string() ? parse_duration(n.str()) : std::nullopt;
    if (v) out = std::chrono::nanoseconds(*v);
    else
        d.error(n, fmt::format("'{}' is no duration", to_text(n)),
                "write numbers with units (ns, us, ms, s, m, h, d, w), for example 1m30s");
}
Node* Duration::encode(Encoder& e, const std::chrono::nanoseconds& v) {
    return v.count() == 0 ? nullptr : e.tree.string(format_duration(v.count()));
}
void Duration::decode(Decoder& d, Node& n, std::optional<std::chrono::nanoseconds>& out) {
    decode(d, n, out.emplace(0));
}
Node* Duration::encode(Encoder& e, const std::optional<std::chrono::nanoseconds>& v) {
    return v ? e.tree.string(format_duration(v->count())) : nullptr;
}

void TextList::decode(Decoder& d, Node& n, std::vector<std::string>& out) {
    if (n.is_scalar()) return Text::decode(d, n, out.emplace_back());
    auto items = n.list();
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i]->failed) continue;
        auto step = d.path().item(i);
        Text::decode(d, *items[i], out.emplace_back());
    }
}
Node* TextList::encode(Encoder& e, const std::vector<std::string>& items) {
    if (items.empty()) return nullptr;
    Node* out = e.tree.list();
    for (const auto& item : items) e.tree.push(*out, e.tree.string(item));
    return out;
}

void Command::decode(Decoder& d, Node& n, std::optional<std::vector<std::string>>& out) {
    if (n.is_null()) return out.reset();
    if (n.is_list()) return TextList::decode(d, n, out.emplace());
    std::string line = to_text(n);
    std::string_view rest;
    if (auto words = split_words(line, &rest)) {
        out = std::move(*words);
        if (!rest.empty())
            d.warning(n, fmt::format("no shell runs this command: it ends before '{}'", rest.substr(0, 40)),
                      "if a shell is meant write  [\"sh\", \"-c\", \"…\"]");
    } else {
        d.error(n, "this command line cannot be split into words: a quote or bracket is open, or a ( stands alone",
                "write it as a list: [\"program\", \"argument\"]");
    }
}
Node* Command::encode(Encoder& e, const std::optional<std::vector<std::string>>& words) {
    if (!words) return e.json ? e.tree.null() : nullptr;
    Node* out = TextList::encode(e, *words);
    return out ? out : e.tree.list();
}

namespace {
struct KeyValue {
    std::string key;
    std::optional<std::string> value;
};
KeyValue cut(std::string_view text) {
    std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}
template <typename F>
void each_pair(Node& n, F&& take) {
    for (Entry& e : n.map())
        if (!e.value->failed)
            take(e.value,
                 KeyValue{std::string(e.key), e.value->is_null() ? std::nullopt : std::optional(to_text(*e.value))});
    for (Node* item : n.list())
        if (!item->failed) take(item, cut(to_text(*item)));
    if (n.is_string()) take(&n, cut(n.str()));
}

// YAML has dates, and Docker Compose keeps what they mean, not how they were written.
void warn_of_date(Decoder& d, const Node& n) {
    if (n.timestamp)
        d.warning(n, fmt::format("YAML reads this as a date; its text becomes '{}'", n.str()),
                  "put it in quotes to keep what is written");
}
} // namespace

void Labels::decode(Decoder& d, Node& n, std::map<std::string, std::string>& out) {
    each_pair(n, [&](Node* at, KeyValue p) {
        warn_of_date(d, *at);
        out[p.key] = p.value.value_or("");
    });
}
Node* Labels::encode(Encoder& e, const std::map<std::string, std::string>& labels) {
    if (labels.empty()) return nullptr;
    Node* out = e.tree.map_of_own_keys();
    for (const auto& [key, value] : labels) e.tree.add(*out, e.tree.copy(key), e.tree.string(value));
    return out;
}

void Variables::decode(Decoder& d, Node& n, std::map<std::string, std::optional<std::string>>& out) {
    each_pair(n, [&](Node* at, KeyValue p) {
        warn_of_date(d, *at);
        if (!p.key.empty() && (p.key.back() == ' ' || p.key.back() == '\t'))
            d.error(*at, fmt::format("the variable '{}' ends with a blank", p.key), "remove the blank before the =");
        out[p.key] = std::move(p.value);
    });
}
Node* Variables::encode(Encoder& e, const std::map<std::string, std::optional<std::string>>& variables) {
    if (variables.empty()) return nullptr;
    Node* out = e.tree.map_of_own_keys();
    for (const auto& [key, value] : variables)
        e.tree.add(*out, e.tree.copy(key), value ? e.tree.string(*value) : e.tree.null());
    return out;
}

} // namespace davit::compose
