#include "export/kubernetes/file_kinds.hpp"

#include "compose/sensitive.hpp"

#include <algorithm>
#include <cctype>

namespace davit::exports {

namespace {

bool is_part_of_key(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

bool is_key_of_secret(std::string_view key) {
    std::string upper;
    for (char c : key)
        if (is_part_of_key(c)) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const char* word : {"PASS", "PSK", "PRESHAREDKEY", "REQUIREPASS", "MASTERAUTH"})
        if (upper == word) return true;
    return compose::names_a_secret(key);
}

std::string_view without_blanks(std::string_view s) {
    while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
    return s;
}

// "Key = value" (INI), "key value" at the beginning (redis), "'KEY', 'value'" (PHP), "<key>value" (XML): what follows.
std::string_view value_after(std::string_view line, std::size_t begin, std::size_t end) {
    std::string_view rest = line.substr(end);
    if (begin > 0 && line[begin - 1] == '<') return rest.starts_with('>') ? rest.substr(1) : std::string_view();
    const bool first = without_blanks(line.substr(0, begin)).empty();
    const bool blank = !rest.empty() && (rest.front() == ' ' || rest.front() == '\t');
    if (rest.starts_with('"') || rest.starts_with('\'')) rest.remove_prefix(1);
    rest = without_blanks(rest);
    if (!rest.empty() && (rest.front() == '=' || rest.front() == ':' || rest.front() == ','))
        return without_blanks(rest.substr(1));
    return first && blank ? rest : std::string_view();
}

bool is_value_of_secret(std::string_view value) {
    constexpr std::string_view other = "$/.[{|>*&<(%"; // variables, paths, code
    if (value.empty() || other.find(value.front()) != std::string_view::npos) return false;
    const std::string_view word = value.substr(0, value.find_first_of(" \t,;"));
    return word != "true" && word != "false" && word != "null" && compose::is_literal(value);
}

bool line_holds_secret(std::string_view line) {
    const std::string_view text = without_blanks(line);
    if (text.starts_with('#') || text.starts_with(';') || text.starts_with("//")) return false;
    for (std::size_t at = 0; at < line.size();) {
        if (!is_part_of_key(line[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < line.size() && is_part_of_key(line[end])) ++end;
        if (is_key_of_secret(line.substr(at, end - at)) && is_value_of_secret(value_after(line, at, end))) return true;
        at = end;
    }
    return false;
}

} // namespace

bool is_called_as_secret(std::string name) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* end : {".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".env"})
        if (name.ends_with(end)) return true;
    for (const char* begin : {"id_rsa", "id_ecdsa", "id_ed25519", ".env", ".pgpass", ".netrc", ".htpasswd", ".npmrc"})
        if (name.starts_with(begin) && !name.ends_with(".pub")) return true;
    return compose::names_a_secret(name);
}

bool holds_secret(std::string_view content) {
    if (!compose::sensitive_texts(content).empty()) return true;
    for (std::size_t at = 0, end = 0; at < content.size(); at = end + 1) {
        end = std::min(content.find('\n', at), content.size());
        if (line_holds_secret(content.substr(at, end - at))) return true;
    }
    return false;
}

bool is_data(const std::string& name, const std::string& content) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* end : {".db", ".sqlite", ".sqlite3", ".db-wal", ".sqlite3-wal", ".mdb", ".ibd", ".frm", ".rdb",
                            ".aof", ".log", ".pid"})
        if (lower.ends_with(end)) return true;
    return content.starts_with("SQLite format 3");
}

bool is_placeholder(std::string_view name) {
    name = name.substr(name.rfind('/') + 1);
    return name == ".gitkeep" || name == ".keep" || name == ".gitignore";
}

} // namespace davit::exports
