#include "cli/cmd/build_values.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace davit::cli {

namespace {

std::vector<std::string> split_at(const std::string& text, char at) {
    std::vector<std::string> out;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(at, begin);
        out.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
        if (end == std::string::npos) return out;
        begin = end + 1;
    }
}

std::optional<BuildOutput::Type> output_type(const std::string& word) {
    using Type = BuildOutput::Type;
    for (const auto& [name, type] : {std::pair{"image", Type::image},
                                     {"registry", Type::image},
                                     {"local", Type::local},
                                     {"tar", Type::tar},
                                     {"oci", Type::oci},
                                     {"docker", Type::docker},
                                     {"cacheonly", Type::cacheonly}})
        if (word == name) return type;
    return std::nullopt;
}

// As Go's strconv reads it, and says why not.
std::int64_t whole_number(const std::string& text) {
    std::int64_t out = 0;
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto [end, failed] = std::from_chars(begin, text.data() + text.size(), out);
    const bool whole = end == text.data() + text.size();
    if (failed == std::errc() && whole) return out;
    throw error(Errc::usage, "strconv.ParseInt: parsing \"{}\": {}", text,
                failed == std::errc::result_out_of_range && whole ? "value out of range" : "invalid syntax");
}

} // namespace

std::pair<std::string, Ulimit> parse_ulimit(const std::string& text) {
    static constexpr const char* known[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                            "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                            "rss",     "rtprio",   "rttime", "sigpending", "stack"};
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos) throw error(Errc::usage, "invalid ulimit argument: {}", text);
    if (std::find(std::begin(known), std::end(known), name) == std::end(known))
        throw error(Errc::usage, "invalid ulimit type: {}", name);
    const std::string limits = text.substr(equals + 1);
    const auto numbers = split_at(limits, ':');
    if (numbers.size() > 2)
        throw error(Errc::usage, "too many limit value arguments - {}, can only have up to two, `soft[:hard]`", limits);
    Ulimit out;
    out.soft = whole_number(numbers.front());
    if (numbers.size() == 1) out.hard = out.soft, out.single = true;
    else out.hard = whole_number(numbers.back());
    constexpr const char* wrong = "ulimit soft limit must be less than or equal to hard limit: ";
    if (numbers.size() == 2 && out.hard >= 0 && out.soft < 0)
        throw error(Errc::usage, "{}soft: -1 (unlimited), hard: {}", wrong, out.hard);
    if (numbers.size() == 2 && out.hard >= 0 && out.soft > out.hard)
        throw error(Errc::usage, "{}{} > {}", wrong, out.soft, out.hard);
    return {name, out};
}

std::int64_t parse_size(const std::string& text) {
    const auto size = parse_bytes(text);
    if (size && *size >= 0) return *size;
    const std::size_t last = text.find_last_of("0123456789. ");
    const std::string number = last == std::string::npos ? "" : text.substr(0, text[last] == ' ' ? last : last + 1);
    const bool negative = number.starts_with('-');
    if (last == std::string::npos || negative) throw error(Errc::usage, "invalid size: '{}'", text);
    if (!parse_bytes(number)) throw error(Errc::usage, "strconv.ParseFloat: parsing \"{}\": invalid syntax", number);
    throw error(Errc::usage, "invalid suffix: '{}'", text.substr(last + 1));
}

std::vector<std::pair<std::string, std::string>> parse_extra_host(const std::string& text) {
    std::size_t at = text.find('=');
    if (at == std::string::npos) at = text.find(':');
    const auto invalid = [&] {
        return error(Errc::usage, "invalid host {}", text).with_hint("--add-host NAME:ADDRESS, or NAME:host-gateway");
    };
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) throw invalid();
    std::vector<std::pair<std::string, std::string>> out;
    if (text.substr(at + 1) == "host-gateway") return {{text.substr(0, at), "host-gateway"}};
    for (std::string address : split_at(text.substr(at + 1), ',')) {
        if (address.size() > 2 && address.front() == '[' && address.back() == ']')
            address = address.substr(1, address.size() - 2);
        in6_addr parsed{}; // as large as either kind
        if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1 && ::inet_pton(AF_INET6, address.c_str(), &parsed) != 1)
            throw invalid();
        out.emplace_back(text.substr(0, at), std::move(address));
    }
    return out;
}

