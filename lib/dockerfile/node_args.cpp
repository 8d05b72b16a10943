#include "dockerfile/node_args.hpp"

#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::dockerfile {

namespace {

struct Line {
    Node& node;
    std::string_view rest;
    char escape;
};

// false: not JSON, which makes it a shell form.
bool take_json(Line& line) {
    if (!line.rest.starts_with('[')) return false;
    const auto document = nlohmann::json::parse(line.rest, nullptr, false);
    if (!document.is_array()) return false;
    for (const auto& item : document) {
        if (!item.is_string())
            throw mistake(line.node.place, "the JSON array of {} holds something other than strings",
                          upper(line.node.keyword))
                .with_hint("put each element into double quotes");
        line.node.args.push_back(item.get<std::string>());
    }
    return line.node.json = true;
}

void take_words(Line& line) { line.node.args = split_at_spaces(line.rest); }

void take_text(Line& line) {
    if (!line.rest.empty()) line.node.args.emplace_back(line.rest);
}

void take_json_or_words(Line& line) {
    if (!take_json(line)) take_words(line);
}

void take_json_or_text(Line& line) {
    if (!take_json(line)) take_text(line);
}

// Words as they stand: quotes and escapes are seen and kept.
std::vector<std::string> quoted_words(std::string_view rest, char escape) {
    std::vector<std::string> out;
    std::string word;
    bool in_word = false;
    char quote = 0;
    const auto end_word = [&] {
        if (in_word) out.push_back(std::exchange(word, {}));
        in_word = false;
    };
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (c == escape && quote != '\'') {
            if (i + 1 == rest.size()) break;
            word += {c, rest[++i]};
            in_word = true;
        } else if (!quote && is_space(c)) {
            end_word();
        } else {
            if (!quote && (c == '"' || c == '\'')) quote = c;
            else if (c == quote) quote = 0;
            word += c;
            in_word = true;
        }
    }
    end_word();
    return out;
}

void take_quoted_words(Line& line) { line.node.args = quoted_words(line.rest, line.escape); }

void take_pairs(Line& line) {
    auto& args = line.node.args;
    const std::string keyword = upper(line.node.keyword);
    const auto words = quoted_words(line.rest, line.escape);
    if (words.empty()) return;
    if (words[0].find('=') == std::string::npos) { // the old form: the rest of the line is the value
        auto end = std::find_if(line.rest.begin(), line.rest.end(), is_space);
        std::string_view value = trim_left({end, line.rest.end()});
        if (value.empty())
            throw mistake(line.node.place, "{} must have two arguments", keyword)
                .with_hint("write " + keyword + " " + words[0] + "=VALUE");
        args = {std::string(line.rest.begin(), end), std::string(value), ""};
        return;
    }
    for (const std::string& word : words) {
        auto equals = word.find('=');
        if (equals == std::string::npos)
            throw mistake(line.node.place_of(word), "'{}' of {} is not NAME=VALUE", word, keyword)
                .with_hint("put values with blanks into quotes; a comment needs a line of its own");
        args.insert(args.end(), {word.substr(0, equals), word.substr(equals + 1), "="});
    }
}

void take_healthcheck(Line& line) {
    auto end = std::find_if(line.rest.begin(), line.rest.end(), is_space);
    std::string type = upper({line.rest.begin(), end});
    if (type.empty()) return;
    line.rest = trim_left({end, line.rest.end()});
    take_json_or_text(line);
    line.node.args.insert(line.node.args.begin(), std::move(type));
}

void take_trigger(Line& line) {
    if (line.rest.empty()) return;
    Node& trigger = line.node.trigger.emplace_back();
    trigger.place = line.node.place;
    trigger.original = line.rest;
    trigger.source = line.rest;
    read_arguments(trigger, line.rest, line.escape);
}

struct ArgumentForm {
    std::string_view keyword;
    void (*take)(Line&);
};
constexpr ArgumentForm argument_forms[] = {
    {"add", take_json_or_words},
    {"arg", take_quoted_words},
    {"cmd", take_json_or_text},
    {"copy", take_json_or_words},
    {"entrypoint", take_json_or_text},
    {"env", take_pairs},
    {"expose", take_words},
    {"from", take_words},
    {"healthcheck", take_healthcheck},
    {"label", take_pairs},
    {"maintainer", take_text},
    {"onbuild", take_trigger},
    {"run", take_json_or_text},
    {"shell", take_json_or_text},
    {"stopsignal", take_text},
    {"user", take_text},
    {"volume", take_json_or_words},
    {"workdir", take_text},
};

// Words that begin with "--", up to the first that does not or to "--" itself. Quotes and backslashes are resolved,
// whatever the escape character of the file.
std::string_view take_flags(std::string_view rest, std::vector<std::string>& flags) {
    for (rest = trim_left(rest); rest.starts_with("--"); rest = trim_left(rest)) {
        std::string flag;
        char quote = 0;
        std::size_t i = 0;
        for (; i < rest.size() && (quote || !is_space(rest[i])); ++i) {
            const char c = rest[i];
            if (c == '\\') {
                if (i + 1 < rest.size()) flag += rest[++i];
            } else if (quote ? c == quote : c == '"' || c == '\'') {
                quote = quote ? 0 : c;
            } else {
                flag += c;
            }
        }
        rest.remove_prefix(i);
        if (flag == "--") break;
        flags.push_back(std::move(flag));
    }
    return trim(rest);
}

} // namespace

void read_arguments(Node& node, std::string_view line, char escape) {
    line = trim(line);
    auto end = std::find_if(line.begin(), line.end(), is_space);
    node.keyword.assign(line.begin(), end);
    const std::string keyword = lower(node.keyword);
    std::string_view rest = take_flags({end, line.end()}, node.flags);
    auto form = std::find_if(std::begin(argument_forms), std::end(argument_forms),
                             [&](const ArgumentForm& f) { return f.keyword == keyword; });
    if (form == std::end(argument_forms)) return; // instructions.cpp knows what to say
    Line parts{node, rest, escape};
    form->take(parts);
}

} // namespace davit::dockerfile
