#include "stack/substitute.hpp"

#include "base/units.hpp"
#include "compose/short_forms.hpp"

#include <array>
#include <charconv>

namespace davit::stack {

using namespace compose;

namespace {

bool starts_name(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

// NAME, then perhaps an operator and everything up to a closing brace or the end.
struct Reference {
    std::string_view name, op, word;
    std::size_t length = 0; // 0: there is none
};

Reference read_reference(std::string_view text) {
    Reference out;
    if (text.empty() || !starts_name(text[0])) return out;
    std::size_t n = 1;
    while (n < text.size() && in_name(text[n])) ++n;
    out.name = text.substr(0, n);
    std::size_t op = n;
    if (op < text.size() && text[op] == ':') ++op;
    if (op < text.size() && (text[op] == '-' || text[op] == '?')) {
        out.op = text.substr(n, op + 1 - n);
        const std::size_t end = std::min(text.find('}', op), text.size());
        out.word = text.substr(op + 1, end - op - 1);
        n = end;
    }
    out.length = n;
    return out;
}

// False, and why in mistake, when it must have a value and has none.
bool append_value(const Reference& r, const LookupEnvironment& lookup, Substitution& out) {
    const std::string* value = lookup(r.name);
    if (value && value->empty() && r.op.size() == 2) value = nullptr;
    if (value) out.text += *value;
    else if (!r.op.empty() && r.op.back() == '-') out.text += r.word;
    else if (!r.op.empty()) out.mistake = fmt::format("required variable {} is missing a value: {}", r.name, r.word);
    return out.mistake.empty();
}

enum class Cast { integer, real, boolean };
struct CastRule {
    std::string_view path; // * any key, # any item
    Cast cast;
};
constexpr std::array cast_rules = {
    CastRule{"services.*.configs.#.mode", Cast::integer},
    CastRule{"services.*.secrets.#.mode", Cast::integer},
    CastRule{"services.*.healthcheck.retries", Cast::integer},
    CastRule{"services.*.healthcheck.disable", Cast::boolean},
    CastRule{"services.*.deploy.replicas", Cast::integer},
    CastRule{"services.*.deploy.update_config.parallelism", Cast::integer},
    CastRule{"services.*.deploy.update_config.max_failure_ratio", Cast::real},
    CastRule{"services.*.deploy.rollback_config.parallelism", Cast::integer},
    CastRule{"services.*.deploy.rollback_config.max_failure_ratio", Cast::real},
    CastRule{"services.*.deploy.restart_policy.max_attempts", Cast::integer},
    CastRule{"services.*.deploy.placement.max_replicas_per_node", Cast::integer},
    CastRule{"services.*.ports.#.target", Cast::integer},
    CastRule{"services.*.ports.#.published", Cast::integer},
    CastRule{"services.*.ulimits.*", Cast::integer},
    CastRule{"services.*.ulimits.*.hard", Cast::integer},
    CastRule{"services.*.ulimits.*.soft", Cast::integer},
    CastRule{"services.*.privileged", Cast::boolean},
    CastRule{"services.*.read_only", Cast::boolean},
    CastRule{"services.*.stdin_open", Cast::boolean},
    CastRule{"services.*.tty", Cast::boolean},
    CastRule{"services.*.volumes.#.read_only", Cast::boolean},
    CastRule{"services.*.volumes.#.volume.nocopy", Cast::boolean},
    CastRule{"networks.*.external", Cast::boolean},
    CastRule{"networks.*.internal", Cast::boolean},
    CastRule{"networks.*.attachable", Cast::boolean},
    CastRule{"volumes.*.external", Cast::boolean},
    CastRule{"secrets.*.external", Cast::boolean},
    CastRule{"configs.*.external", Cast::boolean},
};

class Walk {
public:
    Walk(Tree& tree, const LookupEnvironment& lookup, Diagnostics& diag) : tree_(tree), lookup_(lookup), diag_(diag) {}

    void run(Node& n) {
        if (n.is_string()) return text(n);
        for (Entry& e : n.map()) {
            auto step = path_.key(e.key);
            keys_.push_back(e.key);
            run(*e.value);
            keys_.pop_back();
        }
        auto items = n.list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto step = path_.item(i);
            keys_.push_back("#");
            run(*items[i]);
            keys_.pop_back();
        }
    }

private:
    void text(Node& n) {
        if (n.str().find('$') == std::string_view::npos) return;
        const Substitution result = substitute(n.str(), lookup_);
        if (!result.mistake.empty())
            return diag_.error(n.pos, path_,
                               fmt::format("invalid interpolation format: \"{}\"; you may need to escape any $ with "
                                           "another $",
                                           result.mistake));
        if (result.text == n.str()) return;
        Node* fresh = cast(n, result.text);
        if (fresh) n = *fresh;
    }

    const CastRule* rule() const {
        for (const CastRule& r : cast_rules) {
            const auto parts = split(r.path, '.');
            bool fits = parts.size() == keys_.size();
            for (std::size_t i = 0; fits && i < parts.size(); ++i)
                fits = parts[i] == keys_[i] || (parts[i] == "*" && keys_[i] != "#");
            if (fits) return &r;
        }
        return nullptr;
    }

    Node* cast(const Node& n, const std::string& value) {
        const CastRule* r = rule();
        if (!r) return tree_.string(value, n.pos);
        if (r->cast == Cast::integer) {
            if (auto v = parse_int(value)) return tree_.integer(*v, n.pos);
        } else if (r->cast == Cast::boolean) {
            if (auto v = parse_bool_word(value)) return tree_.boolean(*v, n.pos);
        } else {
            double v = 0;
            auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), v);
            if (code == std::errc() && end == value.data() + value.size()) return tree_.real(v, n.pos);
        }
        constexpr std::string_view kinds[] = {"a whole number", "a number", "a boolean"};
        diag_.error(n.pos, path_,
                    fmt::format("must be {}, and its variables make it '{}'", kinds[static_cast<int>(r->cast)], value));
        return nullptr;
    }

    Tree& tree_;
    const LookupEnvironment& lookup_;
    Diagnostics& diag_;
    Path path_;
    std::vector<std::string_view> keys_;
};

} // namespace

Substitution substitute(std::string_view text, const LookupEnvironment& lookup) {
    Substitution out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '$') {
            out.text += text[i++];
            continue;
        }
        std::string_view rest = text.substr(i + 1);
        if (!rest.empty() && rest[0] == '$') {
            out.text += '$';
            i += 2;
            continue;
        }
        const bool braced = !rest.empty() && rest[0] == '{';
        const Reference r = read_reference(braced ? rest.substr(1) : rest);
        if (r.length == 0 || (braced && (r.length + 1 >= rest.size() || rest[r.length + 1] != '}'))) {
            out.mistake = text;
            return out;
        }
        if (!append_value(r, lookup, out)) return out;
        i += 1 + r.length + (braced ? 2 : 0);
    }
    return out;
}

void substitute_all(Tree& tree, Node& root, const LookupEnvironment& lookup, Diagnostics& diag) {
    Walk(tree, lookup, diag).run(root);
}

} // namespace davit::stack
