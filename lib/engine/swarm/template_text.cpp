#include "engine/swarm/template_text.hpp"

#include "base/error.hpp"
#include "engine/swarm/template_parse.hpp"
#include "engine/swarm/template_value.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace davit {

namespace {

struct TemplateScope {
    TemplateValue dot = TemplateField{};
    std::vector<std::pair<std::string, TemplateValue>> variables;

    const TemplateValue& variable(const std::string& name) const {
        for (auto it = variables.rbegin(); it != variables.rend(); ++it)
            if (it->first == name) return it->second;
        wrong_template(fmt::format("undefined variable \"{}\"", name));
    }
};

// One pipeline: what stands between {{ and }}.
class TemplatePipeline {
public:
    // source: the whole template, which has the text at `begin`.
    TemplatePipeline(std::string_view text, std::string_view source, std::size_t begin, const TemplateScope& scope,
                     const TemplateContext& context)
        : text_(text), source_(source), begin_(begin), scope_(scope), context_(context) {}

    TemplateValue run() {
        TemplateValue value = pipeline();
        skip_space();
        if (at_ < text_.size()) wrong_template(fmt::format("unexpected '{}' in action", text_.substr(at_)));
        return value;
    }

private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool is_word_here() const { return std::isalpha(static_cast<unsigned char>(here())) != 0; }
    void skip_space() {
        while (std::isspace(static_cast<unsigned char>(here()))) ++at_;
    }
    bool accept(char c) {
        skip_space();
        if (here() != c) return false;
        ++at_;
        return true;
    }
    std::string word() {
        const std::size_t from = at_;
        while (std::isalnum(static_cast<unsigned char>(here())) || here() == '_') ++at_;
        return std::string(text_.substr(from, at_ - from));
    }

    TemplateValue pipeline() {
        TemplateValue value = command(std::nullopt);
        while (accept('|')) value = command(std::move(value));
        return value;
    }

    // piped: the last argument.
    TemplateValue command(std::optional<TemplateValue> piped) {
        skip_space();
        if (is_word_here()) {
            const std::size_t from = at_;
            const std::string function = word();
            if (!piped && (function == "true" || function == "false")) return function == "true";
            std::vector<TemplateValue> arguments;
            while (auto next = operand()) arguments.push_back(std::move(*next));
            if (piped) arguments.push_back(std::move(*piped));
            return called(function, arguments, from);
        }
        auto value = operand();
        if (!value) wrong_template("missing value for command");
        if (piped || operand()) wrong_template("can't give argument to non-function");
        return std::move(*value);
    }

    std::optional<TemplateValue> operand() {
        skip_space();
        const std::size_t c_at = at_;
        const char c = here();
        if (c == '\0' || c == '|' || c == ')') return std::nullopt;
        if (accept('(')) {
            TemplateValue value = pipeline();
            if (!accept(')')) wrong_template("unclosed left paren");
            return fields(std::move(value), c_at);
        }
        if (c == '"' || c == '`') return string();
        if (c == '$') {
            ++at_;
            const std::string name = word();
            return fields(name.empty() ? TemplateValue(TemplateField{}) : scope_.variable("$" + name), c_at);
        }
        if (c == '.') {
            if (at_ + 1 < text_.size() &&
                (std::isalpha(static_cast<unsigned char>(text_[at_ + 1])) || text_[at_ + 1] == '_'))
                return fields(scope_.dot, c_at);
            ++at_;
            return scope_.dot;
        }
        if (std::isdigit(static_cast<unsigned char>(c)) || c == '-') return number();
        if (is_word_here()) {
            const std::string name = word();
            if (name == "true" || name == "false") return name == "true";
            return called(name, {}, at_ - name.size());
        }
        wrong_template(fmt::format("unexpected '{}' in operand", text_.substr(at_)));
    }

    TemplateValue number() {
        std::int64_t value = 0;
        const auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (failed != std::errc()) wrong_template(fmt::format("bad number syntax: '{}'", text_.substr(at_)));
        at_ = static_cast<std::size_t>(end - text_.data());
        return value;
    }

    std::string string() {
        const char quote = text_[at_++];
        std::string out;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) {
                const char escaped = text_[++at_];
                out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
            } else out += text_[at_];
        }
        if (at_++ >= text_.size()) wrong_template("unterminated quoted string");
        return out;
    }

    // ".Service.Name" behind a value that begins at `from`. Go's place of a chain is that of its second part.
    TemplateValue fields(TemplateValue value, std::size_t from) {
        std::size_t place = at_;
        std::vector<std::string> names;
        while (here() == '.') {
            if (names.size() == 1 && place == from) place = at_;
            ++at_;
            names.push_back(word());
            if (names.back().empty()) wrong_template("a context cannot be printed; say which of its fields");
        }
        try {
            for (const std::string& name : names) value = field(value, name);
        } catch (const TemplateFault& fault) {
            throw_at(fault, place, from);
        }
        return value;
    }

    TemplateValue field(const TemplateValue& value, const std::string& name) const {
        if (const auto* labels = std::get_if<const swarm::Labels*>(&value)) return label_of(**labels, name);
        if (const auto* known = std::get_if<TemplateField>(&value))
            return context_field(known->path + "." + name, context_);
        wrong_value(fmt::format("can't evaluate field {} in type {}", name,
                                std::holds_alternative<std::int64_t>(value) ? "int" : "string"));
    }

    TemplateValue called(const std::string& function, const std::vector<TemplateValue>& arguments, std::size_t from) {
        try {
            return call_template_function(function, arguments, context_);
        } catch (const TemplateFault& fault) {
            throw_at(fault, from, from);
        }
    }

    // The node is what was read from `from` on.
    [[noreturn]] void throw_at(const TemplateFault& fault, std::size_t place, std::size_t from) const {
        std::string_view node = text_.substr(from, at_ - from);
        while (!node.empty() && std::isspace(static_cast<unsigned char>(node.back()))) node.remove_suffix(1);
        throw_fault(fault, source_, begin_ + place, node);
    }

    std::string_view text_, source_;
    std::size_t begin_;
    const TemplateScope& scope_;
    const TemplateContext& context_;
    std::size_t at_ = 0;
};

