#include "cli/context_store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_depth.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace davit::cli {

namespace {

namespace fs = std::filesystem;
using Metadata = nlohmann::ordered_json;

constexpr std::size_t most_bytes = 10 << 20; // of an archive, as docker
constexpr std::string_view tls_prefix = "tls/docker/", tls_directory = "tls/";

std::string contexts_directory() {
    const std::string directory = docker_config_directory();
    if (directory.empty())
        throw error(Errc::usage, "neither DOCKER_CONFIG nor HOME is set: there is no place for contexts");
    return directory + "/contexts";
}

// Those of one directory, by name.
std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory, none)) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
}

Metadata metadata_of(const std::string& name, const std::string& description, const DockerEndpoint& endpoint) {
    Metadata about = Metadata::object(), docker = Metadata::object();
    if (!description.empty()) about["Description"] = description;
    if (!endpoint.host.empty()) docker["Host"] = endpoint.host;
    docker["SkipTLSVerify"] = endpoint.skip_verify;
    return {{"Name", name}, {"Metadata", about}, {"Endpoints", {{"docker", docker}}}};
}

void set_option(DockerEndpoint& to, const std::string& key, const std::string& value) {
    if (key == "host") to.host = value;
    else if (key == "ca") to.ca = value;
    else if (key == "cert") to.cert = value;
    else if (key == "key") to.key = value;
    else if (key == "skip-tls-verify") {
        if (value != "true" && value != "false" && value != "1" && value != "0" && !value.empty())
            throw error(Errc::usage,
                        "invalid docker endpoint options: {}: strconv.ParseBool: parsing \"{}\": invalid "
                        "syntax",
                        key, value);
        to.skip_verify = value == "true" || value == "1";
    } else {
        throw error(Errc::usage, "unable to create docker endpoint config: unrecognized config key: {}", key)
            .with_hint("--docker takes from, host, ca, cert, key and skip-tls-verify");
    }
}

// The addresses that docker's client understands.
void check_host(const std::string& host) {
    if (host.empty()) return;
    for (const std::string_view scheme : {"unix://", "tcp://", "ssh://", "npipe://", "fd://", "http://", "https://"})
        if (host.starts_with(scheme)) return;
    throw error(Errc::usage, "unable to parse docker host `{}`", host).with_hint("as in host=tcp://example.org:2376");
}

// ---- tar, of a few small files

struct TarHeader {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
        rest[247];
};
static_assert(sizeof(TarHeader) == 512);
constexpr std::size_t block = sizeof(TarHeader);

void put_octal(char* to, std::size_t width, std::uint64_t value) {
    for (std::size_t i = width - 1; i-- > 0; value >>= 3) to[i] = static_cast<char>('0' + (value & 7));
}

unsigned checksum_of(const TarHeader& header) {
    std::array<unsigned char, block> bytes{};
    std::memcpy(bytes.data(), &header, block);
    unsigned sum = 0;
    const std::size_t from = offsetof(TarHeader, checksum);
    for (std::size_t i = 0; i < block; ++i)
        sum += i >= from && i < from + sizeof header.checksum ? unsigned{' '} : bytes[i];
    return sum;
}

std::optional<std::uint64_t> octal(const char* text, std::size_t width) {
    std::string digits(text, ::strnlen(text, width));
    std::erase(digits, ' ');
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out, 8);
    if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return out;
}

Error no_context() {
    return error(Errc::usage, "this is no exported context").with_hint("see 'docker context export'");
}

// What somebody else may have written: every command that lists contexts reads it from now on.
Metadata metadata_in(const std::string& text) {
    auto out = parse_untrusted_as<Metadata>(text);
    const auto member = [](const Metadata& of, const char* key, auto is) {
        const auto it = of.find(key);
        return it == of.end() || it->is_null() || ((*it).*is)();
    };
    if (!out.is_object() || !member(out, "Metadata", &Metadata::is_object) ||
        !member(out, "Endpoints", &Metadata::is_object))
        throw no_context();
    if (const auto about = out.find("Metadata"); about != out.end() && about->is_object())
        if (!member(*about, "Description", &Metadata::is_string)) throw no_context();
    if (const auto endpoints = out.find("Endpoints"); endpoints != out.end() && endpoints->is_object())
        for (const auto& [name, endpoint] : endpoints->items())
            if (!endpoint.is_object() || !member(endpoint, "Host", &Metadata::is_string) ||
                !member(endpoint, "SkipTLSVerify", &Metadata::is_boolean))
                throw no_context();
    return out;
}

} // namespace

void check_context_name(const std::string& name) {
    constexpr std::string_view more = "_.+-";
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (name.empty()) throw error(Errc::usage, "context name cannot be empty");
    if (name == "default") throw error(Errc::usage, "\"default\" is a reserved context name");
    if (name.size() < 2 || !plain(name[0]) || !std::all_of(name.begin(), name.end(), [&](char c) {
            return plain(c) || more.find(c) != std::string_view::npos;
        }))
        throw error(Errc::usage,
                    "context name \"{}\" is invalid, names are validated against regexp "
                    "\"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"",
                    name);
}

ContextPlace place_of_context(const std::string& name) {
    const std::string id = sha256_hex(name);
    return {contexts_directory() + "/meta/" + id, contexts_directory() + "/tls/" + id};
}

Error no_such_context(const std::string& name) {
    return error(Errc::usage, "context \"{}\": context not found: open {}/meta.json: no such file or directory", name,
                 place_of_context(name).metadata);
}

bool context_exists(const std::string& name) {
    return name == "default" || exists(place_of_context(name).metadata + "/meta.json");
}

