#include "base/build_entries.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cctype>

namespace davit {

namespace {

std::string lower(std::string text, bool trim) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!trim) return text;
    text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
    text.erase(text.find_last_not_of(" \t") + 1);
    return text;
}

std::pair<std::string, std::string> entry_pair(const std::string& field) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) throw error(Errc::usage, "invalid value {}", field);
    return {field.substr(0, equals), field.substr(equals + 1)};
}

BuildEntry cache_entry_of(const std::string& text) {
    const auto fields = csv_fields(text);
    if (fields.size() == 1 && fields[0].find('=') == std::string::npos) return {"registry", {{"ref", fields[0]}}};
    BuildEntry out;
    for (const std::string& field : fields) {
        const auto [key, value] = entry_pair(field);
        if (const std::string name = lower(key, false); name == "type") out.type = value;
        else out.fields[name] = value;
    }
    if (out.type.empty()) throw error(Errc::usage, "type required for \"{}\"", text);
    return out;
}

void append_pair(std::string& to, const std::string& key, const std::string& value) {
    to += (to.empty() ? "" : ",") + csv_field(key + "=" + value);
}

} // namespace

std::optional<bool> parse_go_bool(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    return std::nullopt;
}

BuildEntry parse_output_entry(const std::string& text) {
    const auto fields = csv_fields(text);
    if (fields.size() == 1 && fields[0] == text && !text.starts_with("type="))
        return {text == "-" ? "tar" : "local", {{"dest", text}}};
    BuildEntry out;
    for (const std::string& field : fields) {
        const auto [key, value] = entry_pair(field);
        if (const std::string name = lower(key, true); name == "type") out.type = value;
        else out.fields[name] = value;
    }
    if (out.type.empty()) throw error(Errc::usage, "type is required for output");
    return out;
}

std::vector<BuildEntry> parse_cache_entries(const std::string& text) {
    if (text.find('=') != std::string::npos) return {cache_entry_of(text)};
    std::vector<BuildEntry> out;
    for (const std::string& field : csv_fields(text)) out.push_back(cache_entry_of(field));
    return out;
}

BuildEntry parse_attest_entry(const std::string& text) {
    BuildEntry out;
    for (const std::string& field : csv_fields(text)) {
        const auto [key, value] = entry_pair(field);
        const std::string name = lower(key, true);
        if (name == "type") {
            out.type = value;
        } else if (name == "disabled") {
            const auto disabled = parse_go_bool(value);
            if (!disabled)
                throw error(Errc::usage, "invalid value {}: strconv.ParseBool: parsing \"{}\": invalid syntax", field,
                            value);
            if (*disabled) out.fields["disabled"] = "true";
            else out.fields.erase("disabled");
        } else {
            out.fields[key] = value;
        }
    }
    if (out.type.empty()) throw error(Errc::usage, "attestation type not specified");
    return out;
}

std::string attest_of(const std::string& type, const std::string& value) {
    if (value.empty()) return "";
    const auto wanted = parse_go_bool(value);
    if (!wanted) return "type=" + type + "," + value;
    return "type=" + type + ",disabled=" + (*wanted ? "false" : "true");
}

std::optional<ProvenanceEntry> provenance_of(const BuildEntry& entry) {
    if (entry.fields.contains("disabled")) return std::nullopt;
    ProvenanceEntry out;
    for (const auto& [key, value] : entry.fields) {
        if (key == "mode" && value != "min" && value != "max")
            throw error(Errc::usage, "invalid provenance mode \"{}\"", value).with_hint("min or max");
        if (key == "mode") out.details = value == "max";
        else if (key == "builder-id") out.builder_id = value;
        else if (key == "version" && value != "v1" && value != "v0.2")
            throw error(Errc::usage, "invalid provenance version \"{}\"", value).with_hint("v1 or v0.2");
        else if (key == "version") out.version = value;
    }
    return out;
}

std::string to_string(const BuildEntry& entry) {
    const auto ref = entry.fields.find("ref");
    if (entry.type == "registry" && entry.fields.size() == 1 && ref != entry.fields.end()) return ref->second;
    std::string out;
    append_pair(out, "type", entry.type);
    // What says most comes first, the rest by name.
    constexpr const char* first[] = {"dest", "disabled"};
    for (const char* key : first)
        if (const auto found = entry.fields.find(key); found != entry.fields.end() && !found->second.empty())
            append_pair(out, key, found->second);
    for (const auto& [key, value] : entry.fields)
        if (std::find(std::begin(first), std::end(first), key) == std::end(first)) append_pair(out, key, value);
    return out;
}

SecretEntry parse_secret_entry(const std::string& text) {
    SecretEntry out;
    std::string type;
    std::vector<std::string> fields;
    try {
        fields = csv_fields(text);
    } catch (const Error& e) {
        throw error(Errc::usage, "failed to parse csv secret: {}", e.what());
    }
    for (const std::string& field : fields) {
        const std::size_t equals = field.find('=');
        if (equals == std::string::npos) throw error(Errc::usage, "invalid field '{}' must be a key=value pair", field);
        const std::string key = lower(field.substr(0, equals), false), value = field.substr(equals + 1);
        if (key == "type" && value != "file" && value != "env")
            throw error(Errc::usage, "unsupported secret type \"{}\"", value);
        if (key == "type") type = value;
        else if (key == "id") out.id = value;
        else if (key == "src" || key == "source") out.file = value;
        else if (key == "env") out.environment = value;
        else throw error(Errc::usage, "unexpected key '{}' in '{}'", key, field).with_hint("id, src, env, type");
    }
    if (type == "env" && out.environment.empty()) std::swap(out.environment, out.file);
    return out;
}

std::string to_string(const SecretEntry& entry) {
    std::string out;
    if (!entry.id.empty()) append_pair(out, "id", entry.id);
    if (!entry.file.empty()) append_pair(out, "src", entry.file);
    if (!entry.environment.empty()) append_pair(out, "env", entry.environment);
    return out;
}

SshEntry parse_ssh_entry(const std::string& text) {
    const std::size_t equals = text.find('=');
    SshEntry out{text.substr(0, equals), {}};
    for (std::size_t at = equals; at != std::string::npos;) {
        const std::size_t end = text.find(',', at + 1);
        out.paths.push_back(text.substr(at + 1, end == std::string::npos ? end : end - at - 1));
        at = end;
    }
    return out;
}

std::string to_string(const SshEntry& entry) {
    std::string paths;
    for (const std::string& path : entry.paths) paths += (paths.empty() ? "" : ",") + path;
    return entry.paths.empty() ? entry.id : entry.id + "=" + paths;
}

} // namespace davit