BuildSecret secret_of(const SecretEntry& entry) {
    BuildSecret out;
    out.id = entry.id;
    out.file = entry.file;
    out.environment = entry.environment;
    if (out.id.empty()) throw error(Errc::usage, "secret missing ID");
    if (out.environment.empty() && out.file.empty()) {
        // The variable of that name, else the file of that name.
        if (std::getenv(out.id.c_str())) out.environment = out.id;
        else out.file = out.id;
    }
    struct stat st {};
    if (!out.file.empty() && out.environment.empty() && ::stat(out.file.c_str(), &st) < 0)
        throw error(Errc::not_found, "failed to stat {0}: stat {0}: no such file or directory", out.file)
            .with_hint("--secret id=" + out.id + ",src=FILE");
    return out;
}

BuildSecret parse_secret(const std::string& text) { return secret_of(parse_secret_entry(text)); }

BuildSsh parse_ssh(const std::string& text) {
    const SshEntry entry = parse_ssh_entry(text);
    return {entry.id, entry.paths};
}

void check_agent(const BuildSsh& ssh) {
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    if (ssh.paths.empty() && (!agent || !*agent))
        throw error(Errc::usage,
                    "failed to convert agent config {{{} [] false}}: invalid empty ssh agent socket: make sure "
                    "SSH_AUTH_SOCK is set",
                    ssh.id)
            .with_hint("start ssh-agent, or name a key: --ssh " + ssh.id + "=FILE");
}

BuildOutput output_of(const BuildEntry& entry) {
    BuildOutput out;
    const auto type = output_type(entry.type);
    if (!type)
        throw error(Errc::usage, "failed to solve: exporter \"{}\" could not be found", entry.type)
            .with_hint("image, registry, local, tar, oci, docker, cacheonly");
    out.type = *type;
    for (const auto& [key, value] : entry.fields) (key == "dest" ? out.destination : out.attributes[key]) = value;
    if (entry.type == "registry") out.attributes["push"] = "true";
    // Of "dest=DIR" alone buildx makes a directory of that name.
    if (entry.type == "local" && out.destination.starts_with("dest=")) out.destination.erase(0, 5);
    const auto tar = entry.fields.find("tar");
    const bool archive = entry.type == "oci" || entry.type == "docker";
    const bool directory =
        entry.type == "local" || (archive && tar != entry.fields.end() && parse_go_bool(tar->second) == false);
    if (!directory) return out;
    if (out.destination.empty()) throw error(Errc::usage, "dest is required for {} exporter", entry.type);
    if (out.destination == "-") throw error(Errc::usage, "dest cannot be stdout for {} exporter", entry.type);
    struct stat st {};
    if (::stat(out.destination.c_str(), &st) == 0 && !S_ISDIR(st.st_mode))
        throw error(Errc::usage, "destination directory {} is a file", out.destination);
    return out;
}

BuildOutput parse_output(const std::string& text) { return output_of(parse_output_entry(text)); }

