#include "compose/attributes/rule_table.hpp"
#include "compose/merge.hpp"
#include "compose/short_forms.hpp"

#include <unordered_map>

namespace davit::compose {

namespace {

class Unifier {
public:
    explicit Unifier(Diagnostics& diag) : diag_(diag) {}

    void walk(Node& n, RuleTable<Identity>::Cursor at) {
        if (!at) return;
        if (n.is_list() && at.rule()) return unify(n, *at.rule());
        for (Entry& e : n.map()) {
            auto below = at.key(e.key);
            if (!below) continue;
            auto step = path_.key(e.key);
            walk(*e.value, below);
        }
    }

private:
    void unify(Node& list, Identity rule) {
        std::size_t size = list.list().size();
        if (size == 0) return;
        bool items_are_checked = rule == Identity::mount_target || rule == Identity::device_target ||
                                 rule == Identity::port || rule == Identity::expose;
        if (rule == Identity::name)
            for (std::size_t i = 0; i < size; ++i) check_text(*list.list()[i], i);
        if (size == 1 && !items_are_checked) return;
        std::unordered_map<std::string, std::size_t> seen;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < size; ++i) {
            Node* item = list.items.data[i];
            auto step = path_.item(i);
            auto [it, fresh] = seen.emplace(key_of(*item, rule), kept);
            list.items.data[it->second] = item;
            if (fresh) ++kept;
        }
        list.items.size = static_cast<std::uint32_t>(kept);
    }

    void check_text(Node& item, std::size_t i) {
        if (item.failed || !item.is_string() || item.is_text()) return;
        auto step = path_.item(i);
        item.failed = true;
        diag_.error(item.pos, path_,
                    fmt::format("must be text, and this is {}", item.timestamp ? "a date" : "a number"),
                    "put it in quotes");
    }

    std::string target(const Node& item, std::string_view what, std::string (*short_form)(std::string_view)) {
        if (item.is_string()) return short_form(item.str());
        if (const Node* t = item.find("target"); t && t->is_string()) return std::string(t->str());
        if (item.is_map())
            diag_.error(item.pos, path_, fmt::format("this {} has no target", what),
                        "add  target: /path/in/the/container");
        return {};
    }

    std::string file_target(const Node& item, std::string_view directory) {
        if (const Node* t = item.find("target")) return to_text(*t);
        const Node* source = item.is_map() ? item.find("source") : &item;
        return fmt::format("{}/{}", directory, source ? to_text(*source) : std::string());
    }

    std::string port_key(const Node& item) {
        if (!item.is_map()) return to_text(item);
        auto field = [&](std::string_view key, std::string_view other) {
            const Node* n = item.find(key);
            return n ? to_text(*n) : std::string(other);
        };
        if (!item.has("target")) {
            diag_.error(item.pos, path_, "this port has no target", "add  target: <port in the container>");
            return fmt::format("?{}", static_cast<const void*>(&item));
        }
        // Upstream tells 8080 from "8080", and what is empty from what is not there.
        const auto kind = [&](std::string_view key) {
            const Node* n = item.find(key);
            return !n || n->is_null() ? '-' : n->is_string() ? 't' : 'n';
        };
        return fmt::format("{}:{}{}:{}{}/{}", field("host_ip", "0.0.0.0"), kind("published"), field("published", ""),
                           kind("target"), field("target", ""), field("protocol", "tcp"));
    }

    std::string key_of(const Node& item, Identity rule) {
        switch (rule) {
        case Identity::none: break;
        case Identity::name: {
            std::string text = to_text(item);
            return text.substr(0, text.find('='));
        }
        case Identity::mount_target: return target(item, "volume", volume_target);
        case Identity::device_target: return target(item, "device", device_target);
        case Identity::config_target: return file_target(item, "");
        case Identity::secret_target: return file_target(item, "/run/secrets");
        case Identity::path: {
            const Node* path = item.find("path");
            return to_text(path ? *path : item);
        }
        case Identity::expose:
            if (item.kind == Kind::real)
                diag_.error(item.pos, path_, fmt::format("a port is a whole number, and this is {}", to_text(item)),
                            "write it as 80, \"80/udp\" or \"8000-8010\"");
            return to_text(item);
        case Identity::port: return port_key(item);
        }
        return {};
    }

    Diagnostics& diag_;
    Path path_;
};

} // namespace

void enforce_unicity(Node& document, Diagnostics& diag) {
    Unifier(diag).walk(document, rule_table<&Rules::identity>().root());
}

} // namespace davit::compose
