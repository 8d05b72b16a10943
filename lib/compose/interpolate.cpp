#include "compose/interpolate.hpp"

#include "base/units.hpp"
#include "compose/attributes/rule_table.hpp"

#include <charconv>
#include <limits>

namespace davit::compose {

namespace {

class Interpolator {
public:
    Interpolator(Tree& tree, const Environment& environment, Diagnostics& diag)
        : tree_(tree), diag_(diag), lookup_([&environment](std::string_view name) -> const std::string* {
              auto it = environment.find(name);
              return it == environment.end() ? nullptr : &it->second;
          }) {}

    void walk(Node& n, RuleTable<Cast>::Cursor cast) {
        if (n.is_text()) return value(n, cast.rule());
        for (Entry& e : n.map()) {
            auto step = path_.key(e.key);
            walk(*e.value, cast.key(e.key));
        }
        auto items = n.list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto step = path_.item(i);
            walk(*items[i], cast.item());
        }
    }

private:
    void value(Node& n, const Cast* cast) {
        if (n.str().find('$') != std::string_view::npos) {
            Expansion result = expand(n.str(), lookup_);
            for (const auto& name : result.unset)
                diag_.warning(n.pos, path_,
                              fmt::format("the variable {} is not set; an empty text is used for it", name),
                              fmt::format("set it in the environment or in .env, or write ${{{}:-default}}", name));
            if (result.error) return fail(n, *result.error);
            Tag tag = n.tag;
            n = *tree_.string(result.text, n.pos);
            n.tag = tag;
        }
        if (cast) cast_to(n, *cast);
    }

    void fail(Node& n, const TemplateError& e) {
        n.failed = true;
        if (e.kind == TemplateError::Kind::too_large) return diag_.error(n.pos, path_, e.message);
        if (e.kind == TemplateError::Kind::required)
            return diag_.error(n.pos, path_, e.message, "set it in the environment or in .env");
        diag_.error(n.pos, path_, fmt::format("'{}' is no valid variable", e.message),
                    "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+other}; a dollar that is meant as "
                    "such is written $$");
    }

    void cast_to(Node& n, Cast cast) {
        std::string_view text = n.str();
        Node* out = nullptr;
        if (cast == Cast::integer) {
            if (auto v = parse_int(text)) out = tree_.integer(*v, n.pos);
        } else if (cast == Cast::real) {
            double v = 0;
            std::string_view digits = !text.empty() && text[0] == '+' ? text.substr(1) : text;
            auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
            if (code == std::errc() && end == digits.data() + digits.size()) out = tree_.real(v, n.pos);
        } else if (auto v = parse_bool_word(text)) {
            out = tree_.boolean(*v, n.pos);
        }
        if (!out) {
            n.failed = true;
            constexpr const char* names[] = {"", "a whole number", "a number", "a boolean"};
            constexpr const char* hints[] = {"", "", "", "write true or false"};
            auto i = static_cast<std::size_t>(cast);
            return diag_.error(n.pos, path_, fmt::format("must be {}, and this is '{}'", names[i], text), hints[i]);
        }
        Tag tag = n.tag;
        n = *out;
        n.tag = tag;
    }

    Tree& tree_;
    Diagnostics& diag_;
    Lookup lookup_;
    Path path_;
};

} // namespace

void interpolate(Tree& tree, Node& document, const Environment& environment, Diagnostics& diag) {
    Interpolator(tree, environment, diag).walk(document, rule_table<&Rules::cast>().root());
}

} // namespace davit::compose