class TemplateExpansion {
public:
    TemplateExpansion(std::string_view source, const TemplateContext& context) : source_(source), context_(context) {}

    std::string run(const std::vector<TemplateNode>& nodes) {
        const std::size_t known = scope_.variables.size();
        std::string out;
        for (const TemplateNode& node : nodes) try {
                out += text_of(node);
            } catch (const TemplateFault& fault) {
                throw_fault(fault, source_, node.at, node.text);
            }
        scope_.variables.resize(known); // those of a block end with it
        return out;
    }

private:
    using Kind = TemplateNode::Kind;

    TemplateValue value_of(const TemplateNode& node) const {
        return TemplatePipeline(node.text, source_, node.at, scope_, context_).run();
    }

    std::string text_of(const TemplateNode& node) {
        switch (node.kind) {
        case Kind::text: return node.text;
        case Kind::action: return shown(value_of(node), context_);
        case Kind::assign: assign(node); return {};
        case Kind::if_:
        case Kind::with: return branch(node);
        case Kind::range: return loop(node);
        }
        return {};
    }

    void assign(const TemplateNode& node) {
        TemplateValue value = value_of(node);
        const std::string& name = node.variables.front();
        if (node.declares) {
            scope_.variables.emplace_back(name, std::move(value));
            return;
        }
        if (undecided_ > 0)
            throw error(Errc::unsupported, "template: {} cannot be set where it depends on the task", name);
        (void)scope_.variable(name); // it has to be there
        for (auto it = scope_.variables.rbegin(); it != scope_.variables.rend(); ++it)
            if (it->first == name) {
                it->second = std::move(value);
                return;
            }
    }

    std::string branch(const TemplateNode& node) {
        const TemplateValue value = value_of(node);
        const auto truth = truth_of(value);
        if (const auto* known = std::get_if<bool>(&truth)) return *known ? body(node, value) : run(node.otherwise);
        ++undecided_;
        const std::string then = body(node, value), otherwise = run(node.otherwise);
        --undecided_;
        check_choice(then);
        check_choice(otherwise);
        return context_.holes.choice(std::get<TemplateCondition>(truth).text, then, otherwise);
    }

    // Specifications are filled as they stand in JSON; contents of files as they are.
    void check_choice(const std::string& text) const {
        const auto special = [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; };
        if (!context_.look_up && std::any_of(text.begin(), text.end(), special))
            throw error(Errc::unsupported, "template: quotes, backslashes and line ends cannot depend on the task: {}",
                        text);
    }

    std::string body(const TemplateNode& node, const TemplateValue& value) {
        const std::size_t known = scope_.variables.size();
        const TemplateValue dot = scope_.dot;
        if (!node.variables.empty()) scope_.variables.emplace_back(node.variables.front(), value);
        if (node.kind == Kind::with) scope_.dot = value;
        std::string out = run(node.then);
        scope_.dot = dot;
        scope_.variables.resize(known);
        return out;
    }

    std::string loop(const TemplateNode& node) {
        const TemplateValue value = value_of(node);
        const auto* labels = std::get_if<const swarm::Labels*>(&value);
        if (!labels) wrong_value("range can't iterate over what is no map: .Service.Labels is the only one");
        if (node.variables.size() > 2) wrong_template("too many declarations in range");
        if ((*labels)->empty()) return run(node.otherwise);
        const std::size_t known = scope_.variables.size();
        const TemplateValue dot = scope_.dot;
        std::string out;
        for (const auto& [key, label] : **labels) {
            if (node.variables.size() == 2) scope_.variables.emplace_back(node.variables[0], key);
            if (!node.variables.empty()) scope_.variables.emplace_back(node.variables.back(), label);
            scope_.dot = label;
            out += run(node.then);
            scope_.variables.resize(known);
        }
        scope_.dot = dot;
        return out;
    }

    std::string_view source_;
    const TemplateContext& context_;
    TemplateScope scope_;
    int undecided_ = 0;
};

} // namespace

std::string expand_template(const std::string& text, const TemplateContext& context) {
    if (text.find("{{") == std::string::npos) return text;
    return TemplateExpansion(text, context).run(parse_template(text));
}

} // namespace davit