std::pair<std::string, std::string> parse_build_context(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) throw error(Errc::usage, "invalid context value: {}, expected key=value", text);
    std::string name = text.substr(0, equals);
    constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    if (name.empty() || name.find_first_not_of(allowed) != std::string::npos || !plain(name.front()) ||
        !plain(name.back()))
        throw error(Errc::usage, "invalid context name {}: invalid reference format", name);
    const std::string repository = name.substr(name.rfind('/') + 1);
    const std::string own = repository.substr(0, repository.find(':'));
    if (std::any_of(own.begin(), own.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
        throw error(Errc::usage,
                    "invalid context name {}: invalid reference format: repository name ({}{}) must be "
                    "lowercase",
                    name, name.find('/') == std::string::npos ? "library/" : "", name.substr(0, name.find(':')));
    if (name.ends_with(":latest")) name.resize(name.size() - std::string_view(":latest").size());
    return {name, text.substr(equals + 1)};
}

void check_annotation(const std::string& text) {
    const auto wrong = [](const std::string& why) { return error(Errc::usage, "parse annotations: {}", why); };
    if (text.empty()) return;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) throw wrong(fmt::format("invalid annotation \"{}\", expected key=value", text));
    const std::string key = text.substr(0, equals);
    const std::size_t colon = key.find(':');
    if (colon == std::string::npos) return;
    for (const std::string& type : split_at(key.substr(0, colon), ',')) {
        const std::size_t open = type.find('[');
        const std::string name = type.substr(0, open);
        const std::string platform =
            open == std::string::npos || !type.ends_with(']') ? "" : type.substr(open + 1, type.size() - open - 2);
        const auto is_platform = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '/' || c == '-';
        };
        const bool named = !name.empty() && std::all_of(name.begin(), name.end(),
                                                        [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
        if (!named || (open != std::string::npos &&
                       (platform.empty() || !std::all_of(platform.begin(), platform.end(), is_platform))))
            throw wrong(fmt::format(
                "invalid annotation type \"{}\", expected type and optional platform in square brackets", type));
        constexpr std::string_view known[] = {"index", "index-descriptor", "manifest", "manifest-descriptor"};
        if (std::find(std::begin(known), std::end(known), name) == std::end(known))
            throw wrong(fmt::format("unknown annotation type \"{}\"", name));
    }
}

std::map<std::string, std::string> annotation_attributes(const std::string& text) {
    const std::size_t equals = text.find('=');
    std::string key = text.substr(0, equals), types = "manifest";
    if (const std::size_t colon = key.find(':'); colon != std::string::npos) {
        types = key.substr(0, colon);
        key.erase(0, colon + 1);
    }
    std::map<std::string, std::string> out;
    for (const std::string& type : split_at(types, ','))
        out["annotation-" + type + "." + key] = text.substr(equals + 1);
    return out;
}

void check_resource(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) throw error(Errc::usage, "invalid resource \"{}\", expected key=value", text);
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    try {
        if (key == "memory" || (key == "memory-swap" && value != "-1")) parse_size(value);
        else if (key == "cpu-shares" || key == "cpu-period" || key == "cpu-quota") whole_number(value);
        else if (key != "memory-swap" && key != "cpuset-cpus" && key != "cpuset-mems")
            throw error(Errc::unsupported, "unknown resource \"{}\"", key);
    } catch (const Error& e) {
        if (e.kind() == Errc::unsupported) throw error(Errc::usage, "{}", e.what());
        throw error(Errc::usage, "invalid value \"{}\" for resource {}: {}", value, key, e.what());
    }
}

bool is_policy_acted_on(const std::string& text) {
    bool asks = false, disabled = false;
    for (const std::string& field : csv_fields(text)) {
        const std::size_t equals = field.find('=');
        const std::string key = field.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
        const bool truth = key == "reset" || key == "disabled" || key == "strict";
        if (equals == std::string::npos || (!truth && key != "filename" && key != "log-level") ||
            (key == "filename" && value.empty()))
            throw error(Errc::usage, "invalid value {}", field);
        if (truth && !parse_go_bool(value))
            throw error(Errc::usage, "invalid value {}: strconv.ParseBool: parsing \"{}\": invalid syntax", field,
                        value);
        asks = asks || key == "filename";
        disabled = disabled || (key == "disabled" && *parse_go_bool(value));
    }
    return asks && !disabled;
}

void check_cache(const BuildEntry& entry, bool is_destination) {
    if (entry.type != "local" || entry.fields.count(is_destination ? "dest" : "src")) return;
    if (is_destination) throw error(Errc::usage, "local cache exporter requires dest");
    throw error(Errc::usage, "local cache importer requires src");
}

// Nobody here keeps a policy's rules, and a build that passes them over would be less safe than one that fails.
void check_source_policy() {
    const char* path = std::getenv("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY");
    if (!path || !*path) return;
    struct stat st {};
    if (::stat(path, &st) < 0 && errno == ENOENT)
        throw error(Errc::not_found, "failed to read policy file: open {}: no such file or directory", path);
    try {
        const auto policy = nlohmann::json::parse(read_file(path));
        if (policy.is_object() && (!policy.contains("rules") || policy["rules"].empty())) return;
    } catch (const nlohmann::json::exception& e) {
        throw error(Errc::usage, "failed to parse source policy: {}", e.what());
    }
    throw error(Errc::unsupported, "davit keeps no source policies: {} has rules", path)
        .with_hint("unset EXPERIMENTAL_BUILDKIT_SOURCE_POLICY to build without them");
}

} // namespace davit::cli
