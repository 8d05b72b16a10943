#include "base/units.hpp"
#include "stack/schema.hpp"
#include "stack/text.hpp"

#include <algorithm>

namespace davit::stack {

namespace {

bool is_extension(std::string_view key) { return key.substr(0, 2) == "x-"; }
bool is_name(std::string_view key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

class Validator {
public:
    Validator(int minor, Diagnostics& diag, std::vector<std::string>& refused)
        : minor_(minor), diag_(diag), refused_(refused) {}

    void file(const Node& root) { record(root, file_table); }

private:
    void value(const Node& n, const Key& key) {
        switch (key.is) {
        case Is::extension: return;
        case Is::text: return scalar(n, n.is_string(), "string");
        case Is::text_or_null: return scalar(n, n.is_string() || n.is_null(), "string or null");
        case Is::boolean: return scalar(n, n.is_bool(), "boolean");
        case Is::integer: return scalar(n, n.kind == Kind::integer, "integer");
        case Is::number: return scalar(n, n.is_number(), "number");
        case Is::count: scalar(n, n.kind == Kind::integer, "integer"); return not_negative(n);
        case Is::amount: scalar(n, n.is_number(), "number"); return not_negative(n);
        case Is::number_or_text: return scalar(n, n.is_number() || n.is_string(), "number or string");
        case Is::size: return size(n);
        case Is::duration: return duration(n);
        case Is::order: return order(n);
        case Is::words:
        case Is::test:
            if (n.is_list()) return texts(n, false);
            return scalar(n, n.is_string(), "string or list");
        case Is::text_or_set:
            if (n.is_string()) return;
            [[fallthrough]];
        case Is::set: return texts(n, true);
        case Is::texts: return texts(n, false);
        case Is::scalars:
            return items(
                n, [&](const Node& item) { scalar(item, item.is_string() || item.is_number(), "string or number"); });
        case Is::pairs:
        case Is::variables:
        case Is::hosts: return pairs(n);
        case Is::options: return options(n, false);
        case Is::log_options: return options(n, true);
        case Is::record: return record(n, *key.table);
        case Is::record_or_null:
            if (!n.is_null()) record(n, *key.table);
            return;
        case Is::build:
        case Is::ports:
        case Is::files:
        case Is::volumes:
        case Is::records:
        case Is::external:
        case Is::networks:
        case Is::ulimits:
        case Is::named_records: return composite(n, key);
        }
    }

    void composite(const Node& n, const Key& key) {
        const Table* table = key.table;
        auto text_or_record = [&](const Node& item) {
            if (item.is_map()) return record(item, *table);
            bool port = key.is == Is::ports && item.is_number();
            scalar(item, item.is_string() || port, port ? "number, string or mapping" : "string or mapping");
        };
        if (key.is == Is::build) return text_or_record(n);
        if (key.is == Is::records) return items(n, [&](const Node& item) { record(item, *table); });
        if (key.is == Is::ports) return items(n, text_or_record, true);
        if (key.is == Is::files || key.is == Is::volumes) return items(n, text_or_record);
        if (key.is == Is::named_records) return named(n, *table);
        if (key.is == Is::networks) return networks(n, *table);
        if (key.is == Is::ulimits) return ulimits(n, *table);
        if (n.is_map()) return external(n);
        scalar(n, n.is_bool(), "boolean or mapping");
    }

    void external(const Node& n) {
        for (const Entry& e : n.map()) {
            auto step = path_.key(e.key);
            if (e.key == "name") scalar(*e.value, e.value->is_string(), "string");
            else unknown(e);
        }
    }

    void named(const Node& n, const Table& table) {
        if (!n.is_map()) return wrong(n, "mapping");
        for (const Entry& e : n.map()) {
            if (!is_name(e.key)) {
                unknown(e);
                continue;
            }
            auto step = path_.key(e.key);
            // Networks and volumes may be nothing but a name.
            if (e.value->is_null() && (path_.text().starts_with("networks.") || path_.text().starts_with("volumes.")))
                continue;
            record(*e.value, table);
        }
    }

    void networks(const Node& n, const Table& table) {
        if (n.is_list()) return texts(n, true);
        if (!n.is_map()) return wrong(n, "list or mapping");
        for (const Entry& e : n.map()) {
            if (!is_name(e.key)) {
                unknown(e);
                continue;
            }
            auto step = path_.key(e.key);
            if (!e.value->is_null()) record(*e.value, table);
        }
    }

    void ulimits(const Node& n, const Table& table) {
        if (!n.is_map()) return wrong(n, "mapping");
        for (const Entry& e : n.map()) {
            auto step = path_.key(e.key);
            if (e.value->is_map()) record(*e.value, table);
            else scalar(*e.value, e.value->kind == Kind::integer, "integer or mapping");
        }
    }

    void record(const Node& n, const Table& table) {
        if (!n.is_map()) return wrong(n, "mapping");
        for (const Entry& e : n.map()) {
            const Key* key = table.find(e.key);
            if (key && key->since > minor_ && !table.open) key = nullptr;
            if (key) {
                auto step = path_.key(e.key);
                value(*e.value, *key);
            } else if (!table.open && !(is_extension(e.key) && table.extensions >= 0 && table.extensions <= minor_)) {
                unknown(e);
            }
        }
        for (std::string_view name : table.required)
            if (!n.has(name)) diag_.error(n.pos, path_, fmt::format("{} is required", name));
    }

    void unknown(const Entry& e) {
        std::string at = path_.text().empty() ? std::string(e.key) : fmt::format("{}.{}", path_.text(), e.key);
        refused_.push_back(at);
        diag_.error(e.key_pos, path_, fmt::format("Additional property {} is not allowed", e.key), since(e.key));
    }

    // A key that a newer file may have.
    std::string since(std::string_view name) const {
        return minor_ < newest_minor && minor_ >= 0
                   ? fmt::format("the file says that it is of version 3.{}; '{}' may need a newer one, or none", minor_,
                                 name)
                   : std::string();
    }

    void items(const Node& n, const std::function<void(const Node&)>& check, bool differ = false) {
        if (!n.is_list()) return wrong(n, "list");
        auto list = n.list();
        for (std::size_t i = 0; i < list.size(); ++i) {
            auto step = path_.item(i);
            check(*list[i]);
        }
        if (differ) unique(n);
    }

    void texts(const Node& n, bool differ) {
        items(
            n, [&](const Node& item) { scalar(item, item.is_string(), "string"); }, differ);
    }

    void unique(const Node& n) {
        auto list = n.list();
        for (std::size_t i = 0; i < list.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (equal(*list[i], *list[j])) {
                    auto step = path_.item(i);
                    return diag_.error(list[i]->pos, path_, "array items must be unique: this one stands here twice");
                }
    }

    void pairs(const Node& n) {
        if (n.is_list()) return texts(n, true);
        if (!n.is_map()) return wrong(n, "mapping or list");
        for (const Entry& e : n.map()) {
            auto step = path_.key(e.key);
            const Node& v = *e.value;
            scalar(v, v.is_string() || v.is_number() || v.is_null(), "string, number or null");
        }
    }

    void options(const Node& n, bool null_too) {
        if (!n.is_map()) return wrong(n, "mapping");
        for (const Entry& e : n.map()) {
            auto step = path_.key(e.key);
            const Node& v = *e.value;
            scalar(v, v.is_string() || v.is_number() || (null_too && v.is_null()),
                   null_too ? "string, number or null" : "string or number");
        }
    }

    void duration(const Node& n) {
        if (!n.is_string()) return wrong(n, "string");
        if (!go_duration(n.str()))
            diag_.error(n.pos, path_, "Does not match format 'duration'", "write it as 1m30s, 5s or 250ms");
    }

    void size(const Node& n) {
        if (!n.is_string()) return wrong(n, "string");
        if (!parse_bytes(n.str()))
            diag_.error(n.pos, path_, fmt::format("invalid size: '{}'", n.str()), "write it as 64M or 1.5g");
    }

    void not_negative(const Node& n) {
        const bool negative = n.kind == Kind::real ? n.real < 0 : n.kind == Kind::integer && n.integer < 0;
        if (negative) diag_.error(n.pos, path_, fmt::format("must not be negative, and is {}", to_text(n)));
    }

    void order(const Node& n) {
        if (n.str() != "start-first" && n.str() != "stop-first")
            diag_.error(n.pos, path_, "must be one of the following: \"start-first\", \"stop-first\"");
    }

    void scalar(const Node& n, bool fits, std::string_view what) {
        if (!fits) wrong(n, what);
    }

    void wrong(const Node& n, std::string_view what) {
        refused_.push_back(path_.text());
        diag_.error(n.pos, path_, fmt::format("must be a {}", what));
    }

    int minor_;
    Diagnostics& diag_;
    std::vector<std::string>& refused_;
    Path path_;
};

} // namespace

int read_version(const Node& root, Diagnostics& diag) {
    const Node* version = root.find("version");
    if (!version) return newest_minor;
    if (!version->is_string()) return newest_minor; // validate() says so
    std::string_view text = version->str();
    if (text.empty() || text == "3") return newest_minor;
    for (int minor = 0; minor <= newest_minor; ++minor)
        if (text == fmt::format("3.{}", minor)) return minor;
    diag.error(version->pos, "version", fmt::format("unsupported Compose file version: {}", text),
               "stack files are of version 3.0 to 3.13; a file without version: is of the newest");
    return newest_minor;
}

void validate(const Node& root, int minor, Diagnostics& diag, std::vector<std::string>& refused) {
    Validator(minor, diag, refused).file(root);
}

} // namespace davit::stack
