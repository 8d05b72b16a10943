#include "compose/sensitive.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>

namespace davit::compose {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
    return s;
}

std::string_view unquoted(std::string_view s) {
    s = trimmed(s);
    if (s.size() >= 2 && (s.front() == '"' || s.front() == '\'') && s.back() == s.front())
        return s.substr(1, s.size() - 2);
    return s;
}

// How many characters from `at` on are of [A-Za-z0-9_-]; with capitals_only of [A-Z0-9].
std::size_t run_of_words(std::string_view s, std::size_t at, bool capitals_only = false) {
    std::size_t n = 0;
    while (at + n < s.size() && is_word(s[at + n])) {
        const char c = s[at + n];
        if (capitals_only && std::isupper(static_cast<unsigned char>(c)) == 0 && !(c >= '0' && c <= '9')) break;
        ++n;
    }
    return n;
}

struct Form {
    const char* prefix;
    std::size_t least; // characters that follow it
    const char* kind;
    bool capitals_only = false;
};
constexpr Form forms[] = {
    {"AKIA", 16, "AWS Client ID", true},   {"ASIA", 16, "AWS Client ID", true},
    {"AGPA", 16, "AWS Client ID", true},   {"AIDA", 16, "AWS Client ID", true},
    {"AROA", 16, "AWS Client ID", true},   {"AIPA", 16, "AWS Client ID", true},
    {"ANPA", 16, "AWS Client ID", true},   {"ANVA", 16, "AWS Client ID", true},
    {"A3T", 17, "AWS Client ID", true},    {"amzn.mws.", 36, "Amazon MWS key"},
    {"ghp_", 36, "Github authentication"}, {"gho_", 36, "Github authentication"},
    {"ghs_", 36, "Github authentication"}, {"github_pat_", 40, "Github authentication"},
    {"glpat-", 20, "GitLab token"},        {"xoxb-", 20, "Slack token"},
    {"xoxp-", 20, "Slack token"},          {"xoxa-", 20, "Slack token"},
    {"xoxe-", 20, "Slack token"},          {"xoxo-", 20, "Slack token"},
    {"xoxs-", 20, "Slack token"},          {"xoxr-", 20, "Slack token"},
    {"xapp-", 20, "Slack token"},          {"dckr_pat_", 20, "Docker token"},
    {"sk_live_", 20, "Stripe key"},        {"rk_live_", 20, "Stripe key"},
    {"sk_test_", 20, "Stripe key"},        {"rk_test_", 20, "Stripe key"},
    {"SG.", 22, "SendGrid key"},           {"npm_", 36, "npm token"},
};

std::optional<Sensitive> by_form(std::string_view line) {
    if (line.find("-----BEGIN ") != std::string_view::npos && line.find("PRIVATE KEY") != std::string_view::npos)
        return Sensitive{"Private key", "-----BEGIN … PRIVATE KEY"};
    for (const Form& form : forms)
        for (std::size_t at = line.find(form.prefix); at != std::string_view::npos;
             at = line.find(form.prefix, at + 1)) {
            const std::size_t length = std::string_view(form.prefix).size();
            if ((at == 0 || !is_word(line[at - 1])) &&
                run_of_words(line, at + length, form.capitals_only) >= form.least)
                return Sensitive{form.kind, std::string(line.substr(at, length)) + "…"};
        }
    // Three parts, the first of which is JSON that begins with {"
    if (const auto at = line.find("eyJ"); at != std::string_view::npos) {
        const std::size_t head = run_of_words(line, at), body = at + head + 1;
        if (head > 8 && body < line.size() && line[body - 1] == '.' && line.substr(body).starts_with("eyJ") &&
            body + run_of_words(line, body) < line.size() && line[body + run_of_words(line, body)] == '.')
            return Sensitive{"JSON Web Token", "eyJ…"};
    }
    // scheme://user:password@host
    if (const auto scheme = line.find("://"); scheme != std::string_view::npos) {
        const std::string_view rest = line.substr(scheme + 3, line.find_first_of("/ \"'", scheme + 3) - scheme - 3);
        const auto at = rest.rfind('@'), colon = rest.find(':');
        if (at != std::string_view::npos && colon < at && colon > 0 && at > colon + 1 && rest[colon + 1] != '$')
            return Sensitive{"URL with basic auth", std::string(rest.substr(0, colon)) + ":…"};
    }
    return std::nullopt;
}