std::map<std::string, std::vector<std::string>> tls_files_of_context(const std::string& name) {
    std::map<std::string, std::vector<std::string>> out;
    const std::string directory = place_of_context(name).tls;
    for (const std::string& endpoint : names_in(directory)) out[endpoint] = names_in(directory + "/" + endpoint);
    return out;
}

ContextFiles files_of_endpoint(const std::string& text, const std::string& name, const std::string& description) {
    DockerEndpoint endpoint;
    std::string from;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string word = text.substr(at, end - at);
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals),
                          value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (key == "from") from = value;
        else set_option(endpoint, key, value);
        at = end + 1;
    }
    if (!from.empty()) {
        ContextFiles files = read_context_files(from);
        Metadata document = metadata_in(files["meta.json"]);
        document["Metadata"] = Metadata::object();
        if (!description.empty()) document["Metadata"]["Description"] = description;
        files["meta.json"] = json_text(document);
        return files;
    }
    check_host(endpoint.host);
    ContextFiles out{{"meta.json", json_text(metadata_of(name, description, endpoint))}};
    const std::pair<const char*, const std::string*> material[] = {
        {"ca.pem", &endpoint.ca}, {"cert.pem", &endpoint.cert}, {"key.pem", &endpoint.key}};
    for (const auto& [file, source] : material)
        if (!source->empty()) out[std::string(tls_prefix) + file] = read_file(*source);
    return out;
}

ContextFiles read_context_files(const std::string& name) {
    if (name == "default") {
        for (const DockerContext& c : docker_contexts())
            if (c.name == name) return {{"meta.json", json_text(metadata_of(name, "", {c.host, false, {}, {}, {}}))}};
    }
    const ContextPlace place = place_of_context(name);
    const auto text = read_file_if_exists(place.metadata + "/meta.json");
    if (!text) throw no_such_context(name);
    ContextFiles out{{"meta.json", *text}};
    for (const auto& [endpoint, names] : tls_files_of_context(name))
        for (const std::string& file : names)
            out[fmt::format("{}{}/{}", tls_directory, endpoint, file)] =
                read_file(place.tls + "/" + endpoint + "/" + file);
    return out;
}

void write_context_files(const std::string& name, const ContextFiles& files) {
    const ContextPlace place = place_of_context(name);
    Metadata document = metadata_in(files.at("meta.json"));
    document["Name"] = name;
    fs::remove_all(place.tls);
    for (const auto& [file, content] : files)
        if (file.starts_with(tls_directory)) write_file_making(place.tls + file.substr(3), content);
    write_file_making(place.metadata + "/meta.json", json_text(document), 0644);
}

bool remove_context_files(const std::string& name) {
    const ContextPlace place = place_of_context(name);
    const bool there = exists(place.metadata + "/meta.json");
    fs::remove_all(place.tls);
    fs::remove_all(place.metadata);
    return there;
}

std::string pack_context(const ContextFiles& files) {
    std::string out;
    for (const auto& [name, content] : files) {
        TarHeader header{};
        std::memcpy(header.name, name.data(), std::min(name.size(), sizeof header.name - 1));
        put_octal(header.mode, sizeof header.mode, name == "meta.json" ? 0644 : 0600);
        put_octal(header.uid, sizeof header.uid, 0);
        put_octal(header.gid, sizeof header.gid, 0);
        put_octal(header.size, sizeof header.size, content.size());
        put_octal(header.mtime, sizeof header.mtime, 0);
        header.type = '0';
        std::memcpy(header.magic, "ustar", sizeof header.magic);
        std::memcpy(header.version, "00", sizeof header.version);
        put_octal(header.checksum, sizeof header.checksum - 1, checksum_of(header));
        header.checksum[sizeof header.checksum - 1] = ' ';
        out.append(reinterpret_cast<const char*>(&header), block);
        out += content;
        out.append((block - content.size() % block) % block, '\0');
    }
    return out.append(2 * block, '\0');
}

namespace {

// "tls/docker/ca.pem": of any endpoint, for others than docker's stand in contexts of old.
bool is_tls_file(std::string_view name) {
    if (!name.starts_with(tls_directory)) return false;
    name.remove_prefix(tls_directory.size());
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) return false;
    const auto plain = [](std::string_view part) {
        return !part.empty() && part != "." && part != ".." && part.find_first_of("/\\") == std::string_view::npos;
    };
    return plain(name.substr(0, slash)) && plain(name.substr(slash + 1));
}

} // namespace

ContextFiles unpack_context(const std::string& archive) {
    if (archive.size() > most_bytes) throw error(Errc::usage, "the archive of a context has at most 10 MiB");
    if (archive.starts_with("PK"))
        throw error(Errc::unsupported, "davit reads contexts from tar archives, not from zip archives");
    ContextFiles out;
    for (std::size_t at = 0; at + block <= archive.size();) {
        TarHeader header;
        std::memcpy(&header, archive.data() + at, block);
        at += block;
        if (header.name[0] == '\0') break;
        const std::string name(header.name, ::strnlen(header.name, sizeof header.name));
        const auto size = octal(header.size, sizeof header.size);
        if (octal(header.checksum, sizeof header.checksum) != checksum_of(header) || !size ||
            *size > archive.size() - at)
            throw no_context();
        const bool file = header.type == '0' || header.type == '\0'; // of others nothing is taken
        if (file && name != "meta.json" && !is_tls_file(name))
            throw error(Errc::usage, "unexpected file in a context: {}", name);
        if (file) out[name] = archive.substr(at, *size);
        at += (*size + block - 1) / block * block;
    }
    if (!out.contains("meta.json")) throw no_context();
    return out;
}

} // namespace davit::cli