// Shannon's, in bits to a character.
double entropy_of(std::string_view text) {
    std::map<char, std::size_t> counts;
    for (const char c : text) ++counts[c];
    double sum = 0;
    for (const auto& [unused, n] : counts) {
        const double share = static_cast<double>(n) / static_cast<double>(text.size());
        sum -= share * std::log2(share);
    }
    return sum;
}

std::optional<Sensitive> by_key(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with("- ")) line = trimmed(line.substr(2));
    if (!line.empty() && (line.front() == '"' || line.front() == '\'')) line.remove_prefix(1);
    const std::size_t length = run_of_words(line, 0);
    std::size_t at = length;
    if (at < line.size() && (line[at] == '"' || line[at] == '\'')) ++at; // a quoted key
    if (length == 0 || at >= line.size() || (line[at] != '=' && line[at] != ':')) return std::nullopt;
    std::string_view value = line.substr(at + 1);
    if (const auto comment = value.find(" #"); comment != std::string_view::npos) value = value.substr(0, comment);
    value = unquoted(value);
    while (!value.empty() && (value.back() == '"' || value.back() == '\'')) value.remove_suffix(1);
    constexpr std::string_view no_value = "$/.[{|>*&"; // variables, paths, what is no scalar
    if (value.size() < 3 || no_value.find(value.front()) != std::string_view::npos) return std::nullopt;
    if (value == "true" || value == "false" || value == "null") return std::nullopt;
    const std::string_view key = line.substr(0, length);
    if (!names_a_secret(key)) return std::nullopt;
    return Sensitive{"Password", std::string(key), 0, entropy_of(value) >= 4};
}

} // namespace

bool names_a_secret(std::string_view key) {
    std::string upper; // without what separates words
    for (char c : key)
        if (c != '-' && c != '_') upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        else if (!upper.empty() && upper.back() != '_') upper += '_';
    for (const char* other : {"_FILE", "_PATH", "_NAME", "_ID", "_DIR"})
        if (upper.ends_with(other)) return false;
    if (upper == "TOKEN" || upper.ends_with("_TOKEN")) return true;
    std::erase(upper, '_');
    constexpr const char* words[] = {"PASSWORD", "PASSWD",       "PWD",     "SECRET",     "CREDENTIAL",
                                     "APIKEY",   "ACCESSKEY",    "AUTHKEY", "SERVICEKEY", "ACCOUNTKEY",
                                     "DBKEY",    "DATABASEKEY",  "PRIVKEY", "PRIVATEKEY", "CLIENTKEY",
                                     "DBPASS",   "DATABASEPASS", "KEYPASS", "AUTHTOKEN",  "ACCESSTOKEN"};
    return std::any_of(std::begin(words), std::end(words),
                       [&](const char* word) { return upper.find(word) != std::string::npos; });
}

bool is_literal(std::string_view value) {
    value = unquoted(value);
    if (value.size() < 3 || value.back() == '}' || value.front() == '{') return false;
    return value.front() != '$' || value[1] == '$';
}

std::vector<Sensitive> sensitive_texts(std::string_view text) {
    std::vector<Sensitive> out;
    int number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        at = end + 1;
        ++number;
        if (trimmed(line).starts_with('#')) continue;
        auto found = by_form(line);
        if (!found) found = by_key(line);
        if (!found) continue;
        found->line = number;
        out.push_back(std::move(*found));
    }
    return out;
}

} // namespace davit::compose
